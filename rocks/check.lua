-- Checks what LuaRocks does not: that the rockspec passes every variable of the CMake build, that the version stands in one
-- place, and that lua/ holds only modules (LuaRocks sweeps it whole). Exit 1 names each breach.

local breaches = {}
local function breach(...) breaches[#breaches + 1] = string.format(...) end

local function read(path)
  local file = assert(io.open(path, "r"))
  local text = file:read("a")
  file:close()
  return text
end

local function lines_of(command)
  local pipe = assert(io.popen(command))
  local list = {}
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  return list
end

local cmake = read("CMakeLists.txt")
local declared = {}
-- What is built if it is found is left to the machine.
for name, rest in cmake:gmatch("option%((MSEQ_[%u_]+)([^\n]*)") do
  if not rest:find("_found}", 1, true) then declared[#declared + 1] = name end
end
for name in cmake:gmatch("set%((MSEQ_[%u_]+)[^)]*CACHE") do declared[#declared + 1] = name end
if #declared < 5 then breach("CMakeLists.txt: almost no variables found, the check is broken") end

local rockspecs = lines_of("git ls-files 'rocks/*.rockspec'")
if #rockspecs == 0 then breach("rocks/ holds no rockspec") end
for _, path in ipairs(rockspecs) do
  local rock = {}
  assert(load(read(path), "@" .. path, "t", rock))()
  for _, name in ipairs(declared) do
    if rock.build.variables[name] == nil then breach("%s: build.variables lacks %s", path, name) end
  end
  for name in pairs(rock.build.variables) do
    if name:find("^MSEQ_") and not cmake:find(name, 1, true) then breach("%s: CMakeLists.txt has no %s", path, name) end
  end
  local file = path:match("[^/]+$")
  if file ~= ("%s-%s.rockspec"):format(rock.package, rock.version) then
    breach("%s: the name of the file is not its package and version", path)
  end
end

local version = read("core/include/mainsequence/version.h"):match('MSEQ_VERSION_STRING "([%d.]+)"')
local major, minor, patch = read("core/include/mainsequence/version.h"):match(
  "MAJOR (%d+).-MINOR (%d+).-PATCH (%d+)")
if version ~= table.concat({ major, minor, patch }, ".") then breach("version.h: the numbers are not the text") end

for _, path in ipairs(lines_of("git ls-files lua")) do
  if not path:find("%.lua$") then breach("%s: lua/ holds only *.lua", path) end
end

for _, text in ipairs(breaches) do print(text) end
os.exit(#breaches == 0 and 0 or 1)
