--- DynamicTableDataSource and Project: where tables live, and which one is the project's own.

local fault = require("mainsequence.schema.fault")
local replies = require("mainsequence.client.replies")
local requests = require("mainsequence.client.metatables")
local resource = require("mainsequence.client.resource")

local M = {}

M.DATA_SOURCE_PATH = "/orm/api/ts_manager/dynamic_table_data_source/"
M.PROJECT_PATH = "/orm/api/pods/projects/"

---@class mainsequence.DynamicTableDataSource
---@field uid string
---@field related_resource table
---@field related_resource_class_type string

---@class mainsequence.MigrationConnection
---@field ok boolean
---@field data_source_uid string
---@field dialect string
---@field credential_kind string
---@field role_name string
---@field owner_role_name string?
---@field expires_at string
---@field uri string a secret

---@class mainsequence.Project
---@field uid string?
---@field project_name string
---@field data_source table?

---@param session mainsequence.Session
---@return table DynamicTableDataSource, table Project
function M.classes(session)
  local data_source = resource.class("DynamicTableDataSource", M.DATA_SOURCE_PATH, session)
  resource.add_reading(data_source)

  ---The data source of the session's project.
  ---@return mainsequence.DynamicTableDataSource|nil, mainsequence.Error?
  function data_source.methods.session()
    local client, err = session:client()
    if not client then
      return nil, err
    end
    local document, lookup_error = client:session_data_source()
    if not document then
      return nil, lookup_error
    end
    return data_source.instance(document, "DynamicTableDataSource.session")
  end

  ---A short-lived credential for migrations. Its `uri` is a secret.
  ---@param options { package: string?, migration_namespace: string?, ttl_seconds: integer?, purpose: string? }?
  ---@return mainsequence.MigrationConnection|nil, mainsequence.Error?
  function data_source.methods.issue_migration_connection(object, options)
    local what, place = "DynamicTableDataSource.issue_migration_connection", fault.here(1)
    local body = requests.migration_connection(options, place)
    local reply, err = session:call("POST", data_source.path_of(what, object, place, "migration-connection/"), { body = body })
    if resource.failed(reply, err) then
      return nil, err
    end
    return resource.read(replies.MigrationConnection, reply, what)
  end

  local project = resource.class("Project", M.PROJECT_PATH, session)
  resource.add_reading(project)
  return data_source, project
end

return M
