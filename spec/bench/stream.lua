--- All rows of a table one by one: as a stream to C values and to Lua tables, through `local:` and HTTP, beside bare
--- libpq (single-row mode) and bare sqlite3, each a process of its own, in turn.
---
---     lua5.4 spec/bench/stream.lua [ROWS [ROUNDS]]        default: a million rows, three rounds
---
--- Six columns: bigint, text, double precision, bigint, timestamp with time zone, boolean. Prints for each side the least
--- microseconds a row, the ratio of rates to the bare database (median of the rounds; 1 is as fast), and peak memory.

local core = require("mainsequence.core")

local COLUMNS = "id, symbol, price, quantity, seen, active"
local SQL = ("SELECT %s FROM bench_rows"):format(COLUMNS)

-- ---- One reader, as a process of its own -----------------------------------------------------------

local function peak_kilobytes()
  for line in io.lines("/proc/self/status") do
    local size = line:match("^VmHWM:%s*(%d+)")
    if size then return tonumber(size) end
  end
end

if arg[1] == "read" then
  local endpoint, token, path = arg[2], arg[3], arg[4]
  local session = require("mainsequence.client.session").new { endpoint = endpoint,
    access_token = token ~= "" and token or nil }
  local file = assert(io.open(path, "r"))
  local operation = core.json_decode(file:read("a"))
  file:close()
  local MetaTable = require("mainsequence.client.meta_table").classes(session).methods
  assert(session:client())
  local begun, rows, sum = core.monotonic_ms(), 0, 0
  for row, err in MetaTable.iter_operation(operation) do
    assert(row, err)
    rows, sum = rows + 1, sum + row.quantity
  end
  assert(sum > 0)
  print(("%.6f %d %d"):format((core.monotonic_ms() - begun) / 1000, rows, peak_kilobytes()))
  return
end

-- ---- The table -------------------------------------------------------------------------------------

local postgresql = dofile("spec/support/postgresql.lua")
local serve = require("spec.support.serve")
local temporary = require("spec.support.temporary")

local ROWS, ROUNDS = math.tointeger(arg[1] or 1000000), math.tointeger(arg[2] or 3)
local FILL = {
  sqlite = [[CREATE TABLE bench_rows (id BIGINT PRIMARY KEY, symbol TEXT, price DOUBLE PRECISION, quantity BIGINT,
      seen TIMESTAMP WITH TIME ZONE, active BOOLEAN);
    INSERT INTO bench_rows WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < %d)
      SELECT n, 'SYM' || n %% 5000, n * 1.25, n * 7, '2024-02-29T08:00:00.000000Z', n %% 2 FROM r]],
  postgresql = [[CREATE TABLE bench_rows (id BIGINT PRIMARY KEY, symbol TEXT, price DOUBLE PRECISION, quantity BIGINT,
      seen TIMESTAMP WITH TIME ZONE, active BOOLEAN);
    INSERT INTO bench_rows SELECT n, 'SYM' || n %% 5000, n * 1.25, n * 7, '2024-02-29T08:00:00Z', n %% 2 = 1
      FROM generate_series(1, %d) AS n; ANALYZE bench_rows]],
}
local TYPES = { { "id", "int64", "BIGINT" }, { "symbol", "string", "TEXT" }, { "price", "float64", "DOUBLE PRECISION" },
  { "quantity", "int64", "BIGINT" }, { "seen", "timestamp with time zone", "TIMESTAMP WITH TIME ZONE" },
  { "active", "bool", "BOOLEAN" } }

local server = serve.start(temporary.folder())
local administration = require("mainsequence.client.session").new { endpoint = "local:" .. server.home }

local function post(path, body)
  return assert(administration:call("POST", "/orm/api/ts_manager/" .. path, { body = body }))
end

-- Where the rows are, for the bare database and for a TS Manager.
local function prepare(dialect)
  local path = server.folder .. "/bench.sqlite"
  local uri = dialect == "sqlite" and "sqlite:///" .. path or postgresql.database()
  local connection = assert(core.connect(uri))
  assert(connection:script(FILL[dialect]:format(ROWS)))
  connection:close()
  local source = post("data_sources/", dialect == "sqlite" and core.object("class_type", "sqlite", "path", path)
    or core.object("class_type", "postgresql", "uri", uri)).uid
  local columns = {}
  for i, column in ipairs(TYPES) do
    columns[i] = core.object("name", column[1], "data_type", column[2], "backend_type", column[3])
  end
  local uid = post("meta_table/register/", core.object("data_source_uid", source, "table_contract", core.object("version",
    "relational-table.v1", "physical", core.object("table_name", "bench_rows"), "columns", core.array(columns),
    "constraints", core.array({})), "identifier", "bench." .. dialect, "namespace", "bench", "labels", core.array({}),
    "management_mode", "external_registered", "introspect", true)).uid
  local operation = server.folder .. "/operation." .. dialect
  local file = assert(io.open(operation, "w"))
  file:write(core.json_encode(core.object("operation", "select", "dialect", dialect, "statement", core.object("sql", SQL,
    "parameters", core.object(), "paramstyle", "pyformat"), "scope", core.object("data_source_uid", source, "tables",
    core.array({ core.object("meta_table_uid", uid, "access", "read") })),
    "limits", core.object("statement_timeout_ms", 300000))))
  file:close()
  return dialect == "sqlite" and path or uri, operation
end

-- ---- Measuring -------------------------------------------------------------------------------------

local function run(command)
  local pipe = assert(io.popen(command, "r"))
  local seconds, rows, peak = (pipe:read("l") or ""):match("^(%S+) (%d+) (%d+)$")
  assert(pipe:close() and tonumber(rows) == ROWS, command)
  return tonumber(seconds), tonumber(peak)
end

local function measure(dialect, sides)
  for _ = 1, ROUNDS do
    for _, side in ipairs(sides) do
      local seconds, peak = run(side.command)
      side.times[#side.times + 1], side.peak = seconds, math.max(side.peak, peak)
    end
  end
  for _, side in ipairs(sides) do
    local ratios = {}
    for round, seconds in ipairs(side.times) do ratios[round] = sides[1].times[round] / seconds end
    table.sort(ratios)
    print(("%-10s  %-22s %6.2f us a row   %5.2f   %6.1f MB"):format(dialect, side.name,
      math.min(table.unpack(side.times)) / ROWS * 1e6, ratios[(#ratios + 1) // 2], side.peak / 1024))
  end
end

local build = os.getenv("MSEQ_BUILD") or "build"
local token = post("tokens/", core.object("name", "bench")).access
for _, dialect in ipairs({ "sqlite", "postgresql" }) do
  local place, operation = prepare(dialect)
  local bare = dialect == "sqlite" and "sqlite3" or "libpq"
  local function side(name, form, ...)
    return { name = name, command = form:format(...), times = {}, peak = 0 }
  end
  local c, lua = build .. "/spec/bench_stream client '%s' '%s' '%s'", "lua5.4 spec/bench/stream.lua read '%s' '%s' '%s'"
  measure(dialect, {
    side("bare " .. bare, build .. "/spec/bench_stream %s '%s' '%s'", bare, place, SQL),
    side("local: to C values", c, "local:" .. server.home, "", operation),
    side("HTTP to C values", c, server.url, token, operation),
    side("local: to Lua tables", lua, "local:" .. server.home, "", operation),
    side("HTTP to Lua tables", lua, server.url, token, operation),
  })
end
administration:close()
server:stop()
temporary.remove(server.folder)
