-- Builders of the group json: the statements of cases.json, as a user of mainsequence.sql writes them.

local types = require("mainsequence.schema").types

local M = {}

-- jsonb index by string key
M["json-003"] = function(t, sql)
  return sql.select(t.document.attrs:index("a"))
end

-- jsonb nested index
M["json-004"] = function(t, sql)
  return sql.select(t.document.attrs:index("a"):index("b"))
end

-- json path index
M["json-005"] = function(t, sql)
  return sql.select(t.document.body:index { "a", "b", 1 })
end

-- jsonb path index
M["json-006"] = function(t, sql)
  return sql.select(t.document.attrs:index { "a", "b", 1 })
end

-- jsonb astext
M["json-007"] = function(t, sql)
  return sql.select(t.document.attrs:index("a"):astext())
end

-- jsonb path astext
M["json-008"] = function(t, sql)
  return sql.select(t.document.attrs:index { "a", "b" }:astext())
end

-- json as_string
M["json-009"] = function(t, sql)
  return sql.select(t.document.body:index("a"):as_string())
end

-- json as_integer
M["json-010"] = function(t, sql)
  return sql.select(t.document.body:index("a"):as_integer())
end

-- json as_float and as_boolean
M["json-011"] = function(t, sql)
  return sql.select(t.document.attrs:index("a"):as_float(), t.document.attrs:index("b"):as_boolean())
end

-- json as_numeric
M["json-012"] = function(t, sql)
  return sql.select(t.document.attrs:index("a"):as_numeric(10, 2))
end

-- json as_json
M["json-013"] = function(t, sql)
  return sql.select(t.document.attrs:index("a"):as_json())
end

-- astext comparison
M["json-014"] = function(t, sql)
  return sql.select(t.document.id):where(t.document.attrs:index("status"):astext():eq("open"))
end

-- astext cast comparison
M["json-015"] = function(t, sql)
  return sql.select(t.document.id):where(t.document.attrs:index("n"):astext():cast(types.Integer {}):gt(5))
end

-- jsonb index equality to value
M["json-019"] = function(t, sql)
  return sql.select(t.document.id):where(t.document.attrs:index("a"):eq(5))
end

-- jsonb contains
M["json-020"] = function(t, sql)
  return sql.select(t.document.id):where(t.document.attrs:contains { a = { b = { 1, 2 } } })
end

-- jsonb has_key
M["json-022"] = function(t, sql)
  return sql.select(t.document.id):where(t.document.attrs:has_key("a"))
end

-- jsonb has_any with python list
M["json-024"] = function(t, sql)
  return sql.select(t.document.id):where(t.document.attrs:has_any { "a", "b" })
end

-- negated jsonb contains
M["json-025"] = function(t, sql)
  return sql.select(t.document.id):where(~t.document.attrs:contains { a = 1 })
end

-- jsonb concat
M["json-026"] = function(t, sql)
  return sql.select(t.document.attrs + { z = 1 }, t.document.attrs:concat(t.document.attrs))
end

-- jsonb delete_path
M["json-027"] = function(t, sql)
  return sql.select(t.document.attrs:delete_path(sql.array { "a", "b" }))
end

-- jsonb minus key
M["json-028"] = function(t, sql)
  return sql.select(t.document.attrs - "a", t.document.attrs - 1)
end

-- jsonb path_exists / path_match
M["json-029"] = function(t, sql)
  return sql.select(t.document.id):where(
    t.document.attrs:path_exists("$.a ? (@ > 1)"), t.document.attrs:path_match("$.b == 1")
  )
end

-- jsonb is null vs json null
M["json-030"] = function(t, sql)
  return sql.select(t.document.id):where(t.document.attrs:eq(sql.null))
end

-- jsonb cast and index
M["json-034"] = function(t, sql)
  return sql.select(sql.cast(t.document.body, types.JSONB {}):index("a"):index("b"):astext())
end

-- jsonb index on alias
M["json-036"] = function(t, sql)
  local d = sql.alias(t.document, "d")
  return sql.select(d.c.attrs:index("a"):astext():label("a"))
end

return M
