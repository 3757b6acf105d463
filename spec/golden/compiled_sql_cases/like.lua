-- Builders of the group like: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- not_like
M["like-002"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:not_like("al%"))
end

-- ilike
M["like-003"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:ilike("%AL%"))
end

-- not_ilike
M["like-004"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:not_ilike("%AL%"))
end

-- like with escape
M["like-005"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:like("a/%b", { escape = "/" }))
end

-- ilike with escape
M["like-006"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:ilike("50\\%", { escape = "\\" }))
end

-- ~ like
M["like-008"] = function(t, sql)
  return sql.select(t.account.uid):where(~t.account.name:like("al%"))
end

-- startswith
M["like-009"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:startswith("al"))
end

-- not startswith
M["like-010"] = function(t, sql)
  return sql.select(t.account.uid):where(~t.account.name:startswith("al"))
end

-- contains
M["like-012"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:contains("lic"))
end

-- contains with autoescape and custom escape
M["like-015"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:contains("50%_^x", { autoescape = true, escape = "^" }))
end

-- endswith with autoescape
M["like-016"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:endswith("a%b_c", { autoescape = true }))
end

-- contains with escape without autoescape
M["like-017"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:contains("50/%", { escape = "/" }))
end

-- contains column
M["like-018"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:contains(t.account.email))
end

-- startswith on function
M["like-019"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.func.lower(t.account.name):startswith("al"))
end

-- func.lower contains
M["like-020"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.func.lower(t.account.name):contains("al"))
end

-- istartswith
M["like-022"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:istartswith("AL"))
end

-- regexp_match flag i
M["like-027"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:regexp_match("^a", "i"))
end

-- regexp_replace
M["like-029"] = function(t, sql)
  return sql.select(t.account.name:regexp_replace("a+", "b"))
end

-- regexp_replace with flags
M["like-030"] = function(t, sql)
  return sql.select(t.account.name:regexp_replace("a+", "b", "g"))
end

-- match (full text)
M["like-031"] = function(t, sql)
  return sql.select(t.document.id):where(t.document.title:match("price & risk"))
end

-- match with regconfig
M["like-032"] = function(t, sql)
  return sql.select(t.document.id):where(t.document.title:match("price & risk", { postgresql_regconfig = "english" }))
end

-- like twice on same column
M["like-033"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:like("a%"), t.account.name:not_like("%z"))
end

-- startswith and contains on the same column
M["like-034"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.or_(t.account.name:startswith("a"), t.account.name:contains("b")))
end

return M
