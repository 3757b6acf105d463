--- The database of a migration credential: opening it, and the lock that lets one process at a time migrate.

local core = require("mainsequence.core")

local M = {}

---Connects with a credential. On PostgreSQL the session acts as the owner role that the credential names, so
---that what it creates belongs to that role and stays when the credential's own role is removed.
---@param credential { uri: string, owner_role_name: string? }
---@param options { read_only: boolean?, busy_timeout_ms: integer? }?
---@return mainsequence.Connection|nil connection, mainsequence.Error?
function M.connect(credential, options)
  local connection, err = core.connect(credential.uri, options)
  if not connection then
    return nil, err
  end
  local owner = credential.owner_role_name
  if type(owner) == "string" and owner ~= "" and connection:dialect() == "postgresql" then
    local ok, role_error = connection:execute("SET ROLE " .. core.quote("postgresql", owner))
    if not ok then
      connection:close()
      return nil, role_error
    end
  end
  return connection
end

---Begins a transaction that holds the lock of a version table: on SQLite the database's write lock, on
---PostgreSQL an advisory lock that ends with the transaction.
---@param connection mainsequence.Connection
---@param versions mainsequence.migrations.VersionTable
---@return true|nil, mainsequence.Error? err code database_locked when another process has it
function M.begin(connection, versions)
  local ok, err = connection:begin(true)
  if not ok or connection:dialect() ~= "postgresql" then
    return ok, err
  end
  ok, err = connection:execute("SELECT pg_advisory_xact_lock(hashtextextended('mainsequence.migrations:' || $1, 0))",
    { versions:qualified() })
  if not ok then
    connection:rollback()
    return nil, err
  end
  return true
end

return M
