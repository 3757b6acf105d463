-- Registering a table that the application owns.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")
local registry = require("mainsequence.schema.registry")

local M = {}

local OPTIONS = { "data_source_uid", "description", "identifier", "introspect", "labels", "namespace", "protect_from_deletion",
  "session" }

-- Fields of the request that the call may set itself.
local OVERRIDES = { identifier = "string", description = "string", protect_from_deletion = "boolean", introspect = "boolean" }

---@class mainsequence.ExternalRegistration
---@field data_source_uid string?
---@field identifier string? default: the model's, as for the others
---@field namespace string?
---@field description string?
---@field labels string[]?
---@field protect_from_deletion boolean?
---@field introspect boolean? whether the TS Manager looks at the table; default true
---@field session mainsequence.Session?

local function override(request, options, place)
  for name, kind in next, OVERRIDES do
    if options[name] ~= nil then
      if type(options[name]) ~= kind then
        fault.raise(place, ("register_external_model: %s is %s, not a %s"):format(name, fault.show(options[name]), kind))
      end
      request[name] = options[name]
    end
  end
  if type(request.namespace) ~= "string" then
    fault.raise(place, "register_external_model needs a namespace", "give it to the model, or in the call")
  end
  return request
end

---Registers a table that the application owns itself, and binds the model to its catalog row. The data source is
---the given one, the model's, else the session's.
---@param model table
---@param options mainsequence.ExternalRegistration?
---@return table|nil meta_table, mainsequence.Error?
function M.register_external_model(model, options)
  local place = fault.here(1)
  options = options or {}
  fault.check_options(place, "register_external_model", options, OPTIONS)
  if not registry.is_model(model) then
    fault.raise(place, ("register_external_model takes a model, got %s"):format(fault.show(model)))
  end
  local session = options.session or require("mainsequence.client").session()
  local uid = options.data_source_uid or registry.definition(model).description.meta.data_source_uid
  if not uid then
    local source, err = session.DynamicTableDataSource.session()
    if not source then return nil, err end
    uid = source.uid
  end
  local request = fault.blame(registry.definition(model).place, function()
    return registry.table_of(model):external_registration_request {
      data_source_uid = uid, namespace = options.namespace,
      labels = options.labels and core.array(table.move(options.labels, 1, #options.labels, 1, {})),
    }
  end)
  local row, err = session.MetaTable.register(override(request, options, place))
  if not row then return nil, err end
  registry.set_binding(model, row)
  return row
end

return M
