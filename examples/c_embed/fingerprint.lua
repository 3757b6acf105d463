local meta_tables = require("mainsequence.meta_tables")
local schema = require("mainsequence.schema")

local Sensor = meta_tables.PlatformManagedMetaTable("Sensor", {
  metadata = schema.MetaData {},
  tablename = meta_tables.schema_table_name("lab", "sensor"),
  namespace = "lab",
})
Sensor.uid = schema.types.Uuid { primary_key = true }
Sensor.name = schema.types.String { length = 64, nullable = false }

print((meta_tables.compute_metatable_contract_hash(Sensor)))
