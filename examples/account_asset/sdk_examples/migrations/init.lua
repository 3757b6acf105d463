-- The migration provider: which tables its revisions manage, and where the revisions are.

local migrations = require("mainsequence.meta_tables.migrations")
local models = require("sdk_examples.models")

local ProjectAlembicVersion = migrations.build_alembic_version_metatable {
  namespace = "sdk-examples",
  identifier = "sdk_examples.alembic_version",
  table_name = "sdk_examples__alembic_version",
}

local migration = migrations.build_metatable_migration_provider {
  package = "sdk_examples",
  migration_namespace = "sdk-examples",
  script_location = "sdk_examples.migrations:",
  version_location_prefix = "sdk_examples.migrations:versions",
  target_metadata = models.metadata,
  alembic_registry = ProjectAlembicVersion,
  metatable_models = { models.Account, models.Asset, models.AccountHoldings },
}

return { migration = migration }
