-- Prints each construct with the SQL that it becomes:
--
--   lua5.4 examples/query_language/print.lua [postgresql|sqlite]

package.path = arg[0]:gsub("[^/]*$", "?.lua;") .. package.path

local compiled_sql = require("mainsequence.meta_tables.compiled_sql.v1")

for _, example in ipairs(require("statements")) do
  local operation = compiled_sql.compile_statement(example[3](), {
    operation = "select", dialect = arg[1] or "postgresql", data_source_uid = "of the tables",
    scope_tables = { { meta_table_uid = "of the tables" } },
  })
  print(("-- %s: %s\n%s\n"):format(example[1], example[2], operation.statement.sql))
end
