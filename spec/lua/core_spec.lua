-- The binding: documents in and out, errors, names, tables, DDL, connections.

local cjson = require("cjson")
local core = require("mainsequence.core")

local function raised(call, ...)
  local ok, err = pcall(call, ...)
  assert.is_false(ok)
  return err
end

local function message_of(call, ...)
  return tostring(raised(call, ...))
end

describe("documents", function()
  it("keep integers, floats, null, empty arrays and empty objects apart", function()
    local text = '{"i": 1, "f": 1.0, "n": null, "a": [], "o": {}, "t": "x", "b": false, "big": 9223372036854775807}'
    local value = assert(core.json_decode(text))
    assert.equal("integer", math.type(value.i))
    assert.equal("float", math.type(value.f))
    assert.equal(core.null, value.n)
    assert.equal(cjson.null, value.n)
    assert.is_true(core.is_array(value.a))
    assert.is_false(core.is_array(value.o))
    assert.equal(math.maxinteger, value.big)
    assert.equal(text, core.json_encode(value))
  end)

  it("keep the order of keys, also through pairs and when keys are added", function()
    local value = assert(core.json_decode('{"z": 1, "a": 2}'))
    value.m = 3
    assert.same({ "z", "a", "m" }, core.keys(value))
    local seen = {}
    for key in pairs(value) do seen[#seen + 1] = key end
    assert.same({ "z", "a", "m" }, seen)
    value.a = nil
    assert.equal('{"z": 1, "m": 3}', core.json_encode(value))
  end)

  it("sort the keys of plain tables", function()
    assert.equal('{"a": 1, "b": 2, "c": 3}', core.json_encode({ c = 3, a = 1, b = 2 }))
    assert.equal('{"b": 1, "a": 2}', core.json_encode(core.object("b", 1, "a", 2)))
  end)

  it("are written as Python writes them", function()
    assert.equal('["\\u00e9", "/", "\\u007f", "\\ud83d\\ude00"]', core.json_encode({ "é", "/", "\127", "😀" }))
    assert.equal("[1e-07, 1e+100, -0.0, 0.1, 1e+16]", core.json_encode({ 1e-07, 1e100, -0.0, 0.1, 1e16 }))
    assert.equal('["é"]', core.json_encode({ "é" }, { unicode = true }))
    assert.equal('{\n  "a": [\n    1\n  ]\n}', core.json_encode({ a = { 1 } }, { indent = true }))
  end)

  it("take what lua-cjson decoded, and its empty array", function()
    assert.equal('{"a": [1, null]}', core.json_encode(cjson.decode('{"a": [1, null]}')):gsub("1%.0", "1"))
    assert.equal("[]", core.json_encode(core.array()))
    assert.equal("{}", core.json_encode({}))
  end)

  it("refuse what JSON has not, naming the path", function()
    local cycle = {}
    cycle.a = { cycle }
    assert.matches("value%.a%[1%]", message_of(core.json_encode, cycle))
    assert.matches("value%.x", message_of(core.json_encode, { x = print }))
    assert.matches("value", message_of(core.json_encode, { 1, a = 2 }))
    assert.matches("value", message_of(core.json_encode, { 1, nil, 3 }))
    assert.matches("value%[1%]", message_of(core.json_encode, { 0 / 0 }))
    assert.matches("value%.s", message_of(core.json_encode, { s = "\255" }))
  end)

  it("tell where JSON text is wrong", function()
    local cases = { "", "{", '{"a": 1, "a": 2}', "[1e999]", "[9223372036854775808]", "[NaN]", "[1] x", '{"a": 01}' }
    for _, text in ipairs(cases) do
      local value, err = core.json_decode(text)
      assert.is_nil(value, text)
      assert.is_true(core.is_error(err))
      assert.equal("json", err.code)
    end
    local _, err = core.json_decode('{"limits": {"max_rows": 9223372036854775808}}')
    assert.matches("max_rows", err.message)
  end)

  it("are bounded in depth", function()
    local value, err = core.json_decode(("["):rep(300) .. ("]"):rep(300))
    assert.is_nil(value)
    assert.matches("200", err.message)
    local deep = {}
    local at = deep
    for _ = 1, 300 do at[1] = {}; at = at[1] end
    assert.matches("200", message_of(core.json_encode, deep))
  end)
end)

describe("errors", function()
  it("are objects with fields and a text", function()
    local err = core.error { code = "not_found", message = "no table 'x'", hint = "look again", status = 404 }
    assert.is_true(core.is_error(err))
    assert.is_false(core.is_error({ code = "x" }))
    assert.matches("no table 'x'", tostring(err))
    assert.matches("look again", tostring(err))
    assert.equal(404, err.status)
    assert.matches("^context: no table", "context: " .. err)
  end)

  it("refuse fields that they do not have", function()
    local err = raised(core.error, { code = "x", mesage = "m" })
    assert.matches("mesage", tostring(err))
    assert.matches("message", tostring(err))
    assert.matches("code", message_of(core.error, { message = "m" }))
  end)

  it("blame wrong arguments in Lua's own words", function()
    assert.matches("bad argument #1", message_of(core.slugify_identifier, 5))
    assert.matches("NUL", message_of(core.slugify_identifier, "a\0b"))
    assert.matches("UTF%-8", message_of(core.slugify_identifier, "\255"))
    assert.matches("unknown dialect 'mysql'", message_of(core.quote, "mysql", "a"))
  end)
end)

describe("system", function()
  it("makes uuids and digests", function()
    local uuid = core.uuid()
    assert.equal(uuid, core.normalize_uuid(uuid:upper():gsub("-", "")))
    assert.not_equal(uuid, core.uuid())
    assert.is_nil(core.normalize_uuid("no"))
    assert.equal("d41d8cd98f00b204e9800998ecf8427e", core.md5(""))
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", core.sha256("abc"))
  end)

  it("reads and writes times", function()
    assert.equal("1970-01-01T00:00:00.000000Z", core.format_time(0))
    assert.equal("1970-01-01T00:00:00Z", core.format_time(0, true))
    assert.equal("2026-05-28T10:30:00.500000Z", core.normalize_time("2026-05-28T12:30:00.5+02:00"))
    local time, err = core.normalize_time("2026-05-28T12:30:00")
    assert.is_nil(time)
    assert.is_true(core.is_error(err))
    assert.is_true(core.time() > 1.7e9)
  end)

  it("writes a file whole or not at all", function()
    local path = os.tmpname()
    assert.is_true(core.write_file(path, "a\0b"))
    local file = assert(io.open(path, "rb"))
    assert.equal("a\0b", file:read("a"))
    file:close()
    os.remove(path)
    local done, err = core.write_file("/nonexistent-folder/x", "y")
    assert.is_nil(done)
    assert.matches("/nonexistent%-folder/x", err.message)
  end)

  it("finds near misses", function()
    assert.equal("length", core.nearest("lenght", { "precision", "length" }))
    assert.is_nil(core.nearest("zzz", { "precision", "length" }))
  end)

  it("can be loaded again", function()
    local before = core.table { name = "t", columns = { { name = "a", type = { name = "Integer" } } } }
    package.loaded["mainsequence.core"] = nil
    local again = require("mainsequence.core")
    assert.not_equal(core, again)
    assert.equal("t", before:name())
    assert.is_true(again.is_error(core.error { code = "c", message = "m" }))
    package.loaded["mainsequence.core"] = core
  end)
end)

local function account()
  return core.table {
    name = "app__account", kind = "platform_managed", class_name = "Account", module = "app.models",
    meta = { namespace = "app" },
    columns = {
      { name = "uid", type = { name = "Uuid" }, primary_key = true },
      { name = "name", type = { name = "String", args = { length = 255 } }, nullable = false, index = true },
    },
  }
end

describe("tables", function()
  it("give their parts", function()
    local table = account()
    assert.equal("app__account", table:name())
    assert.is_nil(table:schema())
    assert.equal("platform_managed", table:kind())
    assert.same({ "ix__app__account__name" }, table:index_names())
    assert.equal("uid", table:describe().columns[1].name)
    assert.matches("app__account", tostring(table))
  end)

  it("give documents", function()
    local table = account()
    local contract = table:contract()
    assert.equal("relational-table.v1", contract.version)
    assert.is_nil(contract.indexes)
    assert.equal(1, #table:contract({ include = { "indexes" } }).indexes)
    assert.same(contract, core.normalize_contract(contract))
    local fingerprint, text = table:fingerprint()
    assert.matches("^mt_app_%x+$", fingerprint)
    assert.equal(fingerprint:match("%x+$"), core.md5(text))
    assert.not_equal(fingerprint, (table:fingerprint { include_table_name = false }))
    local request = table:registration_request { data_source_uid = "ds" }
    assert.equal("ds", request.data_source_uid)
    assert.equal("app__account", table:reservation_row {
      data_source_uid = "ds", migration_package = "app", migration_namespace = "app" }.identifier)
  end)

  it("refuse options that they do not have", function()
    local table = account()
    assert.matches("data_source_uid", message_of(table.registration_request, table, {}))
    assert.matches("'indexs'", message_of(table.contract, table, { include = { "indexs" } }))
    local err = raised(table.fingerprint, table, { namspace = "x" })
    assert.matches("namespace", tostring(err))
  end)

  it("refuse wrong declarations by name", function()
    local err = raised(core.table, { name = "t", columns = { { name = "a", type = { name = "Strin" } } } })
    assert.is_true(core.is_error(err))
    assert.matches("Strin", err.message)
    assert.matches("String", tostring(err))
    assert.matches("table expected", message_of(core.table, 5))
    assert.matches("item 1 is a number", message_of(core.create_all, "sqlite", { 5 }))
  end)

  it("compare", function()
    assert.equal(0, #core.compare_tables(account(), account(), "sqlite"))
    local other = core.table { name = "app__account",
      columns = { { name = "uid", type = { name = "Uuid" }, primary_key = true } } }
    local differences = core.compare_tables(account(), other, "postgresql")
    assert.equal("column_missing", differences[1].code)
  end)

  it("come out parents first", function()
    local function keyed(name, foreign_key)
      return core.table { name = name,
        columns = { { name = "id", type = { name = "Integer" }, primary_key = true, foreign_key = foreign_key } } }
    end
    local child = keyed("a_child", { referred_table = "z_parent", referred_columns = { "id" } })
    local parent = keyed("z_parent")
    local sorted = core.sort_tables { child, parent }
    assert.equal("z_parent", sorted[1]:name())
    assert.matches("^CREATE TABLE z_parent", (core.create_all("sqlite", { child, parent })[1]:gsub("^%s+", "")))
    assert.matches("a_child", core.drop_all("sqlite", { child, parent })[1])
  end)
end)

describe("types and text", function()
  it("have their SQL", function()
    assert.equal("VARCHAR(5)", core.type_text("postgresql", { name = "String", args = { length = 5 } }))
    assert.equal("CHAR(32)", core.type_text("sqlite", { name = "Uuid" }))
    assert.same({ "uuid", "UUID" }, { core.column_types { name = "Uuid" } })
    assert.equal('"Order"', core.quote("postgresql", "Order"))
    assert.equal("string", core.normalize_data_type("VARCHAR(3)"))
    assert.equal("1d", core.normalize_cadence(" 1D "))
    assert.matches("cadence", message_of(core.normalize_cadence, "1 fortnight"))
  end)

  it("bind and split", function()
    local text, names = core.from_pyformat("SELECT %(a)s, '%(b)s', %(a)s, 5 %% 2", "postgresql")
    assert.equal("SELECT $1, '%(b)s', $1, 5 % 2", text)
    assert.same({ "a" }, { table.unpack(names) })
    assert.equal(2, #core.split_statements("a; ';b'", "sqlite"))
    assert.matches("end", message_of(core.from_pyformat, "SELECT '", "sqlite"))
  end)
end)

describe("connections", function()
  local connection

  before_each(function()
    connection = assert(core.connect("sqlite://"))
    assert(connection:script("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB)"))
  end)
  after_each(function() connection:close() end)

  it("run statements with parameters by position and by name", function()
    local result = assert(connection:execute("INSERT INTO t VALUES (?1, ?2, ?3) RETURNING *",
      { 1, "é", { ["$bytes"] = "AAE=" } }))
    assert.equal('[{"id": 1, "name": "\\u00e9", "data": {"$bytes": "AAE="}}]', core.json_encode(result.rows))
    result = assert(connection:execute("SELECT name FROM t WHERE id = %(id)s AND %(id)s = 1", { id = 1 }))
    assert.equal("é", result.rows[1].name)
    result = assert(connection:execute("UPDATE t SET name = NULL"))
    assert.equal(1, result.affected)
    assert.equal(core.null, assert(connection:execute("SELECT name FROM t")).rows[1].name)
  end)

  it("give failures back as errors with a code", function()
    assert(connection:execute("INSERT INTO t (id, name) VALUES (1, 'a')"))
    local result, err = connection:execute("INSERT INTO t (id, name) VALUES (2, 'a')")
    assert.is_nil(result)
    assert.equal("database_constraint", err.code)
    result, err = connection:execute("SELECT %(a)s", { b = 1 })
    assert.is_nil(result)
    assert.matches("'b'", err.message)
    result, err = core.connect("sqlite:////nonexistent-folder/x.sqlite")
    assert.is_nil(result)
    assert.is_true(core.is_error(err))
    err = raised(core.connect, "mysql://x:secret@host/db")
    assert.matches("mysql", err.message)
    assert.not_matches("secret", tostring(err))
  end)

  it("have transactions", function()
    assert(connection:begin(true))
    assert.is_true(connection:in_transaction())
    assert(connection:execute("INSERT INTO t (id) VALUES (7)"))
    connection:rollback()
    assert.equal(0, #assert(connection:execute("SELECT * FROM t")).rows)
    assert(connection:begin())
    assert(connection:execute("INSERT INTO t (id) VALUES (7)"))
    assert(connection:commit())
    assert.equal(1, #assert(connection:execute("SELECT * FROM t")).rows)
  end)

  it("reflect", function()
    assert.same({ "t" }, { table.unpack(assert(connection:table_names())) })
    assert.equal("t", assert(connection:reflect_table("t")):name())
    assert.equal(1, #assert(connection:reflect()))
    assert(connection:script("CREATE VIEW v AS SELECT name FROM t"))
    assert.equal("v", assert(connection:dependents("t"))[1].name)
    local table, err = connection:reflect_table("nope")
    assert.is_nil(table)
    assert.equal("not_found", err.code)
  end)

  it("close once and say so", function()
    assert.matches("sqlite", tostring(connection))
    connection:close()
    connection:close()
    assert.matches("closed", tostring(connection))
    assert.matches("closed connection", message_of(connection.execute, connection, "SELECT 1"))
    do
      local scoped <close> = assert(core.connect("sqlite://"))
      assert(scoped:script("SELECT 1"))
    end
    assert.matches("mainsequence.connection expected", message_of(connection.execute, io.stdout, "SELECT 1"))
  end)
end)

describe("migration operations", function()
  it("know their SQL, their reverse and their risks", function()
    local operation = { op = "drop_table", name = "t" }
    assert.equal("DROP TABLE t", (core.render_operation(operation, "postgresql")[1]))
    assert.is_nil((core.reverse_operation(operation)))
    assert.is_true(#core.operation_risks(operation) > 0)
    assert.is_nil(core.operation_needs_table(operation, "postgresql"))
  end)

  it("are refused by name", function()
    assert.matches("drop_tabel", message_of(core.validate_operation_data, { op = "drop_tabel", name = "t" }))
  end)
end)

describe("the collector", function()
  it("may run at any time", function()
    local mode = collectgarbage("generational")
    for _ = 1, 200 do
      local table = account()
      assert(table:fingerprint())
      assert(core.json_decode(core.json_encode(table:contract())))
      collectgarbage("step")
    end
    collectgarbage(mode)
    collectgarbage()
  end)
end)
