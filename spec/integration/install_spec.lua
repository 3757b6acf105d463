-- The installed product: cmake --install into a folder of its own, C programs built against it three ways, the command,
-- and the rock in a tree of its own.

local lfs = require("lfs")

local root = lfs.currentdir()
local build = os.getenv("MSEQ_BUILD") or root .. "/build"
local work

---Runs a command in a clean environment; gives its status and everything it printed.
local function run(command, ...)
  command = command:format(...)
  local pipe = assert(io.popen(("cd %s && env -i PATH='%s' HOME='%s' %s 2>&1"):format(work, os.getenv("PATH"), work, command)))
  local output = pipe:read("a")
  local _, _, status = pipe:close()
  return status, output
end

local function succeeds(command, ...)
  local status, output = run(command, ...)
  assert(status == 0, ("%s\nexit %s\n%s"):format(command:format(...), status, output))
  return output
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  file:close()
end

setup(function()
  local pipe = assert(io.popen("mktemp -d"))
  work = pipe:read("l")
  pipe:close()
  succeeds("cmake --install %s --prefix %s/prefix", build, work)
end)

teardown(function()
  os.execute("rm -rf '" .. work .. "'")
end)

describe("the installed libraries", function()
  local flags = "PKG_CONFIG_PATH=%s/prefix/lib/pkgconfig pkg-config --cflags --libs %s"

  it("export what the headers declare, and nothing else", function()
    local declared, exported = {}, {}
    for line in succeeds("cat %s/prefix/include/mainsequence/*.h", work):gsub("/%*.-%*/", ""):gmatch("MSEQ_API([^;]+);") do
      local name = line:match("(mseq_[%w_]+)%s*%(")
      if name ~= "mseq_lua_preload" then declared[#declared + 1] = name end
    end
    for name in succeeds("nm -D --defined-only %s/prefix/lib/libmainsequence.so", work):gmatch("%x+ %a ([%w_]+)") do
      exported[#exported + 1] = name
    end
    table.sort(declared)
    table.sort(exported)
    assert.is_true(#declared > 150)
    assert.equal(table.concat(declared, "\n"), table.concat(exported, "\n"))
  end)

  it("keep Lua apart", function()
    assert.not_matches("lua_", succeeds("nm -D %s/prefix/lib/libmainsequence.so", work))
    local module = succeeds("nm -D --defined-only %s/prefix/lib/lua/5.4/mainsequence/core.so", work)
    assert.equal("luaopen_mainsequence_core", module:match("%x+ %a ([%w_]+)"))
    assert.equal(1, select(2, module:gsub("\n", "")))
  end)

  it("have headers that stand alone, also in C++", function()
    for name in lfs.dir(work .. "/prefix/include/mainsequence") do
      if name:find("%.h$") then
        write(work .. "/one.c", ("#include <mainsequence/%s>\nint main(void) { return 0; }\n"):format(name))
        succeeds("gcc -std=c11 -Wall -Wextra -Werror -fsyntax-only -Iprefix/include one.c")
        succeeds("g++ -x c++ -Wall -Wextra -Werror -fsyntax-only -Iprefix/include one.c")
      end
    end
  end)

  it("build the C example through pkg-config", function()
    local words = succeeds(flags, work, "mainsequence"):gsub("\n", " ")
    succeeds("gcc -Wall -Wextra -Werror %s/examples/c_register/register.c %s -o register", root, words)
    local first = succeeds("LD_LIBRARY_PATH=prefix/lib ./register local:%s/catalog", work)
    assert.matches('"name": "uid"', first, 1, true)
    assert.matches("fingerprint mt_lab_%x+", first)
    assert.matches("registered lab__sensor at local:", first, 1, true)
    -- A second time it is the same row.
    local second = succeeds("LD_LIBRARY_PATH=prefix/lib ./register local:%s/catalog", work)
    assert.equal(first:match("uid (%S+), active"), second:match("uid (%S+), active"))
  end)

  it("tell the C example's user what is wrong", function()
    write(work .. "/file", "")
    local status, output = run("LD_LIBRARY_PATH=prefix/lib ./register local:%s/file/below", work)
    assert.equal(1, status)
    assert.matches("file/below", output, 1, true)
    status, output = run("LD_LIBRARY_PATH=prefix/lib ./register ftp://example.org")
    assert.equal(1, status)
    assert.matches("the endpoint's scheme is ftp", output, 1, true)
  end)

  it("build a host that embeds Lua, and run a model script in it", function()
    local words = succeeds(flags, work, "mainsequence-lua lua5.4"):gsub("\n", " ")
    succeeds("gcc -Wall -Wextra -Werror %s/examples/c_embed/embed.c %s -o embed", root, words)
    local scripts = work .. "/prefix/share/lua/5.4"
    local path = ("LD_LIBRARY_PATH=prefix/lib LUA_CPATH=none LUA_PATH='%s/?.lua;%s/?/init.lua'"):format(scripts, scripts)
    assert.matches("^mt_lab_%x+\n$", succeeds("%s ./embed %s/examples/c_embed/fingerprint.lua", path, root))
    write(work .. "/wrong.lua", "local types = require('mainsequence.schema').types\n"
      .. "local t = types.String { lenght = 5 }\nreturn t\n")
    local status, output = run("%s ./embed wrong.lua", path)
    assert.equal(1, status)
    assert.matches("wrong.lua:2", output, 1, true)
    assert.matches("length", output, 1, true)
  end)

  it("are found by find_package, and build as part of another project", function()
    local program = "add_executable(register " .. root .. "/examples/c_register/register.c)\n"
      .. "target_link_libraries(register PRIVATE mainsequence::mainsequence)\n"
    local head = "cmake_minimum_required(VERSION 3.25)\nproject(user LANGUAGES C)\n"
    lfs.mkdir(work .. "/package")
    write(work .. "/package/CMakeLists.txt", head .. "find_package(mainsequence 0.1 REQUIRED)\n" .. program)
    succeeds("cmake -S package -B package/build -G Ninja -DCMAKE_PREFIX_PATH=%s/prefix", work)
    succeeds("ninja -C package/build")
    assert.matches("registered", succeeds("package/build/register local:%s/packaged", work))
    lfs.mkdir(work .. "/part")
    write(work .. "/part/CMakeLists.txt", head .. ("add_subdirectory(%s mainsequence)\n"):format(root) .. program)
    succeeds("cmake -S part -B part/build -G Ninja")
    succeeds("ninja -C part/build register")
    assert.matches("registered", succeeds("part/build/register local:%s/parted", work))
  end)
end)

describe("the installed command", function()
  it("finds its modules beside it, under both names", function()
    for _, name in ipairs({ "mainsequence", "mseq" }) do
      assert.matches("^mainsequence %d+%.%d+%.%d+\n$", succeeds("prefix/bin/%s --version", name))
    end
  end)
end)

describe("the rock", function()
  it("is well formed", function()
    succeeds("luarocks-5.4 lint %s/rocks/mainsequence-dev-1.rockspec", root)
    succeeds("sh -c 'cd %s && lua5.4 rocks/check.lua'", root)
  end)

  it("installs into a tree, and its command runs there", function()
    -- From a copy: LuaRocks leaves its build folder behind.
    lfs.mkdir(work .. "/source")
    succeeds("sh -c 'cd %s && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t %s/source'",
      root, work)
    succeeds("sh -c 'cd source && luarocks-5.4 make --tree %s/tree --deps-mode none rocks/mainsequence-dev-1.rockspec'", work)
    assert.matches("^mainsequence %d", succeeds("tree/bin/mainsequence --version"))
    local path = succeeds("luarocks-5.4 --tree %s/tree path --lr-path", work):gsub("\n", "")
    local cpath = succeeds("luarocks-5.4 --tree %s/tree path --lr-cpath", work):gsub("\n", "")
    local script = "print(require(\"mainsequence\")._VERSION)"
    assert.matches("^%d", succeeds("LUA_PATH='%s' LUA_CPATH='%s' lua5.4 -e '%s'", path, cpath, script))
  end)
end)
