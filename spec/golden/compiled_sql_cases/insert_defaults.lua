-- Builders of the group insert_defaults: the statements of cases.json, as a user of mainsequence.sql writes them.

local constants = require("compiled_sql_cases.constants")

local M = {}
local T1 = constants.T1

-- python scalar, callable and SQL defaults appear as binds or inline
M["insert_defaults-001"] = function(t, sql)
  return sql.insert(t.event_log):values { id = 1 }
end

-- defaults with serial primary key missing
M["insert_defaults-003"] = function(t, sql)
  return sql.insert(t.event_log):values { kind = "k" }
end

-- return_defaults
M["insert_defaults-004"] = function(t, sql)
  return sql.insert(t.event_log):values { id = 1, kind = "k" }:return_defaults()
end

-- multi-row with defaults
M["insert_defaults-005"] = function(t, sql)
  return sql.insert(t.event_log):values { { id = 1, kind = "a" }, { id = 2, kind = "b" } }
end

-- update overriding onupdate columns
M["insert_defaults-009"] = function(t, sql)
  return sql.update(t.event_log):where(t.event_log.id:eq(1)):values { updated_at = T1, revision = 9 }
end

-- upsert does not add onupdate columns
M["insert_defaults-010"] = function(t, sql)
  local i = sql.insert(t.event_log):values { id = 1, kind = "a", seq = 1, note = "n" }
  return i:on_conflict_do_update { index_elements = { "id" }, set_ = { kind = i.excluded.kind } }
end

return M
