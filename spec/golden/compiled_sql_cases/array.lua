-- Builders of the group array: the statements of cases.json, as a user of mainsequence.sql writes them.

local types = require("mainsequence.schema").types
local constants = require("compiled_sql_cases.constants")

local M = {}
local U1, U2 = constants.U1, constants.U2

-- array any with python value
M["array-002"] = function(t, sql)
  return sql.select(t.asset.uid):where(sql.any_(t.asset.tags):eq("x"))
end

-- array .any()
M["array-003"] = function(t, sql)
  return sql.select(t.asset.uid):where(t.asset.tags:any("x"))
end

-- array .all()
M["array-004"] = function(t, sql)
  return sql.select(t.asset.uid):where(t.asset.tags:all("x", { operator = "ne" }))
end

-- array contained_by
M["array-006"] = function(t, sql)
  return sql.select(t.asset.uid):where(t.asset.tags:contained_by { "a", "b" })
end

-- array equality
M["array-008"] = function(t, sql)
  return sql.select(t.asset.uid):where(t.asset.tags:eq { "a", "b" })
end

-- array index
M["array-009"] = function(t, sql)
  return sql.select(t.asset.tags:index(1))
end

-- array construct with columns
M["array-012"] = function(t, sql)
  return sql.select(sql.array { t.account.name, t.account.email })
end

-- array concatenation
M["array-013"] = function(t, sql)
  return sql.select(sql.array { 1, 2 } + sql.array { 3 }, t.asset.tags + { "z" })
end

-- empty array cast
M["array-014"] = function(_, sql)
  return sql.select(sql.cast(sql.array {}, types.ARRAY { item = types.Integer {} }))
end

-- column == any(array param)
M["array-016"] = function(t, sql)
  return sql.select(t.account.uid):where(
    t.account.uid:eq(sql.any_(sql.bindparam("uids", { U1, U2 }, { type = types.ARRAY { item = types.Uuid {} } })))
  )
end

-- column == any(array param of strings)
M["array-017"] = function(t, sql)
  return sql.select(t.account.uid):where(
    t.account.name:eq(
      sql.any_(sql.bindparam("names", { "a", "b" }, { type = types.ARRAY { item = types.String {} } }))
    )
  )
end

-- array_length and cardinality
M["array-018"] = function(t, sql)
  return sql.select(sql.func.array_length(t.asset.tags, 1), sql.func.cardinality(t.asset.tags))
end

-- array value bind via literal
M["array-019"] = function(_, sql)
  return sql.select(sql.literal({ "a" }, types.ARRAY { item = types.String {} }))
end

-- any with greater-than operator
M["array-020"] = function(t, sql)
  return sql.select(t.asset.uid):where(
    sql.any_(sql.cast(t.asset.tags, types.ARRAY { item = types.Integer {} })):gt(5)
  )
end

return M
