-- The golden runner:  lua5.4 spec/golden/run.lua SUITE FILE [--group a,b] [--cases CASES.lua] [--dialect D]
-- Runs every case of FILE (any file of that suite's form), prints each failed id and what differs, then
-- "N passed, N failed". Exit 0 only when all pass.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. here .. "/../?.lua;" .. package.path

local SUITES = { "naming", "contracts", "ddl", "ops", "autogenerate", "compiled_sql", "build_operation",
  "reflection", "wire", "wire_migrations", "governance" }

local function usage(message)
  io.stderr:write(message, "\nusage: lua5.4 spec/golden/run.lua ", table.concat(SUITES, "|"),
    " FILE [--group a,b] [--cases CASES.lua] [--dialect D]\n")
  os.exit(2)
end

local suite_name, path, groups, builders, dialect
local index = 1
while arg[index] do
  local word = arg[index]
  if word == "--group" then
    index = index + 1
    groups = {}
    for name in (arg[index] or usage("--group needs names")):gmatch("[^,]+") do groups[name] = true end
  elseif word == "--cases" then
    index = index + 1
    builders = arg[index] or usage("--cases needs a file")
  elseif word == "--dialect" then
    index = index + 1
    dialect = arg[index] or usage("--dialect needs a name")
  elseif not suite_name then suite_name = word
  elseif not path then path = word
  else usage("unexpected argument '" .. word .. "'") end
  index = index + 1
end
if not (suite_name and path) then usage("SUITE and FILE are needed") end
local known = false
for _, name in ipairs(SUITES) do known = known or name == suite_name end
if not known then usage("unknown suite '" .. suite_name .. "'") end

local core = require("mainsequence.core")
local file, message = io.open(path, "r")
if not file then usage(message) end
local cases = assert(core.json_decode(file:read("a")))
file:close()

local differences = require("known_differences")
local suite = require("suite_" .. suite_name)
if suite.cases then cases = suite.cases(cases) end
if type(cases) ~= "table" or #cases == 0 then usage(path .. " holds no list of cases") end
if suite.prepare then suite.prepare { path = path, cases = builders, dialect = dialect } end

---Whether two decoded documents are equal (integers and floats differ), and where they are not.
local function compare(expected, actual, where)
  where = where or "$"
  if type(expected) ~= "table" or type(actual) ~= "table" then
    if expected == actual and math.type(expected) == math.type(actual) then return true end
    return false, ("%s: expected %s, got %s"):format(where, core.json_encode(expected), core.json_encode(actual))
  end
  if core.is_array(expected) ~= core.is_array(actual) and (next(expected) or next(actual)) then
    return false, where .. ": one is an array, the other is not"
  end
  for _, key in ipairs(core.is_array(expected) and {} or core.keys(expected)) do
    if actual[key] == nil then return false, where .. "." .. key .. ": missing" end
    local equal, difference = compare(expected[key], actual[key], where .. "." .. key)
    if not equal then return false, difference end
  end
  if core.is_array(expected) then
    if #expected ~= #actual then
      return false, ("%s: expected %d items, got %d: %s"):format(where, #expected, #actual, core.json_encode(actual))
    end
    for position = 1, #expected do
      local equal, difference = compare(expected[position], actual[position], where .. "[" .. position .. "]")
      if not equal then return false, difference end
    end
  else
    for _, key in ipairs(core.keys(actual)) do
      if expected[key] == nil then return false, where .. "." .. key .. ": unexpected" end
    end
  end
  return true
end

local passed, failed, selected = 0, 0, 0
-- Groups that a suite leaves alone unless they are asked for.
local outside = suite.outside or {}
for position, case in ipairs(cases) do
  local of_dialect = not dialect or not case.dialect or case.dialect == dialect
  if (groups and groups[case.group] or not groups and not outside[case.group]) and of_dialect then
    selected = selected + 1
    local id = case.id or ("%s #%d"):format(case.fn or suite_name, position)
    local problems = {}
    local function expect(expected, actual, what)
      local rule = differences.find(suite_name, case, what, expected)
      if rule then expected = rule.result(case, expected, what) end
      local equal, difference = compare(expected, actual)
      if not equal then problems[#problems + 1] = what .. ": " .. difference end
    end
    local ok, raised = xpcall(suite.run, function(err)
      return core.is_error(err) and tostring(err) or debug.traceback(tostring(err), 2)
    end, case, expect)
    if not ok then problems[#problems + 1] = raised end
    if #problems == 0 then
      passed = passed + 1
    else
      failed = failed + 1
      print("FAILED " .. id)
      for _, problem in ipairs(problems) do print("  " .. problem) end
    end
  end
end
if selected == 0 then usage("no case of " .. path .. " is in the groups or of the dialect asked for") end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and 0 or 1)
