-- Who may see what, over HTTP: on a catalog in SQLite and on one in PostgreSQL, with tables in either.

local commands = require("spec.support.command")
local core = require("mainsequence.core")
local postgresql = require("spec.support.postgresql")
local serve = require("spec.support.serve")

local BASE = "/orm/api/ts_manager/"
local TIME = "timestamp with time zone"

local function column(name, data_type, backend_type, nullable)
  return { name = name, data_type = data_type, backend_type = backend_type, nullable = nullable or false }
end

local function registration(source, name)
  return {
    data_source_uid = source, identifier = "spec." .. name, time_index_name = "at",
    description = "Where trades of " .. name .. " settle", labels = { "Shared" },
    provisioning = { create_table = true },
    table_contract = {
      table_kind = "time_indexed", physical = { table_name = name },
      authoring = { time_indexed = { time_index_name = "at", index_names = { "at", "asset" } } },
      columns = { column("at", TIME, "TIMESTAMP WITH TIME ZONE"), column("asset", "string", "VARCHAR(16)"),
        column("price", "float64", "FLOAT", true) },
    },
  }
end

local function insertion(source, dialect, uid, name)
  return {
    version = "compiled-sql.v1", operation = "insert", dialect = dialect,
    scope = { data_source_uid = source, tables = { { meta_table_uid = uid, access = "write" } } },
    statement = {
      sql = ("INSERT INTO %s (at, asset, price) VALUES (%%(a)s, 'A', 1.5), (%%(b)s, 'A', 2.5), (%%(a)s, 'B', 3.5)")
        :format(name),
      parameters = { a = "2026-03-01T00:00:00Z", b = "2026-03-02T00:00:00Z" },
      parameter_types = { a = TIME, b = TIME },
    },
  }
end

for _, kind in ipairs({ "sqlite", "postgresql" }) do
  describe("a TS Manager on HTTP with a catalog in " .. kind, function()
    local command, server, sources, users, environment

    lazy_setup(function()
      command = commands.new()
      environment = { MAINSEQUENCE_HOME = command.folder .. "/served" }
      if kind == "postgresql" then
        environment.MAINSEQUENCE_CATALOG = postgresql.database()
        command:json("manager upgrade", environment)
      end
      local file = assert(io.open(command.folder .. "/uri", "w"))
      file:write(postgresql.database(), "\n")
      file:close()
      os.execute(("chmod 600 '%s/uri'"):format(command.folder))
      sources = {
        sqlite = command:json("manager data-source add --class sqlite --path tables.sqlite --default", environment).uid,
        postgresql = command:json("manager data-source add --class postgresql --uri-file uri --fence parser_only",
          environment).uid,
      }
      server = serve.start(command.folder, nil, environment)
      users = {}
      for _, name in ipairs({ "owner", "viewer", "stranger" }) do
        local user = command:json("manager user add --no-password " .. name, environment)
        local token = command:json("manager token create spec --user " .. name, environment)
        users[name] = { id = user.id, client = assert(core.client { endpoint = server.url, access_token = token.access }) }
      end
    end)

    lazy_teardown(function()
      for _, user in pairs(users or {}) do user.client:close() end
      if server then server:stop() end
      command:remove()
    end)

    local function call(name, method, path, body, query)
      return users[name].client:call(method, BASE .. path, { body = body, query = query })
    end

    local function good(name, method, path, body, query)
      return assert(call(name, method, path, body, query))
    end

    local function refused(status, code, name, method, path, body)
      local reply, err = call(name, method, path, body)
      assert.is_nil(reply)
      assert.are.equal(status, err.status)
      if code then assert.are.equal(code, err.code) end
    end

    for _, dialect in ipairs({ "sqlite", "postgresql" }) do
      it("keeps tables in " .. dialect .. " to those who may see them", function()
        local name = "prices_" .. dialect
        local uid = good("owner", "POST", "dynamic_table/register/", registration(sources[dialect], name)).uid
        local table = "dynamic_table/" .. uid .. "/"
        assert.are.equal(3, good("owner", "POST", "meta_table/execute-operation/",
          insertion(sources[dialect], dialect, uid, name)).row_count)
        local reads = {
          { "GET", "" }, { "GET", "get-stats/" }, { "POST", "get_last_observation/", core.object() },
          { "POST", "get_data_between_dates_from_remote/", core.object("start_date", 1772323200.0) },
          { "GET", "can-view/" }, { "GET", "schema-graph/" },
        }
        for _, read in ipairs(reads) do
          good("owner", read[1], table .. read[2], read[3])
          refused(404, "not_found", "stranger", read[1], table .. read[2], read[3])
          refused(404, "not_found", "viewer", read[1], table .. read[2], read[3])
        end
        good("owner", "POST", table .. "add-to-view/", { user_id = users.viewer.id })
        for _, read in ipairs(reads) do good("viewer", read[1], table .. read[2], read[3]) end
        refused(403, "edit_required", "viewer", "PATCH", table, { description = "mine" })
        refused(403, "edit_required", "viewer", "POST", "meta_table/execute-operation/",
          insertion(sources[dialect], dialect, uid, name))
        refused(403, "edit_required", "viewer", "POST", table .. "delete_after_date/",
          { after_date = "2026-03-02T00:00:00Z" })
        local function count(...) return #good(...).results end
        for _, query in ipairs({ "SETTLE trades " .. name, "ric" }) do
          assert.are.equal(0, count("stranger", "POST", "dynamic_table/description-search/", { q = query }))
          assert.is_true(count("viewer", "POST", "dynamic_table/description-search/", { q = query }) > 0)
        end
        assert.are.equal(0, count("stranger", "GET", "dynamic_table/column-search/", nil, { q = "pric" }))
        assert.are.equal(0, count("stranger", "GET", "dynamic_table/"))
        assert.are.equal(1, count("viewer", "GET", "dynamic_table/", nil, { physical_table_name = name }))
        refused(409, "name_unavailable", "stranger", "POST", "dynamic_table/register/",
          registration(sources[dialect], name))
      end)

      it("reads and cuts data in " .. dialect, function()
        local name = "series_" .. dialect
        local uid = good("owner", "POST", "dynamic_table/register/", registration(sources[dialect], name)).uid
        local table = "dynamic_table/" .. uid .. "/"
        good("owner", "POST", "meta_table/execute-operation/", insertion(sources[dialect], dialect, uid, name))
        local last = good("owner", "POST", table .. "get_last_observation/", core.object())
        assert.are.same({ 2.5, 3.5 }, { last[1].price, last[2].price })
        assert.are.equal("2026-03-02T00:00:00.000000Z", last[1].at)
        local range = good("owner", "POST", table .. "get_data_between_dates_from_remote/", {
          dimension_range_map = { { coordinate = { asset = "A" }, start_date = 1772323200, start_date_operand = ">" } },
        })
        assert.are.equal(1, #range.results)
        assert.are.equal(core.null, range.next_offset)
        local stats = good("owner", "GET", table .. "get-stats/")
        assert.are.equal("2026-03-02T00:00:00.000000Z", stats.index_progress.A)
        assert.are.equal("2026-03-01T00:00:00.000000Z", stats.global_index_progress.min)
        local cut = good("owner", "POST", table .. "delete_after_date/", { after_date = "2026-03-02T00:00:00+00:00" })
        assert.are.equal(1, cut.deleted_count)
        assert.is_false(cut.table_empty)
      end)
    end
  end)
end
