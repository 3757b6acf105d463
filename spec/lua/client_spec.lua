local client = require("mainsequence.client")
local core = require("mainsequence.core")
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
      local endpoint, err = core.resolve_endpoint(text)
      assert.is_nil(endpoint)
      assert.has_match(text, err.message, 1, true)
    end
    assert.are.equal("http://h:1", (core.resolve_endpoint("http://h:1/")))
  end)

  it("comes with credentials that are checked and never shown", function()
    assert.has_match("authentication is 'kerberos', not jwt, session_jwt or runtime_credential",
      failure(client.connect, { endpoint = "https://ts.example", authentication = "kerberos" }))
    local message = failure(client.connect, { endpoint = "https://ts.example", refresh_token = { "secret" } })
    assert.has_match("refresh_token is", message)
    assert.is_nil(message:find("secret", 1, true))
    local session = client.connect({ endpoint = "https://ts.example", authentication = "session_jwt",
      access_token = "secret-a", refresh_token = "secret-r" })
    local rows, err = session.MetaTable.list()
    assert.is_nil(rows)
    assert.are.equal(401, err.status)
    assert.has_match("MAINSEQUENCE_REFRESH_TOKEN is not allowed", err.message)
    assert.is_nil(tostring(err):find("secret", 1, true))
  end)

  it("answers several calls side by side", function()
    local session = client.connect({ endpoint = "local:" .. folder })
    local results = assert(session:parallel({
      { path = "/orm/api/ts_manager/meta_table/", query = { namespace = "none" } },
      { path = "/no/such/route/" },
      { path = "/orm/api/ts_manager/meta_table/filter/", method = "POST", body = { physical_table_name__in = { "x" } } },
    }))
    assert.are.equal(0, #results[1].body.results)
    assert.is_nil(results[1].error)
    assert.are.equal(404, results[2].error.status)
    assert.is_nil(results[2].body)
    assert.is_table(results[3].body)
    assert.are.same({}, session:parallel({}))
    assert.has_match("call 2 has no path", failure(session.parallel, session, { { path = "/" }, { method = "GET" } }))
    session:close()
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
      if type(reply) == "table" and reply.http_status then
        return reply.body, reply.http_status
      end
      return reply, 200
    end,
    page = function(_, link, query)
      calls[#calls + 1] = { "PAGE", link, query }
      local reply = next_reply()
      if core.is_error(reply) then
        return nil, reply
      end
      return reply.rows, reply.next
    end,
    session_data_source = function()
      return next_reply()
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

local ROW = core.object("uid", "u1", "management_mode", "platform_managed", "physical_table_name", "t",
  "description", core.null, "labels", core.array({}))
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
    assert.has_match("no filters 'alpha', 'zeta'.*it takes: data_source__uid,",
      failure(session.MetaTable.filter, { zeta = 1, alpha = 2 }))
    assert.has_match("namespace__isnull is true or false, got 1", failure(session.MetaTable.filter, { namespace__isnull = 1 }))
    assert.has_match("data_source__uid takes a uid", failure(session.MetaTable.filter, { data_source__uid = 5 }))
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
    local session, calls = recording({ ROW, ROW, NOTHING, ROW, core.object("labels", core.array({})),
      core.object("introspection_snapshot", core.object("table", "t")), core.object("nodes", core.array({})), ROW, NOTHING })
    local row = assert(session.MetaTable.get("u1"))
    assert(row:patch({ description = "d", labels = core.null }))
    assert.are.same({ "PATCH", "/orm/api/ts_manager/meta_table/u1/" }, { calls[2][1], calls[2][2] })
    assert.are.equal('{"description": "d", "labels": null}', core.json_encode(calls[2][4]))
    assert.is_true(row:delete({ full_delete_selected = true }))
    assert.are.equal('{"full_delete_selected": true, "full_delete_downstream_tables": false, "delete_with_no_table": false, '
      .. '"override_protection": false}', core.json_encode(calls[3][3]))
    assert(session.MetaTable.patch("a b/c", { description = "d" }))
    assert.are.equal("/orm/api/ts_manager/meta_table/a%20b%2Fc/", calls[4][2])
    assert(row:add_label({ " x ", "X", "", "STRASSE", "straße", 7 }))
    assert.are.equal('{"labels": ["x", "STRASSE", "7"]}', core.json_encode(calls[5][4]))
    assert(row:introspect())
    assert.are.equal("t", row.introspection_snapshot.table)
    assert(row:get_schema_graph({ depth = 2 }))
    assert.are.equal('{"depth": 2, "include_incoming": false}', core.json_encode(calls[7][3]))
    assert.has_match("at least one label", failure(row.add_label, row, { " " }))
    assert.has_match("must have a uid", failure(session.MetaTable.delete, {}))
    assert.has_match("no option 'full_delete'", failure(row.delete, row, { full_delete = true }))
    assert(row:patch())
    assert.are.equal("{}", core.json_encode(calls[8][4]))
    assert.is_true(session.MetaTable.destroy_by_uid("u1"))
    assert.has_match("takes a table of fields", failure(row.patch, row, "x"))
  end)

  it("registers and finalizes checked requests", function()
    local counts = core.object("ok", false, "finalized_count", 0, "active_count", 0, "reserved_count", 1, "failed_count", 1,
      "tables", core.array({}))
    local session, calls = recording({ ROW, counts, { http_status = 409, body = core.object("detail", "no") }, ROW })
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
    assert.has_match('"detail": "no"', err.message, 1, true)
    -- an incomplete contract goes out as it is, its types in their normal form
    assert(session.MetaTable.register({
      management_mode = "external_registered", data_source_uid = "d", storage_hash = "of a former version",
      table_contract = { columns = { { name = "a", data_type = "TEXT", backend_type = "timestamptz" } } },
    }))
    assert.are.equal('{"columns": [{"backend_type": "TIMESTAMP WITH TIME ZONE", "data_type": "string", "name": "a"}]}',
      core.json_encode(calls[4][4].table_contract))
    assert.has_match("only for local storage", failure(session.MetaTable.register, {
      management_mode = "external_registered", data_source_uid = "d",
      table_contract = { columns = { { name = "a", data_type = "timestamp" } } },
    }))
  end)

  it("searches and executes", function()
    local session, calls = recording({ core.array({ ROW }), ROW, core.object("ok", true), core.object("rows", core.array({})),
      core.object("uid", "session's"), core.object("rows", core.array({})) })
    assert.are.equal(1, #assert(session.MetaTable.description_search(" accounts ", { namespace = "x" })))
    assert.are.equal('{"q": "accounts", "trigram_k": 200, "embed_k": 200, "w_trgm": 0.65, "w_emb": 0.35, '
      .. '"embedding_model": "default", "namespace": "x"}', core.json_encode(calls[1][4]))
    assert.are.equal(1, #assert(session.MetaTable.column_search("price", { labels = { "x", "y" }, none = core.null })))
    assert.are.equal('[["q", "price"], ["labels", "x"], ["labels", "y"]]', core.json_encode(calls[2][3]))
    assert.has_match("words to search for", failure(session.MetaTable.description_search, " "))
    assert.is_true(assert(session.MetaTable.run_query("u1", " SELECT 1 ")).ok)
    assert.are.same({ "/orm/api/ts_manager/meta_table/u1/run_query/", "SELECT 1" }, { calls[3][2], calls[3][6] })
    assert.has_match("takes a statement", failure(session.MetaTable.run_query, "u1", ""))
    local scope = { data_source_uid = "d", tables = { { meta_table_uid = "u" } } }
    assert(session.MetaTable.execute_operation({ operation = "select", statement = { sql = "SELECT 1" }, scope = scope }))
    assert.has_match("client_spec.lua:%d+: .*sql", failure(function()
      session.MetaTable.execute_operation({ operation = "select", statement = {}, scope = scope })
    end))
    assert.has_match("takes an operation", failure(session.MetaTable.execute_operation))
    assert(session.MetaTable.execute_operation({ operation = "select", statement = { sql = "SELECT 1" },
      scope = { tables = { { meta_table_uid = "u" } } } }))
    assert.are.equal("session's", calls[5][2].scope.data_source_uid)
    assert.are.equal("read", calls[5][2].scope.tables[1].access)
  end)

  it("gives the objects of a list one by one", function()
    local gone = core.error({ code = "server", status = 500, message = "500 GET …: gone" })
    local session, calls = recording({ { rows = { ROW, ROW }, next = "/l/?page=2" }, { rows = {}, next = "/l/?page=3" }, gone,
      { rows = { ROW }, next = "/l/?page=2" } })
    local iterator = session.MetaTable.iter_filter({ namespace = "x" })
    assert.are.equal(0, #calls)
    assert.are.equal("u1", iterator().uid)
    assert.are.equal("u1", iterator().uid)
    assert.are.equal(1, #calls)
    local object, err = iterator()
    assert.is_false(object)
    assert.are.equal(gone, err)
    assert.is_nil((iterator()))
    assert.are.same({ { "PAGE", "/l/?page=2" }, { "PAGE", "/l/?page=3" } }, { calls[2], calls[3] })
    local count = 0
    for row in session.MetaTable.iter_filter(nil, { max_items = 1 }) do
      assert.are.equal("u1", row.uid)
      count = count + 1
    end
    assert.are.same({ 1, 4 }, { count, #calls })
    assert.has_match("max_items is a whole number", failure(session.MetaTable.iter_filter, nil, { max_items = -1 }))
    assert.has_match("no filter 'x'", failure(session.MetaTable.iter_filter, { x = 1 }))
  end)

  it("refuses replies that the protocol does not know, and says where", function()
    local function refused(key, value)
      local row = core.object("management_mode", "platform_managed", "physical_table_name", "t")
      row[key] = value
      local session = recording({ row })
      local object, err = session.MetaTable.get("u1")
      assert.is_nil(object)
      assert.are.equal("transport", err.code)
      return err.message
    end
    assert.are.equal("MetaTable.get: the reply is no MetaTable: id: no such field", refused("id", 5))
    assert.has_match("labels: a list was expected, got null", refused("labels", core.null))
    assert.has_match("uid: text was expected, got 5", refused("uid", 5))
    assert.has_match("provisioning_status: reserved or active was expected, got 'gone'", refused("provisioning_status", "gone"))
    assert.has_match("columns[2].data_type: timezone-naive", refused("columns", core.array({
      { name = "a", data_type = "uuid" }, { name = "b", data_type = "timestamp" },
    })), 1, true)
    local session = recording({ NOTHING })
    assert.has_match("an object was expected", select(2, session.MetaTable.get("u1")).message)
  end)

  it("shares with users and teams", function()
    local state = core.object("object_id", 11, "object_type", "t", "access_level", "view", "users", core.array({
      core.object("id", 7, "first_name", "Ada", "last_name", "L", "username", "ada", "email", "a@x"),
    }))
    local session, calls = recording({ core.object("detail", "added"), NOTHING, state, core.array({}) })
    assert.are.equal("added", assert(session.MetaTable.add_to_view("u1", 7)).detail)
    assert.are.same({}, assert(session.MetaTable.remove_team_from_edit("u1", { id = 9 })))
    assert.are.same({ "/orm/api/ts_manager/meta_table/u1/remove-team-from-edit/", '{"team_id": 9}' },
      { calls[2][2], core.json_encode(calls[2][4]) })
    assert.are.equal("ada", assert(session.MetaTable.list_users_can_view("u1")).users[1].username)
    assert.has_match("no object", select(2, session.MetaTable.add_to_edit("u1", 7)).message)
    for _, subject in ipairs({ "7", true, {}, 1.5 }) do
      assert.has_match("takes the id of a user or a team", failure(session.MetaTable.add_to_view, "u1", subject))
    end
  end)
end)

describe("client.TimeIndexMetaTable", function()
  local sql = require("mainsequence.sql")
  local TABLE = core.object("uid", "h1", "management_mode", "platform_managed", "physical_table_name", "holdings",
    "time_indexed_profile", core.object("time_index_name", "t", "index_names", core.array({ "t", "account" })))

  it("reads ranges, page by page and in chunks", function()
    local row = core.object("t", "2026-03-01T00:00:00Z")
    local session, calls = recording({
      TABLE, core.object("results", core.array({ row, row }), "next_offset", 2),
      core.object("results", core.array({ row }), "next_offset", 0), core.object("results", core.array({})),
      core.object("results", core.array({ row })), core.object("next_offset", 1), core.object("next_offset", 1),
    })
    local holdings = assert(session.TimeIndexMetaTable.get("h1"))
    assert.are.equal(3, #assert(holdings:get_data_between_dates({ start_date = sql.timestamp("2026-03-01T01:00:00.5+01:00"),
      end_date = 1772668800, great_or_equal = true, columns = { "a" } })))
    assert.are.equal('{"start_date": 1772323200.5, "end_date": 1772668800.0, "great_or_equal": true, "less_or_equal": null, '
      .. '"columns": ["a"], "offset": 0}', core.json_encode(calls[2][4]):gsub('"offset": 2', '"offset": 0'))
    local many = {}
    for position = 1, 101 do
      many[position] = { coordinate = { account = position }, start_date = "2026-03-01T00:00:00.900Z" }
    end
    assert.are.equal(1, #assert(holdings:get_data_between_dates({ dimension_range_map = many })))
    assert.are.same({ 100, 1 }, { #calls[4][4].dimension_range_map, #calls[5][4].dimension_range_map })
    assert.are.equal(1772323200, calls[4][4].dimension_range_map[1].start_date)
    assert.has_match("entry 1 of dimension_range_map lacks account.*it needs account", failure(holdings.get_data_between_dates,
      holdings, { dimension_range_map = { { coordinate = { foo = 1 } } } }))
    assert.has_match("start_date is a time with its offset", failure(holdings.get_data_between_dates, holdings,
      { start_date = "2026-03-01" }))
    assert.has_match("next_offset 1 does not follow 1", select(2, holdings:get_data_between_dates()).message)
  end)

  it("reads last observations and statistics, deletes tails", function()
    local session, calls = recording({
      core.array({ core.object("t", "x") }), { http_status = 201, body = core.array({}) },
      core.object("update_statistics", core.object("global_index_progress", core.object("max", 1772323200000, "min", core.null),
        "multi_index_stats", core.object("index_progress", core.object("a1", "2026-03-01 00:00:00+01:00")))),
      core.object("deleted_count", 3), core.object("deleted_count", 0), core.object("results", core.array({})),
    })
    local class = session.TimeIndexMetaTable
    assert.are.equal(1, #assert(class.get_last_observation("h1", { dimension_filters = { a = { 1 } } })))
    assert.are.equal('{"dimension_filters": {"a": [1]}}', core.json_encode(calls[1][4]))
    assert.has_match("no list of rows", select(2, class.get_last_observation("h1")).message)
    local statistics = assert(class.get_data_updates("h1"))
    assert.are.equal("2026-03-01T00:00:00Z", statistics.global_index_progress.max)
    assert.are.equal("2026-02-28T23:00:00Z", statistics.index_progress.a1)
    assert.are.equal(3, assert(class.delete_after_date("h1", sql.timestamp("2026-03-02T00:00:00Z"))).deleted_count)
    assert.are.equal('{"after_date": "2026-03-02T00:00:00+00:00"}', core.json_encode(calls[4][4]))
    assert(class.delete_after_date("h1", "2026-03-02"))
    assert.are.equal('{"after_date": "2026-03-02"}', core.json_encode(calls[5][4]))
    assert.has_match("takes the time after which", failure(class.delete_after_date, "h1", " "))
    assert.has_match("an object was expected", select(2, class.get_data_between_dates_from_node_identifier("x.H")).message)
    assert.are.equal("x.H", calls[6][4].node_identifier)
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
    assert.is_truthy(assert(row:validate_existing_contract({
      table_contract = { physical = { table_name = "t" }, columns = { { name = "a", data_type = "text" } } },
    })))
    assert(row:delete())
    local missing, err = session.MetaTable.get(row.uid)
    assert.is_nil(missing)
    assert.are.equal(404, err.status)
    assert.is_nil((session.MetaTable.get_or_none(row.uid)))
  end)
end)
