-- Suite `autogenerate`: {id, group, dialect, before, after, upgrade, downgrade…}. The operations that lead from
-- `before` to `after`, and their reverses, against the reference's. On SQLite `before` is a real database that is
-- reflected, and what comes out is applied: afterwards nothing is left to do, and after the downgrade neither.

local core = require("mainsequence.core")
local forms = require("golden_operations")
local sqlite = require("sqlite_database")
local tables = require("neutral_tables")

local M = {}

---The reverses, last first.
local function downgrade_of(operations)
  local list = core.array({})
  for position = #operations, 1, -1 do list[#list + 1] = assert(core.reverse_operation(operations[position])) end
  return list
end

local function models(neutral_list)
  local list = core.array({})
  for position, neutral in ipairs(neutral_list) do list[position] = core.table(tables.description(neutral)) end
  return list
end

local function reflect(connection) return assert(connection:reflect()) end

---Applies the operations, and how many are left to do afterwards; or what went wrong.
local function apply(connection, operations, dialect, after, options)
  for _, operation in ipairs(operations) do
    local ok, problem = sqlite.run(connection, operation)
    if not ok then return problem end
  end
  return core.compare_schemas(dialect, reflect(connection), after, options)
end

function M.run(case, expect)
  local dialect = case.dialect
  local options = { drop_unknown_tables = case.include == "all", version_table = "alembic_version" }
  local before, after = models(case.before), models(case.after)
  local connection = dialect == "sqlite" and sqlite.open(case.before) or nil
  if connection then
    for _, statement in ipairs(case.before_sql or {}) do assert(connection:script(statement)) end
  end
  local found = connection and reflect(connection) or before
  local upgrade = core.compare_schemas(dialect, found, after, options)
  local downgrade = downgrade_of(upgrade)
  expect(case.error and "error" or forms.normalized(case.upgrade, dialect), forms.of(upgrade, dialect), "upgrade")
  if case.downgrade then
    expect(forms.normalized(case.downgrade, dialect), forms.of(downgrade, dialect), "downgrade")
  end
  if not connection then return end
  expect(core.array({}), apply(connection, upgrade, dialect, after, options), "left after upgrade")
  expect(core.array({}), apply(connection, downgrade, dialect, found, options), "left after downgrade")
  connection:close()
end

return M
