-- Known differences of the suite `autogenerate`: what the reference does not see, or sees where there is
-- nothing, or does in an order that fails; and what ours does. Results are built from the neutral tables.

local core = require("mainsequence.core")
local forms = require("golden_operations")
local tables = require("neutral_tables")

local M = {}

local function described(neutral) return core.table(tables.description(neutral)):describe() end

local function key_of(one)
  return (one.schema ~= "public" and one.schema or "") .. "." .. one.name
end

local function by_key(list)
  local map = {}
  for _, one in ipairs(list) do map[key_of(one)] = one end
  return map
end

local function equal(a, b) return core.json_encode(a, { sorted = true }) == core.json_encode(b, { sorted = true }) end

local function concat(...)
  local all = core.array({})
  for _, list in ipairs({ ... }) do
    for _, item in ipairs(list) do all[#all + 1] = item end
  end
  return all
end

local function filter(list, wanted)
  local kept = core.array({})
  for _, item in ipairs(list) do
    if wanted(item) then kept[#kept + 1] = item end
  end
  return kept
end

---The two states of each table that both sides have, in the direction asked.
local function pairs_of(case, what)
  local list, after = {}, by_key(case.after)
  for _, before in ipairs(case.before) do
    local other = after[key_of(before)]
    if other then
      local old, new = described(before), described(other)
      list[#list + 1] = what == "downgrade" and { new, old } or { old, new }
    end
  end
  return list
end

local function named(list)
  local map = {}
  for _, item in ipairs(list or {}) do map[item.name] = item end
  return map
end

---Drops and creates of what differs by name in one list of the tables.
local function changes(case, what, list, drop, create)
  local operations = core.array({})
  for _, pair in ipairs(pairs_of(case, what)) do
    local old, new = named(pair[1][list]), named(pair[2][list])
    for _, item in ipairs(pair[1][list] or {}) do
      if not new[item.name] or not equal(item, new[item.name]) then operations[#operations + 1] = drop(pair[1], item) end
    end
    for _, item in ipairs(pair[2][list] or {}) do
      if not old[item.name] or not equal(item, old[item.name]) then operations[#operations + 1] = create(pair[2], item) end
    end
  end
  return operations
end

local function drop_constraint(kind)
  return function(one, item)
    return { op = "drop_constraint", table = one.name, name = item.name, type = kind,
      constraint = forms.constraint(item, nil, true) }
  end
end

local function create_constraint(op)
  return function(one, item)
    local out = forms.constraint(item)
    out.op, out.table = op, one.name
    return out
  end
end

local function index_changes(case, what)
  return changes(case, what, "indexes", function(one, item)
    return forms.index("drop_index", { name = item.name, table = one.name }, item, case.dialect)
  end, function(one, item)
    return forms.index("create_index", { name = item.name, table = one.name }, item, case.dialect)
  end)
end

---The one alter_column of a case whose only column `c` changes.
local function alter_column(case, what, keys)
  local pair = pairs_of(case, what)[1]
  local function column(one)
    for _, item in ipairs(one.columns) do
      if item.name == "c" then return item end
    end
  end
  local old, new = column(pair[1]), column(pair[2])
  local operation = { op = "alter_column", table = pair[1].name, column = "c", existing_nullable = true,
    existing_type = core.type_text(case.dialect, old.type),
    existing_server_default = forms.default(old.server_default, case.dialect),
  }
  if keys.type then operation.type = core.type_text(case.dialect, new.type) end
  if keys.server_default then operation.server_default = forms.default(new.server_default, case.dialect) end
  return core.array({ operation })
end

local function nothing() return core.array({}) end

local function primary_key(one) return one.primary_key and core.array({ one.primary_key }) or core.array({}) end

local function key_change(case, what)
  local pair = pairs_of(case, what)[1]
  return pair and { drop = primary_key(pair[1]), create = primary_key(pair[2]), one = pair[1] }
end

local function directed(what) return what == "upgrade" or what == "downgrade" end

local function rule(reason, applies, result)
  M.rules[#M.rules + 1] = { suite = "autogenerate", reason = reason, result = result,
    applies = function(case, what, expected) return directed(what) and applies(case, what, expected) end }
end

M.rules = {}

rule("a table that no model declares is never proposed for DROP unless asked for", function(case)
  local has = false
  for _, operation in ipairs(case.upgrade or {}) do has = has or operation.op == "drop_table" end
  return has and case.include ~= "all"
end, function(case, expected)
  local after = by_key(case.after)
  return filter(expected, function(operation)
    local old = operation.op == "drop_table" or operation.op == "create_table" or operation.op:find("_index$")
    return not old or after[(operation.schema or "") .. "." .. operation.table] ~= nil
  end)
end)

rule("a use_alter foreign key is added when both tables are there; SQLite takes it inside CREATE TABLE", function(case)
  return case.id:find("^tables/add_use_alter") ~= nil
end, function(case, expected, what)
  local list, keys = core.array({}), core.array({})
  for position, operation in ipairs(expected) do
    local copy = core.object()
    for _, key in ipairs(core.keys(operation)) do copy[key] = operation[key] end
    copy.constraints = copy.constraints and core.array({})
    for _, constraint in ipairs(operation.constraints or {}) do
      local plain = forms.constraint(constraint, constraint.type)
      if constraint.use_alter and case.dialect == "postgresql" then keys[#keys + 1] = { operation.table, constraint }
      else copy.constraints[#copy.constraints + 1] = plain end
    end
    list[position] = copy
  end
  if case.dialect ~= "postgresql" then return list end
  if what == "upgrade" then
    for _, key in ipairs(keys) do list[#list + 1] = create_constraint("create_foreign_key")({ name = key[1] }, key[2]) end
    return list
  end
  local drops = core.array({})
  for _, operation in ipairs(case.upgrade) do
    for _, constraint in ipairs(operation.constraints or {}) do
      if constraint.use_alter then drops[#drops + 1] = drop_constraint("foreignkey")({ name = operation.table }, constraint) end
    end
  end
  return concat(drops, list)
end)

rule("on SQLite a column that changes its case is renamed: it is the same column there", function(case)
  return case.dialect == "sqlite" and case.id:find("case_change") ~= nil
end, function(case, _, what)
  local pair = pairs_of(case, what)[1]
  local old, new = pair[1].columns[2], pair[2].columns[2]
  return core.array({ { op = "alter_column", table = pair[1].name, column = old.name, new_name = new.name,
    existing_type = core.type_text("sqlite", old.type), existing_nullable = true } })
end)

rule("a column of the primary key is never NULL, whatever is declared", function(case)
  return case.group == "nullable" and equal(case.before[1].columns[1].primary_key, true) and #case.before[1].columns == 1
end, nothing)

rule("an array is told from its item type", function(case)
  local column = case.group == "types" and case.after[1].columns[2]
  return column and column.type.name == "ARRAY" and case.before[1].columns[2].type.name ~= "ARRAY"
end, function(case, _, what) return alter_column(case, what, { type = true }) end)

rule("between equal schemas there is nothing to do", function(case, _, expected)
  return equal(case.before, case.after) and (expected == "error" or #expected > 0)
end, nothing)

rule("a default is compared as text: nothing is evaluated, and JSON, colons and quotes do not get in the way", function(case)
  return case.error ~= nil or case.id == "server_default/expression_equal_value/pg"
end, function(case, _, what) return alter_column(case, what, { server_default = true }) end)

rule("numbers are compared as numbers", function(case)
  return case.id == "server_default/numeric_trailing_zero/sqlite"
end, nothing)

rule("an empty comment is none", function(case) return case.id == "comment/empty_vs_none/pg" end, nothing)

rule("WHERE, USING, INCLUDE, operator classes, order and expressions of an index are compared", function(case, what, expected)
  return case.group == "index" and #expected == 0 and not case.id:find("same") and not case.id:find("explicit") and
    #index_changes(case, what) > 0
end, function(case, _, what) return index_changes(case, what) end)

rule("MATCH of a foreign key is compared, on PostgreSQL", function(case)
  return case.id == "foreign_key/match_full_invisible/pg"
end, function(case, _, what)
  return changes(case, what, "foreign_keys", drop_constraint("foreignkey"), create_constraint("create_foreign_key"))
end)

rule("CHECK constraints are compared, by name and by expression", function(case) return case.group == "check" end,
  function(case, _, what)
    return changes(case, what, "check_constraints", drop_constraint("check"), create_constraint("create_check_constraint"))
  end)

rule("a change of the primary key is seen", function(case, what)
  local change = case.group == "primary_key" and key_change(case, what)
  if not change or equal(forms.columns(change.drop[1]), forms.columns(change.create[1])) then return false end
  -- on SQLite a new column that is the key of a table without one brings it along
  return not (case.dialect == "sqlite" and (#change.drop == 0 or #change.create == 0))
end, function(case, expected, what)
  local change, drops, creates = key_change(case, what), core.array({}), core.array({})
  if change.drop[1] then drops[1] = drop_constraint("primary")(change.one, change.drop[1]) end
  if change.create[1] then creates[1] = create_constraint("create_primary_key")(change.one, change.create[1]) end
  return concat(drops, expected, creates)
end)

rule("\"public\" is the default schema", function(case) return case.id == "schema/public_fk_churn/pg" end, nothing)

return M
