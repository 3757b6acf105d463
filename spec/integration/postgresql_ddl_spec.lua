-- The golden data of DDL, operations and autogenerate, run on a real PostgreSQL server: what the data says the
-- database accepts it accepts, what it made is read back as what was meant, and nothing is left to do.

package.path = "spec/golden/?.lua;spec/?.lua;" .. package.path

local core = require("mainsequence.core")
local server = require("support.postgresql")
local database = require("postgresql_database")
local neutral = require("neutral_tables")

local function read(name)
  local file = assert(io.open("spec/golden/ddl/" .. name, "rb"))
  local cases = core.json_decode(file:read("a"))
  file:close()
  return cases
end

local function json(value) return core.json_encode(value) end

-- Where the data's own story cannot be run to its end, and why.
local UNFIT = {
  ["autoincrement/non_integer_pk"] = "NUMERIC keys are SERIAL, so the database holds an INTEGER (as the reference's)",
  ["create_table/use_alter_fk_is_lost"] = "ours adds the key that the reference loses; the table is a temporary one",
  ["types/int_to_int_array/pg"] = "seen by ours only; the author has to write how a number becomes an array",
}
local NO_WAY_BACK = {
  ["types/int_to_text/pg"] = "the author has to write how a text becomes a number (USING)",
}

---What operations are about: their text may differ where the database spells an expression its own way.
local function outline(operations)
  local lines = {}
  local function name_of(value) return type(value) == "table" and value.name or value or "" end
  for position, one in ipairs(operations) do
    lines[position] = ("%s %s %s"):format(one.op, name_of(one.table or one.source_table), name_of(one.name or one.column))
  end
  return table.concat(lines, "\n")
end

---Operations that lead from what the database holds to the models.
local function left_to_do(connection, models, options)
  return core.compare_schemas("postgresql", database.reflect(connection), models, options)
end

describe("on a PostgreSQL server", function()
  local connection

  setup(function() connection = database.open(server.database()) end)
  teardown(function() connection:close() end)
  before_each(function() database.reset(connection) end)

  local function make(neutral_list)
    local models = database.models(neutral_list)
    assert(database.script(connection, core.create_all("postgresql", models)))
    return models
  end

  for _, case in ipairs(read("ddl.json")) do
    local golden = case.postgresql
    if golden.executes == "ok" and not UNFIT[case.id] then
      it("ddl " .. case.id, function()
        local models = make(case.tables)
        assert.equal("[]", json(left_to_do(connection, models, { drop_unknown_tables = true })))
        if golden.drop_executes == "ok" then
          assert(database.script(connection, core.drop_all("postgresql", models)))
          assert.equal(0, #database.reflect(connection))
        end
      end)
    elseif golden.executes and golden.executes ~= "ok" then
      it("ddl " .. case.id .. " is refused", function()
        local ok = database.script(connection, core.create_all("postgresql", database.models(case.tables)))
        assert.is_nil(ok)
      end)
    end
  end

  for _, case in ipairs(read("ops.json")) do
    local golden = case.postgresql.direct
    if golden.executes == "ok" and not UNFIT[case.id] then
      it("operation " .. case.id, function()
        make(case.setup)
        local operation = { op = case.op }
        for key, value in pairs(case.args) do operation[key] = value end
        if case.op == "create_table" then operation.table = neutral.description(operation.table) end
        assert(database.run(connection, operation))
      end)
    end
  end

  for _, case in ipairs(read("autogenerate.json")) do
    if case.dialect == "postgresql" and case.apply == "ok" and not UNFIT[case.id] then
      it("autogenerate " .. case.id, function()
        local options = { drop_unknown_tables = case.include == "all", version_table = "alembic_version" }
        make(case.before)
        for _, statement in ipairs(case.before_sql or {}) do assert(connection:script(statement)) end
        local before, after = database.models(case.before), database.models(case.after)
        local found = database.reflect(connection)
        local upgrade = core.compare_schemas("postgresql", found, after, options)
        -- the database and the models it was made of are one
        assert.equal(outline(core.compare_schemas("postgresql", before, after, options)), outline(upgrade))
        for _, operation in ipairs(upgrade) do assert(database.run(connection, operation)) end
        assert.equal("[]", json(left_to_do(connection, after, options)))
        if NO_WAY_BACK[case.id] then return end
        for position = #upgrade, 1, -1 do
          assert(database.run(connection, assert(core.reverse_operation(upgrade[position]))))
        end
        assert.equal("[]", json(left_to_do(connection, found, options)))
      end)
    end
  end
end)
