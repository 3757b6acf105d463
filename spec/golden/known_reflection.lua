-- Known differences of the suite `reflection`: where the reference loses or garbles what SQLite was told.

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

M.rules = {
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
