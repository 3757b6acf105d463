-- What README.md tells a newcomer to write and to run, taken from it as it stands.

local commands = require("spec.support.command")
local temporary = require("spec.support.temporary")

local BACKTICKS = ("`"):rep(3)

-- Code blocks of a language, in order.
local function blocks(text, language)
  local found = {}
  for block in text:gmatch("\n" .. BACKTICKS .. language .. "\n(.-)\n" .. BACKTICKS) do found[#found + 1] = block .. "\n" end
  return found
end

-- The one block that holds `part`.
local function block_with(list, part)
  for _, block in ipairs(list) do
    if block:find(part, 1, true) then return block end
  end
  error("README.md has no block with " .. part)
end

describe("README.md", function()
  local readme = temporary.read("README.md")
  local lua, shell = blocks(readme, "lua"), blocks(readme, "sh")
  local root = io.popen("pwd"):read("l")
  local command

  setup(function()
    command = commands.new()
    temporary.write(command.folder .. "/shop/models.lua", block_with(lua, "-- shop/models.lua"))
  end)
  teardown(function() command:remove() end)

  local function run(arguments)
    local status, out, err = command:run(arguments)
    assert(status == 0, arguments .. ": " .. err)
    return out
  end

  local function script(name)
    local pipe = assert(io.popen(("cd '%s' && env -u MAINSEQUENCE_ENDPOINT MAINSEQUENCE_HOME='%s/home'"
      .. " LUA_PATH='%s/lua/?.lua;%s/lua/?/init.lua;./?.lua;./?/init.lua;;' lua5.4 %s 2>&1"):format(command.folder,
      command.folder, root, root, name)))
    local out = pipe:read("a")
    assert(pipe:close(), out)
    return out
  end

  it("leads from the first model to its table", function()
    local outputs = {}
    for line in block_with(shell, "mainsequence contract"):gmatch("[^\n]+") do
      local arguments = line:match("^mainsequence%s+([^#]+)")
      assert(arguments, line)
      outputs[#outputs + 1] = run(arguments)
    end
    assert.has_match("relational-table.v1", outputs[1], 1, true)
    assert.has_match("^mt_shop_%x+", outputs[2])
    assert.has_match("shop__product", outputs[6], 1, true)
    assert.has_match("clean", outputs[7], 1, true)
  end)

  it("has the query run", function()
    temporary.write(command.folder .. "/teas.lua", block_with(lua, "-- teas.lua"))
    assert.are.equal("0\n", script("teas.lua"))
  end)

  it("shows the revision that a column more gives", function()
    local column = readme:match("`(Product%.price = .-)`")
    local path = command.folder .. "/shop/models.lua"
    temporary.write(path, (temporary.read(path):gsub("\nreturn ", "\n" .. column .. "\n%0")))
    run("migrations revision -m 'product price' --provider shop.migrations:migration")
    local file = command.folder .. "/shop/migrations/versions/shop/0002_product_price.lua"
    local written = assert(load(temporary.read(file)))()
    local shown = assert(load(block_with(lua, 'revision = "0002"')))()
    for _, key in ipairs({ "revision", "down_revision", "message" }) do assert.are.equal(shown[key], written[key]) end
    -- the shown file does what the written one does
    temporary.write(file, block_with(lua, 'revision = "0002"'))
    run("migrations upgrade head --provider shop.migrations:migration")
    assert.has_match("clean", run("drift --provider shop.migrations:migration"), 1, true)
    run("migrations downgrade base --provider shop.migrations:migration")
  end)

  it("names only commands and files that are there", function()
    local groups = { manager = true, migrations = true, ["meta-table"] = true, project = true }
    local commands_named, files_named = {}, 0
    for line in readme:gmatch("[^\n]+") do
      for first, second in ("`" .. line):gmatch("`mainsequence (%l[%l-]+) ?([%l-]*)") do
        commands_named[groups[first] and first .. " " .. second or first] = true
      end
      for target in line:gmatch("%]%(([^)#:]+)%)") do
        files_named = files_named + 1
        assert.is_not_nil(require("lfs").attributes(target), "README.md points to " .. target)
      end
    end
    assert.is_true(files_named > 5)
    local count = 0
    for words in pairs(commands_named) do
      count = count + 1
      local status, _, err = command:run(words .. " --help")
      assert.are.equal(0, status, words .. ": " .. err)
    end
    assert.is_true(count > 10)
  end)
end)
