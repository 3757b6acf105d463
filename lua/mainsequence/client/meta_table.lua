--- MetaTable and TimeIndexMetaTable: the catalog's tables.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")
local filters = require("mainsequence.client.filters")
local replies = require("mainsequence.client.replies")
local requests = require("mainsequence.client.metatables")
local resource = require("mainsequence.client.resource")
local row_reading = require("mainsequence.client.row_reading")
local sharing = require("mainsequence.client.sharing")
local time_index_data = require("mainsequence.client.time_index")

local M = {}

---@class mainsequence.MetaTable
---@field uid string?
---@field data_source_uid string?
---@field identifier string?
---@field namespace string?
---@field description string?
---@field labels string[]
---@field management_mode "external_registered"|"platform_managed"
---@field provisioning_status "reserved"|"active"
---@field schema_management_mode "backend_managed"|"alembic_managed"|"external_registered"
---@field migration_provider_key string?
---@field physical_table_name string
---@field table_contract table
---@field introspection_snapshot table
---@field protect_from_deletion boolean
---@field columns table[]
---@field indexes_meta table[]
---@field foreign_keys table[]
---@field incoming_fks table[]
---@field creation_date string?

---@class mainsequence.TimeIndexMetaTable: mainsequence.MetaTable
---@field cadence string?
---@field time_indexed_profile table?

M.META_TABLE_PATH = "/orm/api/ts_manager/meta_table/"
M.DYNAMIC_TABLE_PATH = "/orm/api/ts_manager/dynamic_table/"

local META_TABLE_FILTERS = filters.declare({
  identifier = { "", "in", "contains" }, uid = { "", "in" }, data_source__uid = { "", "in", kind = "uid" },
  namespace = { "", "contains", "in", "isnull" }, management_mode = { "", "in" }, provisioning_status = { "", "in" },
  schema_management_mode = { "", "in" }, migration_provider_key = { "", "in" },
  physical_table_name = { "", "contains", "in" }, labels = { "", "in", "contains" },
})
local DYNAMIC_TABLE_FILTERS = filters.declare({
  identifier = { "", "in", "contains" }, uid = { "", "in", kind = "uid" }, data_source__uid = { "", "in", kind = "uid" },
  namespace = { "", "contains", "in", "isnull" }, physical_table_name = { "", "contains", "in" },
  labels = { "", "in", "contains" },
})

-- A reply that must be an object.
local function object_or_error(body, err, what)
  if resource.failed(body, err) then
    return nil, err
  end
  return resource.object(body, what)
end

---@class mainsequence.DeleteOptions
---@field full_delete_selected boolean?
---@field full_delete_downstream_tables boolean?
---@field delete_with_no_table boolean?
---@field override_protection boolean? for administrators, together with full_delete_selected

-- ---- Catalog -----------------------------------------------------------------------------------

local DELETE_FLAGS = {
  "full_delete_selected", "full_delete_downstream_tables", "delete_with_no_table", "override_protection",
}

local function delete(class, what, object, options, place)
  options = options or {}
  fault.check_options(place, what, options, DELETE_FLAGS)
  local query = core.object()
  for _, flag in ipairs(DELETE_FLAGS) do
    query[flag] = options[flag] == true
  end
  local reply, status = class.session:call("DELETE", class.path_of(what, object, place), { query = query })
  if resource.failed(reply, status) then
    return nil, status
  end
  return reply == nil and true or reply
end

local function fields_of(what, fields, place)
  if type(fields) ~= "table" or core.is_array(fields) then
    fault.raise(place, ("%s takes a table of fields, got %s"):format(what, fault.show(fields)))
  end
  return next(fields) == nil and core.object() or fields
end

-- A POST of fields to a collection's own route, answered with one object.
local function posting(class, suffix, method)
  local what = ("%s.%s"):format(class.name, method)
  return function(fields)
    local body = fields_of(what, fields, fault.here(1))
    local reply, err = class.session:call("POST", class.path .. suffix, { body = body })
    if resource.failed(reply, err) then
      return nil, err
    end
    return class.instance(reply, what)
  end
end

local function add_catalog(class)
  local methods, session, path, name = class.methods, class.session, class.path, class.name

  ---Rows by a body of filters: all of them, on one page.
  ---@param body table e.g. { physical_table_name__in = { … }, limit = 2 }
  function methods.filter_by_body(body)
    local what = name .. ".filter_by_body"
    local sent = fields_of(what, body, fault.here(1))
    local reply, err = session:call("POST", path .. "filter/", { body = sent })
    if resource.failed(reply, err) then
      return nil, err
    end
    local rows, rows_error = resource.rows(reply, what)
    if not rows then
      return nil, rows_error
    end
    return class.instances(rows, what)
  end

  ---Registers a table.
  ---@param request table see client.metatables
  function methods.register(request)
    local body = class.check_registration(request, fault.here(1))
    local reply, err = session:call("POST", path .. "register/", { body = body })
    if resource.failed(reply, err) then
      return nil, err
    end
    return class.instance(reply, name .. ".register")
  end

  ---Creates rows, matched to the replies by position.
  ---@param rows table[]
  function methods.bulk_create(rows)
    local what, place = name .. ".bulk_create", fault.here(1)
    if type(rows) ~= "table" then
      fault.raise(place, ("%s takes a list of rows, got %s"):format(what, fault.show(rows)))
    end
    local reply, err = session:call("POST", path, { body = core.array(rows) })
    if resource.failed(reply, err) then
      return nil, err
    end
    if type(reply) ~= "table" or not core.is_array(reply) then
      return resource.unexpected(what, "no list")
    end
    return class.instances(reply, what)
  end

  ---Creates the row that the fields describe, or changes the one there is.
  ---@param fields table
  methods.update_or_create = posting(class, "update_or_create/", "update_or_create")

  ---Changes fields; gives the new object.
  ---@param fields table? none: nothing changes
  function methods.patch(object, fields)
    local what, place = name .. ".patch", fault.here(1)
    local body = fields_of(what, fields == nil and {} or fields, place)
    local reply, err = session:call("PATCH", class.path_of(what, object, place), { body = body })
    if resource.failed(reply, err) then
      return nil, err
    end
    return class.instance(reply, what)
  end

  ---Deletes the catalog row; full_delete_selected drops the table too. Gives true, or the reply's document.
  ---@param options mainsequence.DeleteOptions?
  function methods.delete(object, options)
    local place = fault.here(1)
    return delete(class, name .. ".delete", object, options, place)
  end

  ---As delete, by uid.
  ---@param uid string
  ---@param options table? as delete
  function methods.destroy_by_uid(uid, options)
    local place = fault.here(1)
    return delete(class, name .. ".destroy_by_uid", uid, options, place)
  end

  local function labels_call(method, suffix)
    local what = ("%s.%s"):format(name, method)
    methods[method] = function(object, labels)
      local place = fault.here(1)
      local body = { labels = requests.labels(what, labels, place) }
      local reply, err = session:call("POST", class.path_of(what, object, place, suffix), { body = body })
      if resource.failed(reply, err) then
        return nil, err
      end
      if reply == nil then
        return { labels = core.array({}) }
      end
      return resource.read(replies.LabelSet, reply, what)
    end
  end
  ---Gives the table labels; they have no meaning for access. The reply has all the labels it has now.
  ---@param labels string|string[]
  labels_call("add_label", "add-label/")
  ---Takes labels away.
  ---@param labels string|string[]
  labels_call("remove_label", "remove-label/")
end

-- ---- Structure ---------------------------------------------------------------------------------

local function add_structure(class)
  local methods, session, path, name = class.methods, class.session, class.path, class.name

  ---Reads the physical table again; the snapshot is put into the instance.
  function methods.introspect(object)
    local what, place = name .. ".introspect", fault.here(1)
    local reply, err = session:call("POST", class.path_of(what, object, place, "introspect/"), { body = core.object() })
    local result, result_error = object_or_error(reply, err, what)
    if result and class.is(object) and type(result.introspection_snapshot) == "table" then
      rawset(object, "introspection_snapshot", result.introspection_snapshot)
    end
    return result, result_error
  end

  ---Has the TS Manager check and normalise a contract.
  ---@param request table see client.metatables.MetaTableValidateContractRequest
  function methods.validate_contract(request)
    local what = name .. ".validate_contract"
    local body = requests.validation(request, fault.here(1))
    local reply, err = session:call("POST", path .. "validate-contract/", { body = body })
    return object_or_error(reply, err, what)
  end

  ---Has the TS Manager check a contract for this table.
  ---@param request table as for validate_contract
  function methods.validate_existing_contract(object, request)
    local what, place = name .. ".validate_existing_contract", fault.here(1)
    local body = requests.validation(request, place)
    local reply, err = session:call("POST", class.path_of(what, object, place, "validate-contract/"), { body = body })
    return object_or_error(reply, err, what)
  end

  ---Tables around this one.
  ---@param options { depth: integer?, include_incoming: boolean? }?
  function methods.get_schema_graph(object, options)
    local what, place = name .. ".get_schema_graph", fault.here(1)
    options = options or {}
    fault.check_options(place, what, options, { "depth", "include_incoming" })
    local query = core.object("depth", options.depth or 1, "include_incoming", options.include_incoming == true)
    local reply, err = session:call("GET", class.path_of(what, object, place, "schema-graph/"), { query = query })
    return object_or_error(reply, err, what)
  end

  ---Moves reserved rows to active once their tables exist. A reply that says `ok = false` is a result, not
  ---an error.
  ---@param request table see client.metatables.ManagedMetaTableFinalizeRequest
  function methods.finalize_managed(request)
    local what = name .. ".finalize_managed"
    local body = requests.finalize(request, fault.here(1))
    local reply, status = session:call("POST", path .. "finalize-managed/", { body = body, accept = 409 })
    if resource.failed(reply, status) then
      return nil, status
    end
    if status == 409 and type(reply) == "table" and reply.ok == nil then
      return nil, core.error({
        code = "conflict", status = 409, message = ("%s: %s"):format(what, core.json_encode(reply, { unicode = true })),
      })
    end
    return resource.read(replies.FinalizeResult, reply, what)
  end
end

-- ---- Search and queries ------------------------------------------------------------------------

local function found(class, reply, err, what)
  if resource.failed(reply, err) then
    return nil, err
  end
  if type(reply) == "table" and not core.is_array(reply) and reply.results == nil then
    local one, one_error = class.instance(reply, what)
    return one and { one }, one_error
  end
  local rows, rows_error = resource.rows(reply, what)
  if not rows then
    return nil, rows_error
  end
  return class.instances(rows, what)
end

local function search_text(what, q, place)
  if type(q) ~= "string" or not q:find("%S") then
    fault.raise(place, ("%s takes words to search for, got %s"):format(what, fault.show(q)))
  end
  return (q:match("^%s*(.-)%s*$"))
end

local function add_search(class)
  local methods, session, path, name = class.methods, class.session, class.path, class.name

  ---Tables whose description fits the words, best first.
  ---@param q string
  ---@param options table? trigram_k, embed_k, w_trgm, w_emb, embedding_model, q_embedding, and filters
  function methods.description_search(q, options)
    local what, place = name .. ".description_search", fault.here(1)
    local body = core.object("q", search_text(what, q, place), "trigram_k", 200, "embed_k", 200, "w_trgm", 0.65,
      "w_emb", 0.35, "embedding_model", "default")
    for _, key in ipairs(options and core.keys(options) or {}) do
      body[key] = options[key]
    end
    local reply, err = session:call("POST", path .. "description-search/", { body = body })
    return found(class, reply, err, what)
  end

  ---Tables that have a column that fits the words.
  ---@param q string
  ---@param given table? filters; each value of a list is sent under its name again
  function methods.column_search(q, given)
    local what, place = name .. ".column_search", fault.here(1)
    local query = filters.pairs(what, { "q", search_text(what, q, place) }, given, place)
    local reply, err = session:call("GET", path .. "column-search/", { query = query })
    return found(class, reply, err, what)
  end

  ---Has the search index of the table built again. Gives true, or the reply's document.
  function methods.refresh_table_search_index(object)
    local what, place = name .. ".refresh_table_search_index", fault.here(1)
    local reply, err = session:call("POST", class.path_of(what, object, place, "refresh-table-search-index/"))
    if resource.failed(reply, err) then
      return nil, err
    end
    return reply == nil and true or reply
  end

  ---Runs one SELECT, given as text, over the tables that the caller may view, in the table's data source. A refused
  ---statement is an envelope with `ok = false`.
  ---@param sql string
  ---@return table|nil envelope { ok, results, row_count, truncated, … }, mainsequence.Error?
  function methods.run_query(object, sql)
    local what, place = name .. ".run_query", fault.here(1)
    if type(sql) ~= "string" or not sql:find("%S") then
      fault.raise(place, ("%s takes a statement, got %s"):format(what, fault.show(sql)))
    end
    local reply, err = session:call("POST", class.path_of(what, object, place, "run_query/"),
      { text = sql:match("^%s*(.-)%s*$") })
    return object_or_error(reply, err, what)
  end

  -- The operation with a data source in its scope: its own, else the session's.
  local function with_data_source(client, operation)
    local scope = operation.scope
    if type(scope) ~= "table" or core.is_array(scope) or scope.data_source_uid ~= nil or scope.dataSourceUid ~= nil then
      return operation
    end
    local source, err = client:session_data_source()
    if not source then
      return nil, err
    end
    local copy, inner = core.object(), core.object("data_source_uid", source.uid)
    for _, key in ipairs(core.keys(scope)) do
      inner[key] = scope[key]
    end
    for _, key in ipairs(core.keys(operation)) do
      copy[key] = operation[key]
    end
    copy.scope = inner
    return copy
  end

  -- The whole operation as execute_operation and iter_operation send it.
  local function complete_operation(client, operation, place)
    local complete, err = with_data_source(client, operation)
    if not complete then
      return nil, err
    end
    return fault.blame(place, core.validate_operation, complete)
  end

  ---Runs a governed operation (compiled-sql.v1) and gives { rows, row_count, truncated, pagination, … }. Without a
  ---data source in its scope, it is the session's.
  ---@param operation table
  function methods.execute_operation(operation)
    local place = fault.here(1)
    if type(operation) ~= "table" then
      fault.raise(place, ("%s.execute_operation takes an operation, got %s"):format(name, fault.show(operation)),
        "compiled_sql.compile_statement and compiled_sql.build_operation make one")
    end
    local client, err = session:client()
    if not client then
      return nil, err
    end
    local complete, complete_error = complete_operation(client, operation, place)
    if not complete then
      return nil, complete_error
    end
    return client:execute_operation(complete)
  end

  ---The rows of a select one by one, in the memory of a few rows however many there are:
  ---`for row, err in MetaTable.iter_operation(operation) do`. On failure, also in the midst of the rows, `row` is false,
  ---once, with err, and the loop ends. Leaving the loop early (break, return, an error) ends the statement.
  ---
  ---The rows are of one statement and one state of the data. The TS Manager counts limits.statement_timeout_ms only while
  ---it works for a row; a loop that takes no row for ten minutes may lose the statement. limits.max_rows of the operation
  ---is the size of a page and no limit here (compile_statement always writes one); options.max_rows is: at most so many
  ---rows. limits.offset is where to begin.
  ---
  ---A TS Manager without the route stream-operation is read by pages of limits.max_rows. Pages are statements of their own
  ---and no snapshot: rows that are written meanwhile may come twice or not at all, and without ORDER BY their order may
  ---change from page to page.
  ---@param operation table
  ---@param options { max_rows: integer? }?
  ---@return fun(): table|false|nil, mainsequence.Error?
  ---@return any state, nil control, any closing for the generic for
  function methods.iter_operation(operation, options)
    local place, what = fault.here(1), name .. ".iter_operation"
    if type(operation) ~= "table" or operation.operation ~= "select" then
      fault.raise(place, ("%s takes a select operation, got %s"):format(what,
        type(operation) == "table" and fault.show(operation.operation) or fault.show(operation)))
    end
    return row_reading.iterate(session, operation, row_reading.check_options(options or {}, what, place),
      function(client) return complete_operation(client, operation, place) end)
  end
end

---@param session mainsequence.Session
---@return table MetaTable, table TimeIndexMetaTable
function M.classes(session)
  local meta_table = resource.class("MetaTable", M.META_TABLE_PATH, session, META_TABLE_FILTERS)
  local time_index = resource.class("TimeIndexMetaTable", M.DYNAMIC_TABLE_PATH, session, DYNAMIC_TABLE_FILTERS)
  meta_table.check_registration = requests.registration
  time_index.check_registration = requests.time_index_registration
  for _, class in ipairs({ meta_table, time_index }) do
    resource.add_reading(class)
    add_catalog(class)
    add_structure(class)
    add_search(class)
    sharing.add(class)
  end
  time_index.methods.get_or_create = posting(time_index, "get_or_create/", "get_or_create")
  time_index_data.add(time_index)
  return meta_table, time_index
end

return M
