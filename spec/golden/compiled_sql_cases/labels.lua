-- Builders of the group labels: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- simple label
M["labels-001"] = function(t, sql)
  return sql.select(t.account.name:label("account_name"))
end

-- label needs quoting because of upper case
M["labels-002"] = function(t, sql)
  return sql.select(t.account.name:label("AccountName"))
end

-- label is a reserved word
M["labels-004"] = function(t, sql)
  return sql.select(t.account.name:label("user"), t.account.rank:label("order"))
end

-- label on expression
M["labels-005"] = function(t, sql)
  return sql.select((t.account.rank + 1):label("next_rank"))
end

-- label reused in order_by by object
M["labels-006"] = function(t, sql)
  local lbl = (t.account.rank + 1):label("next_rank")
  return sql.select(t.account.uid, lbl):order_by(lbl)
end

-- label reused in order_by desc by object
M["labels-007"] = function(t, sql)
  local lbl = sql.func.lower(t.account.name):label("lname")
  return sql.select(lbl):order_by(lbl:desc())
end

-- label object in where renders the inner expression
M["labels-008"] = function(t, sql)
  local lbl = (t.account.rank + 1):label("next_rank")
  return sql.select(t.account.uid, lbl):where(lbl:gt(5))
end

-- label object in group_by renders the expression again
M["labels-009"] = function(t, sql)
  local lbl = sql.func.lower(t.account.name):label("lname")
  return sql.select(lbl, sql.func.count()):group_by(lbl)
end

-- label containing percent sign
M["labels-012"] = function(t, sql)
  return sql.select(t.account.rank:label("rank %"))
end

return M
