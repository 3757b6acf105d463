-- Where the text is not SQLAlchemy's, because SQLAlchemy's cannot be executed. examples/query_language/README.md says
-- the same to users.

local core = require("mainsequence.core")
local schema = require("mainsequence.schema")
local sql = require("mainsequence.sql")
local compiled_sql = require("mainsequence.meta_tables.compiled_sql.v1")
local types = schema.types

describe("the text of statements", function()
  local metadata = schema.MetaData {}
  local Rate = schema.Table("Rate", { metadata = metadata, tablename = "rate" })
  Rate.id = types.Integer { primary_key = true }
  Rate["pct%"] = types.Float {}
  local Use = schema.Table("Use", { metadata = metadata, tablename = "use_of_rate" })
  Use.use_id = types.Integer { primary_key = true }
  Use.rate_id = types.Integer {}

  local UID = "22222222-2222-4222-8222-222222222222"
  local function compile(statement, operation, dialect)
    return compiled_sql.compile_statement(statement, { operation = operation, dialect = dialect, data_source_uid = UID,
      scope_tables = { { meta_table_uid = UID, access = operation == "select" and "read" or "write" } } }).statement
  end

  -- SQLAlchemy writes %(pctP)s and gives the value as "pct%" once the statement has an IN list.
  it("names a value as the parameters do, also beside an IN list", function()
    local statement = sql.update(Rate):values { ["pct%"] = 1.5 }:where(Rate["pct%"]:in_ { 1, 2 })
    for _, dialect in ipairs { "postgresql", "sqlite" } do
      local made = compile(statement, "update", dialect)
      assert.are.equal('UPDATE rate SET "pct%%"=%(pctP)s WHERE rate."pct%%" IN (%(pct_1_1)s, %(pct_1_2)s)', made.sql)
      assert.are.equal('{"pctP": 1.5, "pct_1_1": 1, "pct_1_2": 2}', core.json_encode(made.parameters))
      for name in made.sql:gmatch("%%%((.-)%)s") do assert.is_not_nil(made.parameters[name], name) end
    end
  end)

  -- SQLAlchemy writes FROM rate JOIN … ON … AS j, which is no SQL.
  it("puts the alias of a join behind parentheses", function()
    local join = sql.join(Rate, Use, Rate.id:eq(Use.rate_id)):alias("j")
    local joined = "(rate JOIN use_of_rate ON rate.id = use_of_rate.rate_id) AS j"
    for _, dialect in ipairs { "postgresql", "sqlite" } do
      assert.are.equal("SELECT j.use_id \nFROM " .. joined, compile(sql.select(join.c.use_id), "select", dialect).sql)
      local again = sql.select(Rate.id):select_from(sql.join(Rate, join, Rate.id:eq(join.c.rate_id)))
      assert.are.equal("SELECT rate.id \nFROM rate JOIN " .. joined .. " ON rate.id = j.rate_id",
        compile(again, "select", dialect).sql)
    end
  end)

  it("runs", function()
    local connection = assert(core.connect("sqlite://"))
    assert(connection:script([[
      CREATE TABLE rate (id INTEGER PRIMARY KEY, "pct%" REAL); INSERT INTO rate VALUES (1, 1.0), (2, 9.0);
      CREATE TABLE use_of_rate (use_id INTEGER PRIMARY KEY, rate_id INTEGER); INSERT INTO use_of_rate VALUES (7, 2);]]))
    local join = sql.join(Rate, Use, Rate.id:eq(Use.rate_id)):alias("j")
    local rows = assert(connection:execute(compile(sql.select(join.c.use_id), "select", "sqlite").sql)).rows
    assert.are.equal('[{"use_id": 7}]', core.json_encode(rows))
    connection:close()
  end)
end)
