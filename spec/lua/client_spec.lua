local client = require("mainsequence.client")
local core = require("mainsequence.core")
local endpoints = require("mainsequence.client.endpoint")
local requests = require("mainsequence.client.metatables")
local temporary = dofile("spec/support/temporary.lua")

local function failure(call, ...)
  local ok, err = pcall(call, ...)
  assert.is_false(ok)
  return tostring(err)
end

-- What a process with this environment talks to: "endpoint source", or the error.
local function resolved(environment, code)
  local names = {}
  for _, name in ipairs({ "ENDPOINT", "ACCESS_TOKEN", "REFRESH_TOKEN", "RUNTIME_CREDENTIAL_ID", "RUNTIME_CREDENTIAL_SECRET" }) do
    names[#names + 1] = "-u MAINSEQUENCE_" .. name
  end
  local process = assert(io.popen(("env %s %s lua5.4 -e '%s' 2>&1"):format(table.concat(names, " "), environment, code or [[
    local endpoint, source = require("mainsequence.client").endpoint()
    print(endpoint and endpoint .. " " .. source or tostring(source))]])))
  local output = process:read("a")
  process:close()
  return output
end

describe("client.endpoint", function()
  local folder

  before_each(function()
    folder = temporary.folder()
  end)
  after_each(function()
    temporary.remove(folder)
  end)

  local function with_home(rest)
    return ("XDG_CONFIG_HOME=%s %s"):format(folder, rest or "")
  end

  it("is the embedded TS Manager when nothing says otherwise", function()
    assert.are.equal("local: default\n", resolved(with_home()))
    assert.are.equal("local: default\n", resolved(with_home("MAINSEQUENCE_ENDPOINT='  '")))
  end)

  it("is the argument, else the environment", function()
    assert.are.equal("https://ts.example environment\n", resolved(with_home("MAINSEQUENCE_ENDPOINT=https://ts.example//")))
    assert.are.equal("local:/x environment\n", resolved(with_home("MAINSEQUENCE_ENDPOINT=local:/x")))
    assert.are.equal("local:/y argument\n", resolved(with_home("MAINSEQUENCE_ENDPOINT=local:/x"), [[
      local client = require("mainsequence.client")
      client.configure { endpoint = "local:/y" }
      print(table.concat({ client.endpoint() }, " "))]]))
  end)

  it("is not guessed for a token", function()
    local output = resolved(with_home("MAINSEQUENCE_ACCESS_TOKEN=secret-token"))
    assert.has_match("MAINSEQUENCE_ACCESS_TOKEN is set, but no endpoint", output)
    assert.is_nil(output:find("secret-token", 1, true))
    assert.are.equal("local: environment\n", resolved(with_home("MAINSEQUENCE_ACCESS_TOKEN=t MAINSEQUENCE_ENDPOINT=local:")))
  end)

  it("is the stored login, when there is one", function()
    local store = folder .. "/mainsequence/auth.json"
    temporary.write(store,
      '{"version": 2, "by_backend": {"https://one.example": {"access": "a", "refresh": "r"}, "https://two": {}}}')
    assert.are.equal("https://one.example login\n", resolved(with_home()))
    assert.has_match("MAINSEQUENCE_ACCESS_TOKEN is set", resolved(with_home("MAINSEQUENCE_ACCESS_TOKEN=t")))
    temporary.write(store, '{"by_backend": {"https://one": {"access": "a"}, "https://two": {"access": "b"}}}')
    assert.has_match("several servers: https://one, https://two", resolved(with_home()))
    temporary.write(folder .. "/mainsequence/config.json", '{"backend_url": "https://two"}')
    assert.are.equal("https://two login\n", resolved(with_home()))
    temporary.write(store, "{")
    assert.has_match("auth.json is not readable JSON", resolved(with_home()))
  end)

  it("has one of three forms", function()
    for _, text in ipairs({ "localhost:8000", "ftp://x", "ts.example", "https://", "http:///x" }) do
      local endpoint, err = endpoints.check(text, "argument")
      assert.is_nil(endpoint)
      assert.has_match(text, err.message, 1, true)
    end
    assert.are.equal("http://h:1", endpoints.check("http://h:1/", "argument"))
  end)

  it("is refused, not replaced, when it cannot be opened", function()
    local session = client.connect({ endpoint = "https://ts.example" })
    local rows, err = session.MetaTable.list()
    assert.is_nil(rows)
    assert.has_match("ts.example", err.message)
    assert.has_match("no option 'endpont'.*did you mean 'endpoint'", failure(client.connect, { endpont = "local:" }))
    assert.has_match("timeout is a number", failure(client.configure, { timeout = 0 }))
  end)
end)

-- ---- Classes over a client that records -------------------------------------------------------------

local NOTHING = {}

local function recording(replies)
  local calls = {}
  local function next_reply()
    local reply = table.remove(replies, 1)
    if reply ~= NOTHING then
      return reply
    end
  end
  local fake = {
    call = function(_, method, path, options)
      calls[#calls + 1] = {
        method, path, options and options.query, options and options.body, options and options.accept, options and options.text,
      }
      local reply = next_reply()
      if core.is_error(reply) then
        return nil, reply
      end
      return reply, 200
    end,
    list = function(_, path, query)
      calls[#calls + 1] = { "LIST", path, query }
      return next_reply()
    end,
    execute_operation = function(_, operation)
      calls[#calls + 1] = { "EXECUTE", operation }
      return next_reply()
    end,
    close = function() end,
  }
  local session = client.connect({ endpoint = "local:" })
  session.opened = fake
  return session, calls
end

local ROW = core.object("uid", "u1", "physical_table_name", "t", "description", core.null, "labels", core.array({}))
local NOT_FOUND = core.error({ code = "not_found", status = 404, message = "404 GET …: gone" })

describe("client.MetaTable", function()
  it("gets by uid, and by filters that fit one", function()
    local session, calls = recording({ ROW, core.array({ ROW }), core.array({}), core.array({ ROW, ROW }), NOT_FOUND,
      core.array({}), NOT_FOUND })
    local row = assert(session.MetaTable.get("u1"))
    assert.are.equal("u1", row.uid)
    assert.is_nil(row.description)
    assert.are.equal("MetaTable t", tostring(row))
    assert.are.equal("/orm/api/ts_manager/meta_table/u1/", calls[1][2])
    assert.are.equal("u1", session.MetaTable.get({ uid = "u1" }).uid)
    local missing, err = session.MetaTable.get({ uid = "u2" })
    assert.is_nil(missing)
    assert.are.equal("not_found", err.code)
    assert.has_match("2 objects match", select(2, session.MetaTable.get({ namespace = "x" })).message)
    assert.are.equal("not_found", select(2, session.MetaTable.get("u3")).code)
    assert.is_nil((session.MetaTable.get_or_none({ uid = "u4" })))
    assert.are.equal(1, select("#", session.MetaTable.get_or_none("u5")))
    assert.has_match("client_spec.lua:%d+: .*takes a uid", failure(function()
      session.MetaTable.get(nil)
    end))
  end)

  it("checks filters before anything is sent", function()
    local session, calls = recording({ core.array({}), core.array({}) })
    assert(session.MetaTable.filter({ physical_table_name__in = { "a", " b " }, namespace__isnull = "yes",
      provisioning_status = "reserved", identifier = core.null, data_source__uid = { uid = "d1" } }))
    assert.are.equal('{"data_source__uid": "d1", "namespace__isnull": true, "physical_table_name__in": ["a", "b"], '
      .. '"provisioning_status": "reserved"}', core.json_encode(calls[1][3]))
    assert.has_match("no filter 'physical_table_nam'.*did you mean 'physical_table_name'",
      failure(session.MetaTable.filter, { physical_table_nam = "x" }))
    assert.has_match("no filter 'provisioning_status'", failure(session.TimeIndexMetaTable.filter, { provisioning_status = "x" }))
    assert.has_match("no filter 'data_source__id'", failure(session.MetaTable.filter, { data_source__id = 1 }))
    assert.has_match("namespace__isnull is true or false", failure(session.MetaTable.filter, { namespace__isnull = "maybe" }))
    assert.has_match("identifier takes text", failure(session.MetaTable.filter, { identifier = {} }))
    assert.are.equal(1, #calls)
    assert(session.DynamicTableDataSource.filter({ related_resource__status = "AVAILABLE" }))
  end)

  it("takes lists from both forms of reply", function()
    local session, calls = recording({ core.array({ ROW }), core.object("results", core.array({ ROW })),
      core.object("detail", "x") })
    local body = { physical_table_name__in = { "t" }, limit = 1 }
    assert.are.equal(1, #assert(session.MetaTable.filter_by_body(body)))
    assert.are.equal(1, #assert(session.TimeIndexMetaTable.filter_by_body(body)))
    assert.has_match("the reply is no list", select(2, session.MetaTable.filter_by_body(body)).message)
    assert.are.equal("/orm/api/ts_manager/dynamic_table/filter/", calls[2][2])
  end)

  it("changes, deletes, labels and reads one table", function()
    local session, calls = recording({ ROW, core.object(), NOTHING, ROW, core.object("labels", core.array({})),
      core.object("introspection_snapshot", core.object("table", "t")), core.object("nodes", core.array({})) })
    local row = assert(session.MetaTable.get("u1"))
    assert(row:patch({ description = "d", labels = core.null }))
    assert.are.same({ "PATCH", "/orm/api/ts_manager/meta_table/u1/" }, { calls[2][1], calls[2][2] })
    assert.are.equal('{"description": "d", "labels": null}', core.json_encode(calls[2][4]))
    assert.is_true(row:delete({ full_delete_selected = true }))
    assert.are.equal('{"full_delete_selected": true, "full_delete_downstream_tables": false, "delete_with_no_table": false, '
      .. '"override_protection": false}', core.json_encode(calls[3][3]))
    assert(session.MetaTable.patch("a b/c", { description = "d" }))
    assert.are.equal("/orm/api/ts_manager/meta_table/a%20b%2Fc/", calls[4][2])
    assert(row:add_label({ " x ", "X", "", "y" }))
    assert.are.equal('{"labels": ["x", "y"]}', core.json_encode(calls[5][4]))
    assert(row:introspect())
    assert.are.equal("t", row.introspection_snapshot.table)
    assert(row:schema_graph({ depth = 2 }))
    assert.are.equal('{"depth": 2, "include_incoming": false}', core.json_encode(calls[7][3]))
    assert.has_match("at least one label", failure(row.add_label, row, { " " }))
    assert.has_match("must have a uid", failure(session.MetaTable.delete, {}))
    assert.has_match("no option 'full_delete'", failure(row.delete, row, { full_delete = true }))
    assert.has_match("fields to change", failure(row.patch, row, {}))
  end)

  it("registers and finalizes checked requests", function()
    local session, calls = recording({ ROW, core.object("ok", false, "tables", core.array({})), core.object("detail", "no") })
    assert(session.MetaTable.register({
      management_mode = "external_registered", data_source_uid = "d",
      table_contract = { physical = { table_name = "t" }, columns = { { name = "a", data_type = "TEXT" } } },
    }))
    assert.are.same({ "data_source_uid", "table_contract", "protect_from_deletion", "labels", "management_mode", "introspect" },
      core.keys(calls[1][4]))
    assert.are.equal("string", calls[1][4].table_contract.columns[1].data_type)
    assert.is_false(assert(session.MetaTable.finalize_managed({ meta_table_uids = { "u1" } })).ok)
    assert.are.equal(409, calls[2][5])
    local result, err = session.MetaTable.finalize_managed({ meta_table_uids = { "u1" } })
    assert.is_nil(result)
    assert.are.equal("conflict", err.code)
  end)

  it("searches and executes", function()
    local session, calls = recording({ core.array({ ROW }), ROW, core.object("ok", true), core.object("rows", core.array({})) })
    assert.are.equal(1, #assert(session.MetaTable.search("accounts", { namespace = "x" })))
    assert.are.equal('{"q": "accounts", "trigram_k": 200, "embed_k": 200, "w_trgm": 0.65, "w_emb": 0.35, '
      .. '"embedding_model": "default", "namespace": "x"}', core.json_encode(calls[1][4]))
    assert.are.equal(1, #assert(session.MetaTable.column_search("price", { namespace = "x" })))
    assert.are.equal('{"q": "price", "namespace": "x"}', core.json_encode(calls[2][3]))
    assert.has_match("words to search for", failure(session.MetaTable.search, " "))
    assert.is_true(assert(session.MetaTable.run_query("u1", " SELECT 1 ")).ok)
    assert.are.same({ "/orm/api/ts_manager/meta_table/u1/run_query/", "SELECT 1" }, { calls[3][2], calls[3][6] })
    assert.has_match("takes a statement", failure(session.MetaTable.run_query, "u1", ""))
    local scope = { data_source_uid = "d", tables = { { meta_table_uid = "u" } } }
    assert(session.MetaTable.execute_operation({ operation = "select", statement = { sql = "SELECT 1" }, scope = scope }))
    assert.has_match("client_spec.lua:%d+: .*sql", failure(function()
      session.MetaTable.execute_operation({ operation = "select", statement = {}, scope = scope })
    end))
    assert.has_match("takes an operation", failure(session.MetaTable.execute_operation))
  end)
end)

describe("client.metatables", function()
  it("builds requests in the protocol's order", function()
    local request = client.metatables.TimeIndexMetaTableRegistrationRequest({
      data_source_uid = "d", time_index_name = "t", cadence = " 1D ",
      table_contract = { columns = {}, authoring = {} },
    })
    assert.are.same({ "data_source_uid", "labels", "protect_from_deletion", "provisioning", "time_index_name", "cadence",
      "partition_strategy", "table_contract" }, core.keys(request))
    assert.are.equal("1d", request.cadence)
    assert.are.equal("time_indexed", request.table_contract.table_kind)
    assert.are.same({ "purpose", "package", "migration_namespace", "ttl_seconds" },
      core.keys(requests.DataSourceMigrationConnectionRequest()))
  end)

  it("refuses unknown, missing and wrong fields at the caller's line", function()
    local contract = { physical = { table_name = "t" }, columns = {} }
    local function registration(fields)
      return failure(function()
        client.metatables.MetaTableRegistrationRequest(fields)
      end)
    end
    assert.has_match("client_spec.lua:%d+: .*needs data_source_uid", registration({}))
    assert.has_match("no field 'data_source_id'.*did you mean 'data_source_uid'", registration({ data_source_id = "d" }))
    assert.has_match("management_mode is 'plattform_managed'.*did you mean 'platform_managed'",
      registration({ data_source_uid = "d", table_contract = contract, management_mode = "plattform_managed" }))
    assert.has_match("labels must be a list of texts",
      registration({ data_source_uid = "d", table_contract = contract, management_mode = "platform_managed", labels = { 1 } }))
    assert.has_match("introspect must be true or false",
      registration({ data_source_uid = "d", table_contract = contract, management_mode = "platform_managed", introspect = 1 }))
    assert.has_match("table_contract.index_names is not allowed", failure(requests.TimeIndexMetaTableRegistrationRequest, {
      data_source_uid = "d", time_index_name = "t", table_contract = { index_names = {} },
    }))
    assert.has_match("at least one uid", failure(requests.ManagedMetaTableFinalizeRequest, { meta_table_uids = {} }))
    assert.has_match("at least 1", failure(requests.DataSourceMigrationConnectionRequest, { ttl_seconds = 0 }))
  end)
end)

describe("the client on local:", function()
  local folder, session

  before_each(function()
    folder = temporary.folder()
    session = client.connect({ endpoint = "local:" .. folder .. "/home" })
  end)
  after_each(function()
    session:close()
    temporary.remove(folder)
  end)

  it("registers, finds, changes and deletes a table", function()
    local data_source = assert(session.DynamicTableDataSource.session())
    assert.are.equal("sqlite", data_source.related_resource_class_type)
    assert.are.equal(data_source.uid, assert(session.DynamicTableDataSource.get(data_source.uid)).uid)
    assert.are.equal(1, #assert(session.Project.list()))
    assert.has_match("local:" .. folder:gsub("%p", "%%%0"), session:endpoint())
    local row = assert(session.MetaTable.register({
      data_source_uid = data_source.uid, identifier = "x.T", namespace = "x", management_mode = "external_registered",
      table_contract = { physical = { table_name = "t" }, columns = { { name = "a", data_type = "string" } } },
    }))
    assert.are.equal(1, #assert(session.MetaTable.filter({ namespace = "x" })))
    assert.are.equal("new", assert(row:patch({ description = "new" })).description)
    assert.are.equal("new", assert(session.MetaTable.get(row.uid)).description)
    assert.is_truthy(assert(row:validate_contract({
      physical = { table_name = "t" }, columns = { { name = "a", data_type = "text" } },
    })))
    assert(row:delete())
    local missing, err = session.MetaTable.get(row.uid)
    assert.is_nil(missing)
    assert.are.equal(404, err.status)
    assert.is_nil((session.MetaTable.get_or_none(row.uid)))
  end)
end)
