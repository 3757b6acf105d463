-- Known differences of the suite `ops`: where the reference fails, loses data or prints what cannot run, and
-- what ours does instead. SQLite results are made from edited neutral tables or from plain SQL, by SQLite.

local core = require("mainsequence.core")

local M = {}

local function suite() return require("suite_ops") end

local function copy_of(value)
  if type(value) ~= "table" then return value end
  local copy = core.is_array(value) and core.array({}) or {}
  for key, item in pairs(value) do copy[key] = copy_of(item) end
  return copy
end

---The setup of a case with one of its tables changed.
local function edited(case, name, edit)
  local setup = copy_of(case.setup)
  for _, one in ipairs(setup) do
    if one.name == name then edit(one) end
  end
  return setup
end

local function state_of(case, setup)
  return suite().state_of(setup, suite().seeds(case))
end

local function keep(list, wanted)
  local kept = core.array({})
  for _, item in ipairs(list or {}) do
    if wanted(item) then kept[#kept + 1] = item end
  end
  return kept
end

local function names(list, name)
  for _, item in ipairs(list or {}) do
    if item == name then return true end
  end
  return false
end

---Without a column: what uses it goes with it, as on PostgreSQL.
local function without_column(one, column)
  one.columns = keep(one.columns, function(item) return item.name ~= column end)
  for _, list in ipairs({ "indexes", "unique_constraints", "foreign_keys" }) do
    one[list] = keep(one[list], function(item) return not names(item.columns, column) end)
  end
  one.check_constraints = keep(one.check_constraints, function(item)
    return not (" " .. item.sqltext .. " "):find("%f[%w_]" .. column .. "%f[^%w_]")
  end)
end

local function has_use_alter(one)
  for _, column in ipairs(one.columns) do
    if column.foreign_key and column.foreign_key.use_alter then return column end
  end
end

---@return table? type of the operation's column when it is a native enum
local function enum_of(case)
  local type = case.op == "add_column" and case.args.column.type or case.op == "alter_column" and case.args.type
  return type and type.name == "Enum" and type.args.native_enum ~= false and type or nil
end

local function enum_statement(type)
  local labels = {}
  for position, label in ipairs(type.args.values) do labels[position] = "'" .. label .. "'" end
  return ("DO $mseq$ BEGIN CREATE TYPE %s AS ENUM (%s); EXCEPTION WHEN duplicate_object THEN NULL; END $mseq$"):format(
    core.quote("postgresql", type.args.name), table.concat(labels, ", "))
end

local function typed(case, wanted)
  if case.op ~= "bulk_insert" then return false end
  for _, row in ipairs(case.args.rows) do
    for _, value in pairs(row) do
      if type(value) == "table" and wanted(value["$type"]) then return true end
    end
  end
  return false
end

local function on(dialect, what) return what == (dialect == "sqlite" and "sqlite" or "postgresql direct") end

M.rules = {
  {
    suite = "ops",
    reason = "a use_alter foreign key of create_table is added by ALTER; the reference loses it",
    applies = function(case, what)
      return on("postgresql", what) and case.op == "create_table" and has_use_alter(case.args.table) ~= nil
    end,
    result = function(case, expected)
      local one, column = case.args.table, has_use_alter(case.args.table)
      local key = column.foreign_key
      expected = copy_of(expected)
      expected[#expected + 1] = ("ALTER TABLE %s ADD CONSTRAINT %s FOREIGN KEY(%s) REFERENCES %s (%s)"):format(one.name,
        core.schema_foreign_key_name(one.name, { column.name }, key.referred_table, key.referred_columns), column.name,
        key.referred_table, key.referred_columns[1])
      return expected
    end,
  },
  {
    suite = "ops",
    reason = "add_column and alter_column make a missing enum type; the reference's statement fails",
    applies = function(case, what) return on("postgresql", what) and enum_of(case) ~= nil end,
    result = function(case, expected)
      local list = core.array({ enum_statement(enum_of(case)) })
      for _, statement in ipairs(expected) do list[#list + 1] = statement end
      return list
    end,
  },
  {
    suite = "ops",
    reason = "a column's unique constraint is made once; the reference's rebuild makes a second one without a name",
    applies = function(case, what)
      return on("sqlite", what) and case.op == "add_column" and case.args.column.unique == true
    end,
    result = function(_, expected)
      expected = copy_of(expected)
      for _, item in ipairs(expected) do
        if item.table.unique_constraints then
          item.table.unique_constraints = keep(item.table.unique_constraints, function(one) return one.name end)
        end
      end
      return expected
    end,
  },
  {
    suite = "ops",
    reason = "a primary key column that is added on SQLite is the primary key, by its conventional name",
    applies = function(case, what)
      return on("sqlite", what) and case.op == "add_column" and case.args.column.primary_key == true
    end,
    result = function(case)
      return state_of(case, edited(case, case.args.table, function(one)
        one.columns[#one.columns + 1] = case.args.column
      end))
    end,
  },
  {
    suite = "ops",
    reason = "drop_column on SQLite drops the indexes and constraints that use the column, as PostgreSQL does",
    applies = function(case, what, expected)
      return on("sqlite", what) and case.op == "drop_column" and expected == "error"
    end,
    result = function(case)
      return state_of(case, edited(case, case.args.table, function(one) without_column(one, case.args.column) end))
    end,
  },
  {
    suite = "ops",
    reason = "a unique constraint that is dropped has the name that is given; the reference fails on it",
    applies = function(case) return case.op == "drop_constraint" and case.args.type == "unique" and not case.args.name_final end,
    result = function(case, _, what)
      if on("postgresql", what) then
        return core.array({ ("ALTER TABLE %s DROP CONSTRAINT %s"):format(case.args.table, case.args.name) })
      end
      return state_of(case, edited(case, case.args.table, function(one)
        one.unique_constraints = keep(one.unique_constraints, function(item)
          return core.schema_unique_constraint_name(one.name, item.columns) ~= case.args.name
        end)
      end))
    end,
  },
  {
    suite = "ops",
    reason = "on SQLite uuids are stored with dashes and instants as YYYY-MM-DDTHH:MM:SS.ffffffZ",
    applies = function(case, what)
      return on("sqlite", what) and typed(case, function(name) return name == "uuid" or name == "datetime" end)
    end,
    result = function(case, expected)
      expected = copy_of(expected)
      for position, row in ipairs(case.args.rows) do
        for column, value in pairs(row) do
          local name = type(value) == "table" and value["$type"]
          if name == "uuid" or name == "time" then
            expected[1].rows[position][column] = value.value
          elseif name == "datetime" then
            expected[1].rows[position][column] = core.normalize_time(value.value)
          end
        end
      end
      return expected
    end,
  },
  {
    suite = "ops",
    reason = "JSON, binary values and now() are written as literals; the reference has none for them",
    applies = function(case) return case.op == "bulk_insert" and case.postgresql.direct.error ~= nil end,
    result = function(case, _, what)
      local row, one = case.args.rows[1], case.args.table
      local name = one.columns[2].name
      local value, literals = row[name]
      if value["$type"] == "now" then
        literals = { postgresql = "now()", sqlite = "'now'" }
      elseif value["$type"] then
        literals = { postgresql = "'\\x" .. value.value .. "'", sqlite = "X'" .. value.value .. "'" }
      else
        local text = "'" .. core.json_encode(value):gsub("'", "''") .. "'"
        literals = { postgresql = text, sqlite = text }
      end
      local dialect = on("sqlite", what) and "sqlite" or "postgresql"
      local statements = core.array({ ("INSERT INTO %s (%s, %s) VALUES (%d, %s)"):format(one.name, one.columns[1].name, name,
        row[one.columns[1].name], literals[dialect]) })
      return dialect == "sqlite" and suite().state_after(case.setup, false, statements) or statements
    end,
  },
  {
    suite = "ops",
    reason = "operations do not reorder columns: that needs a batch",
    applies = function(case, what) return on("sqlite", what) and case.batch_options ~= nil end,
    result = function(case, expected)
      expected = copy_of(expected)
      local by_name, ordered = {}, core.array({})
      for _, column in ipairs(expected[1].table.columns) do by_name[column.name] = column end
      for position, column in ipairs(case.setup[1].columns) do ordered[position] = by_name[column.name] end
      expected[1].table.columns = ordered
      return expected
    end,
  },
}

return M
