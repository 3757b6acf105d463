-- Physical names: at most 63 characters, a digest in place of what does not fit.

local meta_tables = require("mainsequence.meta_tables")

local examples = {
  { "sdk_examples", "account" },
  { "SDK Examples", "Account Holdings" },
  { "ms-markets", "Asset", "mainsequence.examples" },
  { "sdk_examples", "very_long_concept_name_that_would_exceed_the_postgres_identifier_limit" },
}
for _, parts in ipairs(examples) do
  local name = meta_tables.schema_table_name(table.unpack(parts))
  print(("%-64s <- %s"):format(name, table.concat(parts, ", ")))
end
