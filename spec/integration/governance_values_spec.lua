-- How values travel: each row of the table of values in core/manager/GOVERNANCE.md, there and back, on both databases. Each
-- value is stored in a column of its type, found by it, and read again.

local core = require("mainsequence.core")
local governed = require("spec.support.governed")

local NUL_FREE = "a\u{1F600}\u{10FFFF}é\n\t\\'\"%%$$ \u{FFFD}"

---Name, data type, backend type, type on SQLite, data type there.
local COLUMNS = {
  { "small", "int16", "SMALLINT" }, { "int", "int32", "INTEGER" }, { "big", "int64", "BIGINT" },
  { "exact", "numeric", "NUMERIC" }, { "single", "float32", "REAL" }, { "double", "float64", "DOUBLE PRECISION" },
  { "truth", "bool", "BOOLEAN" }, { "words", "string", "TEXT" }, { "id", "uuid", "UUID", "CHAR(36)" },
  { "day", "date", "DATE" }, { "clock", "time", "TIME" },
  { "moment", "timestamp with time zone", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP" },
  { "span", "interval", "INTERVAL", "TEXT" }, { "doc", "json", "JSON" }, { "docb", "jsonb", "JSONB", "JSON" },
  { "raw", "bytea", "BYTEA", "BLOB" }, { "list", "ARRAY", "INTEGER[]", "JSON", "json" },
  { "texts", "ARRAY", "TEXT[]", "JSON", "json" },
}

local array, object = core.array, core.object

---Column, value as given, value as read (nil: the same). `sqlite` and `postgresql` instead where they differ; `refused`: 400.
local VALUES = {
  { "small", 32767 }, { "small", -32768 }, { "int", 2147483647 }, { "int", -2147483648 }, { "int", 0 },
  { "big", math.maxinteger }, { "big", -math.maxinteger }, { "big", math.mininteger },
  { "big", "9223372036854775807", math.maxinteger }, { "big", "9223372036854775808", "refused" }, { "int", "1.5", "refused" },
  { "exact", 12 }, { "exact", "12", 12 }, { "exact", math.maxinteger }, { "exact", "-0.5", sqlite = -0.5, postgresql = "-0.5" },
  { "exact", "1.50", sqlite = 1.5, postgresql = "1.50" },
  { "exact", "0.00123456789012345", sqlite = 0.00123456789012345, postgresql = "0.00123456789012345" },
  { "exact", "1234567890.123456", sqlite = "refused", postgresql = "1234567890.123456" },
  { "exact", "9223372036854775808", sqlite = "refused", postgresql = "9223372036854775808" },
  { "exact", "-" .. ("7"):rep(60) .. "." .. ("3"):rep(60), sqlite = "refused",
    postgresql = "-" .. ("7"):rep(60) .. "." .. ("3"):rep(60) },
  { "exact", "NaN", sqlite = "refused", postgresql = "NaN" }, { "exact", "1e999", sqlite = "refused",
    postgresql = "1" .. ("0"):rep(999) }, { "exact", "twelve", "refused" },
  { "single", 1.5 }, { "single", -0.25 }, { "double", 0.1 }, { "double", 1e308 }, { "double", 5e-324 }, { "double", -2.5 },
  { "double", 1.0 }, { "double", "0.1", 0.1 }, { "double", 3, 3.0 }, { "double", "Infinity" }, { "double", "-Infinity" },
  { "double", "inf", "Infinity" }, { "double", "NaN", sqlite = "refused", postgresql = "NaN" }, { "double", "1e999", "refused" },
  { "truth", true }, { "truth", false }, { "truth", "true", true }, { "truth", "perhaps", "refused" },
  { "words", NUL_FREE }, { "words", "" }, { "words", "null" }, { "words", "2026-05-28" }, { "words", "a\0b", "refused" },
  { "id", "6f9619ff-8b86-d011-b42d-00c04fc964ff" }, { "id", "{6F9619FF8B86D011B42D00C04FC964FF}",
    "6f9619ff-8b86-d011-b42d-00c04fc964ff" }, { "id", "no uuid", "refused" },
  { "day", "2024-02-29" }, { "day", "0001-01-01" }, { "day", "9999-12-31" }, { "day", "2026-02-29", "refused" },
  { "clock", "23:59:59.123456" }, { "clock", "00:00:00" },
  { "moment", "2026-05-28T12:30:00Z", "2026-05-28T12:30:00.000000Z" },
  { "moment", "2026-05-28T12:30:00.000001+02:00", "2026-05-28T10:30:00.000001Z" },
  { "moment", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z" },
  { "moment", "9999-12-31T23:59:59.999999Z" }, { "moment", "28 May 2026", sqlite = "refused",
    postgresql = "2026-05-28T00:00:00.000000Z" },
  { "span", "P1Y2M3DT4H5M6S" }, { "span", "P1D" }, { "span", "PT0.5S" },
  { "doc", object("a", array { 1, 2.5, core.null, true, "x" }) }, { "doc", array {} }, { "doc", object() },
  { "doc", "[1, {\"a\": null}]", array { 1, object("a", core.null) } }, { "doc", "{", "refused" },
  { "docb", object("z", 1, "a", math.maxinteger), object("a", math.maxinteger, "z", 1) }, { "docb", array { array {} } },
  { "docb", "\"text\"", "text" }, { "docb", "{", "refused" },
  { "raw", "AP8=" }, { "raw", "" }, { "raw", "AAECAwQFBgc=" }, { "raw", "?!", "refused" },
  { "list", array { 1, 2, core.null } }, { "list", array {} }, { "list", array { 2147483647 } },
  { "texts", array { "a", "", "NULL", "{\"\\},", core.null, "\u{1F600}" } },
}
for _, column in ipairs(COLUMNS) do VALUES[#VALUES + 1] = { column[1], core.null } end

---JSON with the keys of objects in order: jsonb keeps its own, and SQLite what was given.
local function written(value)
  if type(value) ~= "table" then return core.json_encode(value) end
  local parts = {}
  if core.is_array(value) then
    for position, item in ipairs(value) do parts[position] = written(item) end
    return "[" .. table.concat(parts, ", ") .. "]"
  end
  for _, key in ipairs(core.keys(value)) do parts[#parts + 1] = core.json_encode(key) .. ": " .. written(value[key]) end
  table.sort(parts)
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function types_of(dialect)
  local list = {}
  for position, column in ipairs(COLUMNS) do
    list[position] = column[1] .. " " .. (dialect == "sqlite" and column[4] or column[3])
  end
  return table.concat(list, ", ")
end

for _, dialect in ipairs({ "sqlite", "postgresql" }) do
  describe("values on " .. dialect, function()
    local world
    local numbers = 0

    lazy_setup(function()
      world = governed.new(dialect, ("CREATE TABLE sample (n INTEGER PRIMARY KEY, %s)"):format(types_of(dialect)),
        { fence = "parser_only" })
      local columns = { { "n", "int32", "INTEGER" } }
      for position, column in ipairs(COLUMNS) do
        columns[position + 1] = { column[1], dialect == "sqlite" and column[5] or column[2], column[3] }
      end
      world:register("sample", columns, nil, true)
    end)
    lazy_teardown(function() world:close() end)

    for _, case in ipairs(VALUES) do
      local column, given = case[1], case[2]
      local expected = case[dialect]
      if expected == nil then expected = case[3] end
      if expected == nil then expected = given end
      local shown = written(given)

      it(("%s takes %s"):format(column, #shown > 60 and shown:sub(1, 60) .. "…" or shown), function()
        numbers = numbers + 1
        local insert = ("INSERT INTO sample (n, %s) VALUES (%%(n)s, %%(v)s)"):format(column)
        local parameters = object("n", numbers, "v", given)
        if expected == "refused" then
          local err = world:refused(400, nil, world:operation("insert", insert, parameters))
          assert.is_truthy(err.code == "bad_value" or err.code == "invalid_value" or err.code == "statement", err.code)
          return
        end
        world:run("insert", insert, parameters)
        local row = world:run("select", ("SELECT %s AS v FROM sample WHERE n = %d"):format(column, numbers)).rows[1]
        assert.are.equal(written(expected), written(row.v))
        assert.are.equal(math.type(expected), math.type(row.v))
      end)
    end
  end)
end
