-- Known differences of the suite `reflection`: where the reference loses or garbles what the database was told.

local core = require("mainsequence.core")

local M = {}

local function copy_of(value)
  if type(value) ~= "table" then return value end
  local copy = core.is_array(value) and core.array({}) or {}
  for key, item in pairs(value) do copy[key] = copy_of(item) end
  return copy
end

---A rule for one case: `edit` puts right what the reference has wrong.
local function rule(id, reason, edit)
  return {
    suite = "reflection",
    reason = reason,
    applies = function(case, what) return case.id == id and what == "tables" end,
    result = function(_, expected)
      local copy = copy_of(expected)
      edit(copy)
      return copy
    end,
  }
end

-- ---- PostgreSQL --------------------------------------------------------------------------------

---A rule for every case of PostgreSQL that `finds` something.
local function postgresql_rule(reason, finds, edit)
  return {
    suite = "reflection",
    reason = reason,
    applies = function(case, what) return case.dialect == "postgresql" and what == "tables" and finds(case) end,
    result = function(case, expected)
      local copy = copy_of(expected)
      return edit(case, copy) or copy
    end,
  }
end

local function has_unknown_type(case)
  for _, one in ipairs(case.expected) do
    for _, column in ipairs(one.columns) do
      if column.type == "NULL" then return true end
    end
  end
  return false
end

---The type that the statements give a column, by its name.
local function declared_type(case, column)
  for _, statement in ipairs(case.ddl) do
    local found = statement:match("[%(,]%s*\"?" .. column:gsub("%p", "%%%0") .. "\"?%s+([%w_%.]+)")
    if found then return found end
  end
end

local PARTITION = "CREATE TABLE%s+\"?([%w_]+)\"?%s+PARTITION OF"

local function has_partition(case)
  for _, statement in ipairs(case.ddl) do
    if statement:find(PARTITION) then return true end
  end
  return false
end

M.rules = {
  postgresql_rule("a type that SQLAlchemy does not know keeps its name", has_unknown_type, function(case, tables)
    for _, one in ipairs(tables) do
      for _, column in ipairs(one.columns) do
        if column.type == "NULL" then column.type = declared_type(case, column.name) end
      end
    end
  end),
  postgresql_rule("a partition belongs to its table and is none of its own", has_partition, function(case, tables)
    local partitions, kept = {}, core.array({})
    for _, statement in ipairs(case.ddl) do
      local name = statement:match(PARTITION)
      if name then partitions[name] = true end
    end
    for _, one in ipairs(tables) do
      if not partitions[one.name] then kept[#kept + 1] = one end
    end
    return kept
  end),
  rule("generated/computed/sqlite", "the expression of a generated column ends at its own parenthesis", function(tables)
    local texts = { b = "a * 2", c = "a + 1", d = "lower('A')", e = "a" }
    for _, column in ipairs(tables[1].columns) do
      if texts[column.name] then column.computed.sqltext = texts[column.name] end
    end
  end),
  rule("keys/foreign_keys/sqlite", "foreign keys of columns keep their names and options", function(tables)
    local keys = tables[1].foreign_keys
    local named = { name = "fk2", columns = keys[3].columns, referred_table = "p",
      referred_columns = keys[3].referred_columns, options = { ondelete = "CASCADE", onupdate = "SET NULL" } }
    keys[4].options = { ondelete = "RESTRICT", deferrable = true, initially = "DEFERRED" }
    tables[1].foreign_keys = core.array({ named, keys[1], keys[2], keys[4], keys[5], keys[6] })
  end),
  rule("constraints/unique/sqlite", "a UNIQUE of a column keeps its name", function(tables)
    local list = tables[1].unique_constraints
    list[5].name = "u5"
    tables[1].unique_constraints = core.array({ list[1], list[2], list[5], list[3], list[4] })
  end),
}

return M
