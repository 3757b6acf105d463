-- ddl.json: {id, group, tables, postgresql{create, drop}, sqlite{…}}: statement lists of create_all and
-- drop_all, text exact after strip, or an error (its type is what counts, not its text).

local core = require("mainsequence.core")
local tables_of = require("neutral_tables")

local M = {}

local function stripped(statements)
  local list = core.array({})
  for position, text in ipairs(statements) do list[position] = (text:gsub("^%s+", ""):gsub("%s+$", "")) end
  return list
end

local function run(case, dialect, direction, make, expect)
  local golden = case[dialect][direction]
  if golden == nil then return end
  local ok, result = pcall(make)
  local what = dialect .. " " .. direction
  if golden.error then
    if ok then error(what .. ": expected an error (" .. golden.error.message .. "), got " .. core.json_encode(result)) end
    if not core.is_error(result) then error(result, 0) end
  elseif not ok then
    error(what .. ": " .. tostring(result), 0)
  else
    expect(golden, stripped(result), what)
  end
end

function M.run(case, expect)
  for _, dialect in ipairs({ "postgresql", "sqlite" }) do
    if case[dialect] then
      local function tables()
        local list = {}
        for position, neutral in ipairs(case.tables) do list[position] = core.table(tables_of.description(neutral)) end
        return list
      end
      run(case, dialect, "create", function() return core.create_all(dialect, tables()) end, expect)
      run(case, dialect, "drop", function() return core.drop_all(dialect, tables()) end, expect)
    end
  end
end

return M
