--- MetaTable and TimeIndexMetaTable: the catalog's tables.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")
local filters = require("mainsequence.client.filters")
local requests = require("mainsequence.client.metatables")
local resource = require("mainsequence.client.resource")

local M = {}

---@class mainsequence.MetaTable
---@field uid string?
---@field data_source_uid string?
---@field identifier string?
---@field namespace string?
---@field description string?
---@field labels string[]
---@field management_mode string
---@field provisioning_status "reserved"|"active"
---@field schema_management_mode string
---@field physical_table_name string
---@field table_contract table
---@field introspection_snapshot table
---@field columns table[]
---@field indexes_meta table[]
---@field foreign_keys table[]

M.META_TABLE_PATH = "/orm/api/ts_manager/meta_table/"
M.DYNAMIC_TABLE_PATH = "/orm/api/ts_manager/dynamic_table/"

local META_TABLE_FILTERS = filters.declare({
  identifier = { "", "in", "contains" }, uid = { "", "in" }, data_source__uid = { "", "in" },
  namespace = { "", "contains", "in", "isnull" }, management_mode = { "", "in" }, provisioning_status = { "", "in" },
  schema_management_mode = { "", "in" }, migration_provider_key = { "", "in" },
  physical_table_name = { "", "contains", "in" }, labels = { "", "in", "contains" },
})
local DYNAMIC_TABLE_FILTERS = filters.declare({
  identifier = { "", "in", "contains" }, uid = { "", "in" }, data_source__uid = { "", "in" },
  namespace = { "", "contains", "in", "isnull" }, physical_table_name = { "", "contains", "in" },
  labels = { "", "in", "contains" },
})

local function object_or_error(body, err, what)
  if body == nil then
    return nil, err
  end
  return resource.object(body, what)
end

-- ---- Catalog -----------------------------------------------------------------------------------

local function add_catalog(class)
  local methods, session, path, name = class.methods, class.session, class.path, class.name

  ---Rows by a body of filters: all of them, on one page.
  ---@param body table e.g. { physical_table_name__in = { … }, limit = 2 }
  function methods.filter_by_body(body)
    local what = name .. ".filter_by_body"
    if type(body) ~= "table" then
      fault.raise(fault.here(1), ("%s takes a table of filters, got %s"):format(what, fault.show(body)))
    end
    local reply, err = session:call("POST", path .. "filter/", { body = body })
    if reply == nil then
      return nil, err
    end
    local rows, rows_error = resource.rows(reply, what)
    if not rows then
      return nil, rows_error
    end
    return class.instances(rows)
  end

  ---Registers a table.
  ---@param request table see client.metatables
  function methods.register(request)
    local body = class.check_registration(request, fault.here(1))
    local reply, err = session:call("POST", path .. "register/", { body = body })
    if reply == nil then
      return nil, err
    end
    return class.instance(reply, name .. ".register")
  end

  ---Creates rows, matched to the replies by position.
  ---@param rows table[]
  function methods.bulk_create(rows)
    local what = name .. ".bulk_create"
    local reply, err = session:call("POST", path, { body = core.array(rows) })
    if reply == nil then
      return nil, err
    end
    if not core.is_array(reply) then
      return nil, core.error({ code = "transport", message = what .. ": the reply is no list" })
    end
    return class.instances(reply)
  end

  ---Changes fields; gives the new object.
  ---@param fields table
  function methods.patch(object, fields)
    local what, place = name .. ".patch", fault.here(1)
    if type(fields) ~= "table" or next(fields) == nil then
      fault.raise(place, ("%s takes a table of fields to change, got %s"):format(what, fault.show(fields)))
    end
    local reply, err = session:call("PATCH", class.path_of(what, object, place), { body = fields })
    if reply == nil then
      return nil, err
    end
    return class.instance(reply, what)
  end

  local FLAGS = {
    "full_delete_selected", "full_delete_downstream_tables", "delete_with_no_table", "override_protection",
  }

  ---Deletes the catalog row; full_delete_selected drops the table too. Gives true, or the reply's document.
  ---@param options table? the flags above, each true or false
  function methods.delete(object, options)
    local what, place = name .. ".delete", fault.here(1)
    options = options or {}
    fault.check_options(place, what, options, FLAGS)
    local query = core.object()
    for _, flag in ipairs(FLAGS) do
      query[flag] = options[flag] == true
    end
    local reply, status = session:call("DELETE", class.path_of(what, object, place), { query = query })
    if reply == nil and core.is_error(status) then
      return nil, status
    end
    return reply == nil and true or reply
  end

  local function labels_call(suffix)
    return function(object, labels)
      local what, place = ("%s.%s"):format(name, suffix:gsub("-", "_"):gsub("/", "")), fault.here(1)
      local body = { labels = requests.labels(what, labels, place) }
      local reply, err = session:call("POST", class.path_of(what, object, place, suffix), { body = body })
      if reply == nil and core.is_error(err) then
        return nil, err
      end
      return reply == nil and { labels = core.array({}) } or reply
    end
  end
  methods.add_label = labels_call("add-label/")
  methods.remove_label = labels_call("remove-label/")
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

  ---Has the TS Manager check and normalise a contract. validate_contract(contract, options) for no table in
  ---particular, object:validate_contract(contract, options) for one.
  function methods.validate_contract(object, contract, options)
    local what, place = name .. ".validate_contract", fault.here(1)
    local target = path .. "validate-contract/"
    if class.is(object) or type(object) == "string" then
      target = class.path_of(what, object, place, "validate-contract/")
    else
      contract, options = object, contract
    end
    if type(contract) ~= "table" then
      fault.raise(place, ("%s takes a contract, got %s"):format(what, fault.show(contract)))
    end
    fault.check_options(place, what, options or {}, { "management_mode" })
    local body = core.object("table_contract", contract)
    body.management_mode = options and options.management_mode
    local reply, err = session:call("POST", target, { body = body })
    return object_or_error(reply, err, what)
  end

  ---Tables around this one.
  ---@param options { depth: integer?, include_incoming: boolean? }?
  function methods.schema_graph(object, options)
    local what, place = name .. ".schema_graph", fault.here(1)
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
    local reply, err = session:call("POST", path .. "finalize-managed/", { body = body, accept = 409 })
    local result, result_error = object_or_error(reply, err, what)
    if result and type(result.ok) ~= "boolean" then
      return nil, core.error({
        code = "conflict", status = 409, message = ("%s: %s"):format(what, core.json_encode(result)),
      })
    end
    return result, result_error
  end
end

-- ---- Search and queries ------------------------------------------------------------------------

local function found(class, reply, err, what)
  if reply == nil then
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
  return class.instances(rows)
end

local function search_text(what, q, place)
  if type(q) ~= "string" or not q:find("%S") then
    fault.raise(place, ("%s takes words to search for, got %s"):format(what, fault.show(q)))
  end
  return q
end

local function add_search(class)
  local methods, session, path, name = class.methods, class.session, class.path, class.name

  ---Tables whose description fits the words.
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
  methods.search = methods.description_search

  ---Tables that have a column that fits the words.
  ---@param q string
  ---@param given table? filters
  function methods.column_search(q, given)
    local what, place = name .. ".column_search", fault.here(1)
    local query = core.object("q", search_text(what, q, place))
    local rest = filters.query(what, class.filters, given, place)
    for _, key in ipairs(core.keys(rest)) do
      query[key] = rest[key]
    end
    local reply, err = session:call("GET", path .. "column-search/", { query = query })
    return found(class, reply, err, what)
  end

  ---Runs one SELECT, given as text, over the tables that the caller may view, in the table's data source.
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

  ---Runs a governed operation (compiled-sql.v1) and gives { rows, row_count, truncated, pagination, … }.
  ---@param operation table
  function methods.execute_operation(operation)
    local place = fault.here(1)
    if type(operation) ~= "table" then
      fault.raise(place, ("%s.execute_operation takes an operation, got %s"):format(name, fault.show(operation)),
        "compiled_sql.compile_statement and compiled_sql.build_operation make one")
    end
    fault.blame(place, core.validate_operation, operation)
    local client, err = session:client()
    if not client then
      return nil, err
    end
    return client:execute_operation(operation)
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
  end
  return meta_table, time_index
end

return M
