-- Builders of the group long_names: the statements of cases.json, as a user of mainsequence.sql writes them.

local types = require("mainsequence.schema").types

local M = {}

-- two different long columns
M["long_names-002"] = function(t, sql)
  return sql.select(t.wide.id):where(
    t.wide.a_really_long_column_name_that_is_close_to_the_identifier_limit:eq("x"),
    t.wide.another_quite_long_column_name_used_for_truncation_checks:eq(2)
  )
end

-- tablename_colname labels truncated
M["long_names-005"] = function(t, sql)
  return sql.select(t.wide):set_label_style("tablename_plus_col")
end

-- duplicate long columns disambiguated
M["long_names-006"] = function(t, sql)
  return sql.select(
    t.wide.a_really_long_column_name_that_is_close_to_the_identifier_limit,
    t.wide.a_really_long_column_name_that_is_close_to_the_identifier_limit
  )
end

-- two anonymous aliases of a long table name
M["long_names-008"] = function(t, sql)
  local w1, w2 = sql.alias(t.wide), sql.alias(t.wide)
  return sql.select(w1.c.id, w2.c.id):where(w1.c.id:eq(w2.c.id))
end

-- long function name anonymous label and bind
M["long_names-009"] = function(_, sql)
  return sql.select(sql.func.a_function_with_an_extremely_long_name_for_testing_label_truncation("x"))
end

-- explicit long label (over 63 characters) is kept
M["long_names-010"] = function(t, sql)
  return sql.select(
    t.account.name:label("an_explicit_label_that_is_much_longer_than_the_postgresql_limit_of_63_characters")
  )
end

-- insert with long columns
M["long_names-012"] = function(t, sql)
  return sql.insert(t.wide):values {
    id = 1, a_really_long_column_name_that_is_close_to_the_identifier_limit = "x",
    another_quite_long_column_name_used_for_truncation_checks = 2,
  }
end

-- multi-row insert with long columns
M["long_names-013"] = function(t, sql)
  return sql.insert(t.wide):values {
    { id = 1, a_really_long_column_name_that_is_close_to_the_identifier_limit = "x" },
    { id = 2, a_really_long_column_name_that_is_close_to_the_identifier_limit = "y" },
  }
end

-- update with long column in set and where
M["long_names-014"] = function(t, sql)
  return sql.update(t.wide):where(t.wide.a_really_long_column_name_that_is_close_to_the_identifier_limit:eq("x"))
    :values { a_really_long_column_name_that_is_close_to_the_identifier_limit = "y" }
end

-- on conflict with long columns
M["long_names-015"] = function(t, sql)
  local i = sql.insert(t.wide):values {
    id = 1, a_really_long_column_name_that_is_close_to_the_identifier_limit = "x",
  }
  return i:on_conflict_do_update {
    index_elements = { "id" }, set_ = { a_really_long_column_name_that_is_close_to_the_identifier_limit = "z" },
  }
end

-- long anonymous column in subquery
M["long_names-016"] = function(t, sql)
  local sq = sql.select(sql.func.a_function_with_an_extremely_long_name_for_testing_label_truncation(t.wide.id))
    :subquery()
  return sql.select(sq)
end

-- truncated labels and truncated binds use separate counters
M["long_names-018"] = function(t, sql)
  return sql.select(
    (t.wide.another_quite_long_column_name_used_for_truncation_checks + 1):label("x"),
    sql.func.a_function_with_an_extremely_long_name_for_testing_label_truncation(5),
    t.wide.another_quite_long_column_name_used_for_truncation_checks,
    t.wide.another_quite_long_column_name_used_for_truncation_checks
  )
end

-- 56 and 57 character column names around the truncation limit
M["long_names-020"] = function(_, sql)
  local own = sql.table(
    "t", sql.column(("c"):rep(55), types.Integer {}), sql.column(("d"):rep(56), types.Integer {}),
    sql.column(("e"):rep(57), types.Integer {})
  )
  return sql.select(sql.literal_column("1"))
    :select_from(own):where(own.c[("c"):rep(55)]:eq(1), own.c[("d"):rep(56)]:eq(2), own.c[("e"):rep(57)]:eq(3))
end

return M
