-- The statements of compiled_sql/cases.json, written in Lua: case id → function(t, sql) return statement end,
-- where t holds the tables of tables.json by name. One file a group.

local M = {}

for _, group in ipairs {
  "columns", "labels", "alias", "compare", "in_list", "like", "boolean_logic", "arithmetic", "bool_columns",
  "functions", "aggregates", "case", "cast", "literals", "text_stmt", "order_by", "limit_offset", "distinct",
  "joins", "exists", "scalar_subquery", "subquery_from", "lateral", "cte", "dml_cte", "set_ops", "window",
  "values_construct", "for_update", "json", "array", "params", "bind_names", "percent", "long_names", "quoting",
  "schema", "insert", "insert_defaults", "upsert", "update", "delete", "orm", "errors",
} do
  for id, builder in next, (require("compiled_sql_cases." .. group)) do M[id] = builder end
end

return M
