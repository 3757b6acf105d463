-- Builders of the group values_construct: the statements of cases.json, as a user of mainsequence.sql writes them.

local types = require("mainsequence.schema").types
local constants = require("compiled_sql_cases.constants")

local M = {}
local T1, U1, U2 = constants.T1, constants.U1, constants.U2

-- values alias
M["values_construct-003"] = function(_, sql)
  local v = sql.values(sql.column("id", types.Integer {}), sql.column("name", types.String {}))
    :data { { 1, "a" }, { 2, sql.null } }:alias("vv")
  return sql.select(v.c.name):where(v.c.id:eq(1))
end

-- values joined to table
M["values_construct-004"] = function(t, sql)
  local v = sql.values(sql.column("uid", types.Uuid {}), sql.column("w", types.Float {}), { name = "weights" })
    :data { { U1, 0.5 }, { U2, 0.25 } }
  return sql.select(t.asset.symbol, v.c.w):join(v, t.asset.uid:eq(v.c.uid))
end

-- values with literal binds
M["values_construct-005"] = function(_, sql)
  local v = sql.values(
    sql.column("id", types.Integer {}), sql.column("name", types.String {}), { name = "v", literal_binds = true }
  )
    :data { { 1, "a'b" }, { 2, "50%" } }
  return sql.select(v.c.name)
end

-- values scalar
M["values_construct-008"] = function(_, sql)
  return sql.select(sql.values(sql.column("id", types.Integer {})):data { { 1 }, { 2 } }:scalar_values():in_ { 1 })
end

-- values with quoted column name
M["values_construct-009"] = function(_, sql)
  local v = sql.values(sql.column("Id", types.Integer {}), sql.column("user", types.String {}), { name = "In Put" })
    :data { { 1, "a" } }
  return sql.select(v.c.Id, v.c.user)
end

-- values with casts
M["values_construct-010"] = function(_, sql)
  local v = sql.values(
    sql.column("id", types.Integer {}), sql.column("at", types.DateTime { timezone = true }), { name = "v" }
  )
    :data {
      {
        sql.cast(sql.bindparam("id_0", 1), types.Integer {}), sql.cast(
          sql.bindparam("at_0", T1, { type = types.DateTime { timezone = true } }), types.DateTime { timezone = true }
        ),
      },
    }
  return sql.select(v.c.id, v.c.at)
end

return M
