-- Every recorded request of the Python SDK that a TS Manager can answer is sent to ours; it would accept each reply.

local client = require("mainsequence.client")
local core = require("mainsequence.core")
local serve = require("spec.support.serve")
local strictness = dofile("spec/support/strictness.lua").load()
local temporary = dofile("spec/support/temporary.lua")

local function recorded(path)
  local file = assert(io.open(path, "rb"))
  local document = assert(core.json_decode(file:read("a")))
  file:close()
  return document.scenarios or document
end

-- The uids of the recordings → those of our TS Manager.
local function replaced(value, uids)
  if type(value) == "string" then return uids[value] or value end
  if type(value) ~= "table" then return value end
  local copy = core.is_array(value) and core.array({}) or core.object()
  for position, item in ipairs(core.is_array(value) and value or {}) do copy[position] = replaced(item, uids) end
  for _, key in ipairs(core.is_array(value) and {} or core.keys(value)) do copy[key] = replaced(value[key], uids) end
  return copy
end

local TABLES = {
  ["ac000000-0000-4000-8000-000000000001"] = "golden_demo__account",
  ["a5000000-0000-4000-8000-000000000002"] = "golden_demo__asset",
  ["ee000000-0000-4000-8000-000000000009"] = "alembic_version",
}
local HOLDINGS = "1d000000-0000-4000-8000-000000000003"
local DATA_SOURCE, PROJECT = "d5000000-0000-4000-8000-000000000001", "f0000000-0000-4000-8000-00000000000f"

-- Makes sure that the recordings' tables are there, and gives their uids.
local function known_tables(session, uids)
  for uid, name in pairs(TABLES) do
    local row = assert(session.MetaTable.register {
      data_source_uid = uids[DATA_SOURCE], management_mode = "platform_managed", namespace = "golden-demo", identifier = name,
      table_contract = { physical = { table_name = name }, columns = {
        { name = "uid", data_type = "uuid", nullable = false, primary_key = true }, { name = "code", data_type = "string" },
      } }, provisioning = { create_table = true, if_not_exists = true },
    })
    uids[uid] = row.uid
  end
  uids[HOLDINGS] = assert(session.TimeIndexMetaTable.register {
    data_source_uid = uids[DATA_SOURCE], namespace = "golden-demo", identifier = "golden_demo__account_holdings",
    time_index_name = "time_index", cadence = "1d", table_contract = {
      physical = { table_name = "golden_demo__account_holdings" }, columns = {
        { name = "time_index", data_type = "timestamp with time zone", nullable = false },
        { name = "account_uid", data_type = "uuid", nullable = false }, { name = "quantity", data_type = "float64" },
      }, authoring = { time_indexed = { time_index_name = "time_index", index_names = { "time_index", "account_uid" } } },
    },
  }).uid
end

-- Routes outside of our protocol: local sources of the SDK, update nodes, schedulers, constants, job runs; and logins,
-- which a TS Manager in this process does not need.
local OUTSIDE = { "^/auth/", "^/user/", "/local_time_serie", "/scheduler/", "/api/constants", "/job%-run/", "/pods/data_source/",
  "/get_or_create_sqlite/", "/get_or_create_duck_db/", "/runtime%-credentials/", "/pods/projects/$", "/update_or_create/$",
  "/get_or_create/$" }

local function is_answered(path)
  for _, pattern in ipairs(OUTSIDE) do
    if path:find(pattern) then return false end
  end
  return true
end

local function decoded(raw_query)
  local pairs_of = core.array({})
  for name, value in raw_query:gmatch("([^&=]+)=([^&]*)") do
    local function plain(text)
      return (text:gsub("+", " "):gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
    end
    pairs_of[#pairs_of + 1] = core.array({ plain(name), plain(value) })
  end
  return pairs_of
end

local function send(session, request, uids)
  local path = request.path:gsub("[%x]+%-%x+%-%x+%-%x+%-%x+", uids)
  local options = { accept = request.path:find("finalize%-managed/$") and 409 or nil }
  if request.raw_query ~= "" then options.query = replaced(decoded(request.raw_query), uids) end
  if request.body_kind == "json" then options.body = replaced(request.body, uids) end
  if type(options.body) == "table" and options.body.user_id then
    -- the only user there is
    local table_uid = path:match("/([%x-]+)/[%w-]+/$")
    options.body.user_id = assert(session.MetaTable.can_view(table_uid)).users[1].id
  end
  if request.body_kind == "text" then options.text = request.body end
  return path, assert(session:client()):call(request.method, path, options)
end

-- The same request is sent once.
local function requests_of(file)
  local list, seen = {}, {}
  for _, case in ipairs(recorded(file)) do
    for _, exchange in ipairs(case.exchanges or {}) do
      local request = exchange.request
      local key = core.json_encode(core.array({ request.method, request.path, request.raw_query, request.body }))
      if not seen[key] and is_answered(request.path) then
        seen[key] = true
        list[#list + 1] = { case.id, request }
      end
    end
  end
  return list
end

describe("the replies of the TS Manager", function()
  local folder, session, uids, server

  local function use(opened)
    session, uids = opened, {}
    local project = assert(session.Project.list())[1]
    uids[PROJECT], uids[DATA_SOURCE] = project.uid, project.data_source.uid
  end

  before_each(function()
    folder = temporary.folder()
  end)
  after_each(function()
    session:close()
    if server then server:stop() end
    server = nil
    temporary.remove(folder)
  end)

  -- A session over HTTP, as the user of the served TS Manager.
  local function serve_it()
    server = serve.start(folder)
    local process = assert(io.popen(("MAINSEQUENCE_HOME='%s' lua5.4 rocks/bin/mainsequence manager token create spec 2>'%s/err'")
      :format(server.home, folder)))
    local token = process:read("l")
    assert(process:close() and token, temporary.read(folder .. "/err"))
    return client.connect({ endpoint = server.url, access_token = token })
  end

  -- Problems of the replies to all requests of a file, and how many were answered with success.
  local function problems_of(file)
    local problems, good = {}, 0
    for _, entry in ipairs(requests_of(file)) do
      local id, request = table.unpack(entry)
      known_tables(session, uids)
      local path, body, status = send(session, request, uids)
      if body == nil and core.is_error(status) then
        if not status.status or status.status >= 500 or status.message == "" then
          problems[#problems + 1] = ("%s: %s"):format(id, tostring(status))
        end
      else
        good = good + 1
        for _, problem in ipairs(strictness:check(request.method, path, status, body)) do
          problems[#problems + 1] = ("%s: %s %s: %s"):format(id, request.method, path, problem)
        end
      end
    end
    return problems, good
  end

  it("to the recorded calls are such that the SDK accepts them", function()
    use(client.connect({ endpoint = "local:" .. folder .. "/home" }))
    local problems, good = problems_of("spec/golden/wire/transcripts.json")
    assert.are.equal("", table.concat(problems, "\n"))
    assert.is_true(good > 100, ("only %d requests were answered with success"):format(good))
  end)

  it("to the recorded migrations are such that the SDK accepts them", function()
    use(client.connect({ endpoint = "local:" .. folder .. "/home" }))
    local problems, good = problems_of("spec/golden/wire/migrations.json")
    assert.are.equal("", table.concat(problems, "\n"))
    assert.is_true(good > 10, ("only %d requests were answered with success"):format(good))
  end)

  it("are such that the SDK accepts them over HTTP, too", function()
    use(serve_it())
    local problems, good = problems_of("spec/golden/wire/transcripts.json")
    assert.are.equal("", table.concat(problems, "\n"))
    assert.is_true(good > 100, ("only %d requests were answered with success"):format(good))
  end)
end)

describe("the checker of replies", function()
  it("refuses what the SDK's models refuse", function()
    local row = { management_mode = "platform_managed", physical_table_name = "t" }
    local path = "/orm/api/ts_manager/meta_table/u1/"
    assert.are.same({}, strictness:check("GET", path, 200, row))
    local function problem(key, value)
      local copy = core.object("management_mode", "platform_managed", "physical_table_name", "t")
      copy[key] = value
      return table.concat(strictness:check("GET", path, 200, copy), "\n")
    end
    assert.has_match("unknown key 'id'", problem("id", 5))
    assert.has_match("labels: null is not accepted", problem("labels", core.null))
    assert.has_match("provisioning_status: \"gone\" is none of", problem("provisioning_status", "gone"))
    assert.has_match("columns%[1%]: data_type is missing", problem("columns", core.array({ { name = "a" } })))
    assert.has_match("has no time zone", problem("columns", core.array({ { name = "a", data_type = "timestamp" } })))
    local incomplete = strictness:check("GET", path, 200, { physical_table_name = "t" })
    assert.has_match("management_mode is missing", table.concat(incomplete))
    assert.has_match("unknown key 'cadence'", problem("cadence", "1d"))
    assert.has_match("an empty reply", table.concat(strictness:check("GET", path, 200, nil)))
    assert.are.same({}, strictness:check("DELETE", path, 204, nil))
    assert.has_match("object_id", table.concat(strictness:check("GET", path .. "can-edit/", 200,
      { object_id = "u", object_type = "t", access_level = "edit" })))
    assert.are.same({}, strictness:check("POST", path .. "remove-team-from-edit/", 200, core.object()))
  end)
end)
