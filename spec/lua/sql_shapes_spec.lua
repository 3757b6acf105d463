-- Statements of a known shape: what is compiled once for all of them must be what each would be compiled to.

package.path = "spec/golden/?.lua;spec/support/?.lua;" .. package.path

local core = require("mainsequence.core")
local schema = require("mainsequence.schema")
local shape = require("mainsequence.sql.shape")
local sql = require("mainsequence.sql")
local compiled_sql = require("mainsequence.meta_tables.compiled_sql.v1")
local constants = require("compiled_sql_cases.constants")
local random_statements = require("random_statements")
local suite = require("suite_compiled_sql")

local FOLDER = "spec/golden/compiled_sql/"
local SCOPE = { { meta_table_uid = "22222222-2222-4222-8222-222222222222" } }

local function read(name)
  local file = assert(io.open(FOLDER .. name, "r"))
  local text = file:read("a")
  file:close()
  return assert(core.json_decode(text))
end

local function compile(statement)
  return compiled_sql.compile_statement(statement, {
    operation = "select", scope_tables = SCOPE, data_source_uid = SCOPE[1].meta_table_uid, dialect = "postgresql",
    cartesian_warning = false,
  })
end

---What the call gives while no statement has a shape.
local function without_shapes(call, ...)
  local of = shape.of
  shape.of = function() return nil, {} end
  local results = table.pack(pcall(call, ...))
  shape.of = of
  return table.unpack(results, 1, results.n)
end

---Another value of the same kind.
local function changed(value, number)
  if math.type(value) == "integer" then return value + number end
  if type(value) == "number" then return value * 2 + number end
  if type(value) == "boolean" then return not value end
  if type(value) ~= "string" then return value end
  local uuid = value:match("^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-")
  return uuid and ("%s%012x"):format(uuid, number) or value .. number
end

---Gives every bound value of a statement another one, each unlike the others.
local function change_values(slots)
  for number, slot in ipairs(slots) do
    local value = rawget(slot, "value")
    if type(value) == "table" and getmetatable(value) == nil then
      for position = 1, #value do value[position] = changed(value[position], number * 10 + position) end
    else
      slot.value = changed(value, number)
    end
  end
end

local tables = suite.tables(FOLDER .. "tables.json")
local builders = require("compiled_sql_cases")

---All statements of the golden cases and of variations.json: what builds each.
local function statements()
  local list = {}
  for _, case in ipairs(read("cases.json")) do
    list[#list + 1] = { id = case.id, build = function() return builders[case.id](tables, sql) end }
  end
  for _, case in ipairs(read("variations.json")) do
    local build = assert(load("local t, sql, types, k = ...\n" .. case.lua, "=" .. case.id))
    list[#list + 1] = { id = case.id, build = function() return build(tables, sql, schema.types, constants) end }
  end
  return list
end

describe("shapes", function()
  setup(function() sql.on_warning(false) end)
  teardown(function() sql.on_warning(nil) end)

  it("give what compiling gives, for statements with other values", function()
    local compared = 0
    for _, case in ipairs(statements()) do
      local built, first = pcall(case.build)
      local key = built and type(first) == "table" and shape.of(first, nil, false)
      if key and pcall(compile, first) then
        local second = case.build()
        local again, slots = shape.of(second, nil, false)
        -- tables that a statement makes for itself are others each time
        if key == again then
          change_values(slots)
          local ok, operation = pcall(compile, second)
          local whole_ok, whole = without_shapes(compile, second)
          assert.are.equal(whole_ok, ok, case.id)
          assert.are.equal(whole_ok and core.json_encode(whole) or tostring(whole),
            ok and core.json_encode(operation) or tostring(operation), case.id)
          compared = compared + 1
        end
      end
    end
    assert.is_true(compared > 600, compared)
  end)

  it("hold for random statements", function()
    for seed = 1, 3 do
      local once = random_statements.generator(tables, random_statements.random(seed))
      local twice = random_statements.generator(tables, random_statements.random(seed))
      for position = 1, 300 do
        compile(once())
        local statement = twice()
        change_values(select(2, shape.of(statement, nil, false)))
        local ok, operation = pcall(compile, statement)
        local whole_ok, whole = without_shapes(compile, statement)
        assert.are.equal(whole_ok, ok, position)
        if ok then assert.are.equal(core.json_encode(whole), core.json_encode(operation), position) end
      end
    end
  end)

  it("tell a parameter that stands twice from two parameters", function()
    local t = tables.account
    local function pair(one, other) return sql.select(t.uid):where(one, other) end
    local function parameter() return sql.literal(sql.null) end
    local function twice(first, second)
      return pair(t.rank:gt(first), sql.func.coalesce(second, t.rank):is_not(sql.null))
    end
    local shared, condition, name = parameter(), t.rank:gt(3), sql.bindparam("rank", 3)
    for _, statement in ipairs {
      twice(parameter(), parameter()), twice(shared, shared), pair(t.rank:gt(3), t.rank:gt(3)), pair(condition, condition),
      pair(t.rank:gt(name), t.rank:lt(name)), pair(t.rank:gt(name), t.rank:lt(3)),
      sql.select(sql.func.lower(t.name), sql.func.lower(t.name)), sql.select(t.name, t.name),
    } do
      local text = compile(statement).statement
      local _, whole = without_shapes(compile, statement)
      assert.are.equal(core.json_encode(whole.statement), core.json_encode(text))
    end
    local lower = sql.func.lower(t.name)
    assert.are.not_equal(compile(sql.select(lower, lower)).statement.sql,
      compile(sql.select(sql.func.lower(t.name), sql.func.lower(t.name))).statement.sql)
  end)

  it("are forgotten in time, and compiled again", function()
    local t = tables.account
    local first = compile(sql.select(t.uid):where(t.rank:gt(1))).statement.sql
    for position = 1, 2500 do
      local statement = sql.select(t.uid):where(t.rank:gt(position)):set_label_style("none"):order_by(sql.text("x" .. position))
      local operation = compile(statement)
      assert.are.equal(position, operation.statement.parameters.rank_1)
    end
    assert.are.equal(first, compile(sql.select(t.uid):where(t.rank:gt(2))).statement.sql)
  end)

  it("are unlike where the text or the parameters are", function()
    local by_shape = {}
    for _, case in ipairs(statements()) do
      local built, statement = pcall(case.build)
      local key = built and type(statement) == "table" and shape.of(statement, nil, false)
      local ok, operation = without_shapes(compile, statement)
      if key and ok then
        local text = operation.statement.sql .. core.json_encode(core.keys(operation.statement.parameters))
        assert.are.equal(by_shape[key] or text, text, case.id)
        by_shape[key] = text
      end
    end
  end)
end)
