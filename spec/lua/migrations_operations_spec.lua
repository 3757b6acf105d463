local core = require("mainsequence.core")
local operations = require("mainsequence.meta_tables.migrations.operations")
local render = require("mainsequence.meta_tables.migrations.render")
local schema = require("mainsequence.schema")
local sinks = require("mainsequence.meta_tables.migrations.sinks")

local function recorder()
  local list = {}
  return operations.new(sinks.recorder(list)), list
end

local function json(value)
  return core.json_encode(value, { sorted = true })
end

-- Runs Lua source with `op`, as a revision would.
local function run(source)
  local op, list = recorder()
  assert(load("local op = ...\n" .. source, "=revision"))(op)
  return list
end

local function failure(source)
  local op = recorder()
  local ok, err = pcall(assert(load("local op = ...\n" .. source, "=revision")), op)
  assert.is_false(ok)
  return tostring(err)
end

describe("op", function()
  it("builds operations in the vocabulary of the core", function()
    local cases = {
      { [[op:drop_table("t", { if_exists = true })]], [[{"if_exists": true, "name": "t", "op": "drop_table"}]] },
      { [[op:rename_table("a", "b")]], [[{"new_name": "b", "old_name": "a", "op": "rename_table"}]] },
      { [[op:add_column("t", op.Column("v", op.types.String { length = 16 }))]],
        [[{"column": {"name": "v", "type": {"args": {"length": 16}, "name": "String"}}, "op": "add_column", "table": "t"}]] },
      { [[op:drop_column("t", "v", { schema = "s" })]],
        [[{"column": "v", "op": "drop_column", "schema": "s", "table": "t"}]] },
      { [[op:alter_column("t", "v", { type = op.types.Text {}, nullable = false, server_default = op.null,
            comment = op.null, new_column_name = "w", existing_type = op.types.String {} })]],
        [[{"column": "v", "comment": {"drop": true}, "existing_type": {"name": "String"}, "new_name": "w", ]]
        .. [["nullable": false, "op": "alter_column", "server_default": {"drop": true}, ]]
        .. [["table": "t", "type": {"name": "Text"}}]] },
      { [[op:create_index(op.f("ix"), "t", { "a", op.func.lower("b") },
            { unique = true, postgresql_where = op.text("a > 0") })]],
        [[{"expressions": ["a", {"args": ["b"], "func": "lower"}], "name": "ix", "name_final": true, "op": "create_index", ]]
        .. [["postgresql": {"where": "a > 0"}, "table": "t", "unique": true}]] },
      { [[op:drop_index("ix", "t")]], [[{"name": "ix", "op": "drop_index", "table": "t"}]] },
      { [[op:create_unique_constraint(nil, "t", "a")]],
        [[{"columns": ["a"], "op": "create_unique_constraint", "table": "t"}]] },
      { [[op:create_primary_key("pk", "t", { "a", "b" })]],
        [[{"columns": ["a", "b"], "name": "pk", "op": "create_primary_key", "table": "t"}]] },
      { [[op:create_check_constraint("pos", "t", "a > 0")]],
        [[{"name": "pos", "op": "create_check_constraint", "sqltext": "a > 0", "table": "t"}]] },
      { [[op:create_foreign_key("fk", "t", "p", { "p_id" }, { "id" }, { ondelete = "CASCADE" })]],
        [[{"columns": ["p_id"], "name": "fk", "ondelete": "CASCADE", "op": "create_foreign_key", ]]
        .. [["referred_columns": ["id"], "referred_table": "p", "source_table": "t"}]] },
      { [[op:drop_constraint("fk", "t", "foreignkey")]],
        [[{"name": "fk", "op": "drop_constraint", "table": "t", "type": "foreignkey"}]] },
      { [[op:create_table_comment("t", "c")]], [[{"comment": "c", "op": "create_table_comment", "table": "t"}]] },
      { [[op:drop_table_comment("t")]], [[{"op": "drop_table_comment", "table": "t"}]] },
      { [[op:execute("DELETE FROM t")]], [[{"op": "execute", "plain_string": true, "sql": "DELETE FROM t"}]] },
      { [[op:execute("DELETE FROM t WHERE a = :a", { a = 1 })]],
        [[{"binds": {"a": {"value": 1}}, "op": "execute", "sql": "DELETE FROM t WHERE a = :a"}]] },
      { [[op:bulk_insert(op.table("t", op.Column("id", op.types.Integer {})), { { id = 1 } })]],
        [[{"op": "bulk_insert", "rows": [{"id": 1}], "table": {"columns": ]]
        .. [=[[{"name": "id", "type": {"name": "Integer"}}], "name": "t"}}]=] },
    }
    for _, case in ipairs(cases) do
      assert.are.equal(case[2], json(run(case[1])[1]))
    end
  end)

  it("builds tables of columns and constraints, and hands them on to bulk_insert", function()
    local list = run([[
      local t = op:create_table("t",
        op.Column("id", op.types.Integer { primary_key = true }),
        op.Column("p_id", op.types.Integer { references = { "p.id", ondelete = "CASCADE", name = op.f("fk1") } }),
        op.PrimaryKeyConstraint("id", { name = op.f("pk") }),
        op.UniqueConstraint("p_id", { name = "uq" }),
        op.CheckConstraint("id > 0", { name = op.f("ck") }),
        op.ForeignKeyConstraint({ "p_id" }, { "s.p.id" }, { name = op.f("fk2") }),
        op.Index("p_id"), { comment = "c", if_not_exists = true })
      op:bulk_insert(t, { { id = 1 } })]])
    local description = list[1].table
    assert.are.equal("pk", description.primary_key.name)
    assert.is_true(description.primary_key.name_final)
    assert.are.same({ "uq", nil }, { description.unique_constraints[1].name, description.unique_constraints[1].name_final })
    assert.is_true(description.check_constraints[1].name_final)
    assert.are.equal("s", description.foreign_keys[1].referred_schema)
    assert.are.equal("fk1", description.columns[2].foreign_key.name)
    assert.are.equal(1, #description.indexes)
    assert.are.equal("c", description.comment)
    assert.is_true(list[1].if_not_exists)
    assert.are.equal("t", list[2].table.name)
  end)

  it("blames the line of the revision, with hints", function()
    local cases = {
      { [[op:creat_table("t")]], "revision:2: op has no operation 'creat_table'.*did you mean 'create_table'" },
      { [[op.drop_table("t")]], "revision:2: op:drop_table is a method.*with a colon" },
      { [[op:Column("a", op.types.Text {})]], "revision:2: op.Column is a function.*with a dot" },
      { [[op:drop_table("t", { if_exist = true })]], "has no option 'if_exist'.*did you mean 'if_exists'" },
      { [[op:drop_table()]], "revision:2: op:drop_table: the table is a string, got nil" },
      { "\n\nop:add_column('t', 'v')", "revision:4: op:add_column: a column is expected, got 'v'.*op.Column" },
      { [[op:create_table("t", "v")]], "argument 2 is 'v', not a column" },
      { [[op:create_table("t", op.PrimaryKeyConstraint("a"), op.PrimaryKeyConstraint("b"))]], "two primary key" },
      { [[op:add_column("t", op.Column("v", op.types.Strin {}))]], "no type 'Strin'.*did you mean 'String'" },
      { [[op:alter_column("t", "v", { type = op.types.String { nullable = true } })]], "only the type counts" },
      { [[op:create_index(nil, "t", {})]], "at least one column" },
      { [[op:create_foreign_key("n", "t", "p", {}, { "id" })]], "list of column names" },
      { [[op:drop_constraint("n", "t", "uniq")]], "no type 'uniq'" },
      { [[op:execute("SELECT 1", { 1 })]], "by name" },
      { [[op:bulk_insert("t", {})]], "a table is expected, got 't'" },
      { [[op:execute("")]], "op:execute: the statement is SQL text" },
      { [[op.extra = 1]], "cannot be changed" },
      { [[op:get_bind()]], "needs the database" },
    }
    for _, case in ipairs(cases) do
      assert.has_match(case[2], failure(case[1]))
    end
  end)

  it("stays itself when a script wraps it", function()
    local list = run([[
      local function stamped(o, name) o:add_column(name, o.Column("created", o.types.DateTime { timezone = true })) end
      stamped(op, "a") stamped(op, "b")]])
    assert.are.equal("b", list[2].table)
  end)
end)

describe("render", function()
  -- What is written and read again must be the same operation.
  local function round_trip(source)
    local operation = run(source)[1]
    local text = table.concat(render.operation(operation), "\n")
    local again = run(text)[1]
    assert.are.equal(json(operation), json(again))
    assert.are.same(render.operation(operation), render.operation(again))
    return text
  end

  it("writes what it was built from", function()
    for _, source in ipairs({
      [[op:add_column("t", op.Column("v", op.types.String { length = 16, nullable = false, server_default = "it's \n x" }))]],
      [[op:add_column("t", op.Column("v", op.types.Numeric { precision = 10, scale = 2, server_default = op.text("0.0") }))]],
      [[op:add_column("t", op.Column("v", op.types.Boolean { server_default = true, comment = "c" }))]],
      [[op:add_column("t", op.Column("v", op.types.Enum { values = { "a", "b" }, name = "e", native_enum = false }))]],
      [[op:add_column("t", op.Column("v", op.types.ARRAY { item = op.types.String { length = 3 }, dimensions = 2 }))]],
      [[op:add_column("t", op.Column("v", op.types.JSON { variant = { postgresql = op.types.JSONB {} } }))]],
      [[op:add_column("t", op.Column("v", op.types.DatabaseType { text = "GEOMETRY(POINT)" }))]],
      [[op:add_column("t", op.Column("v",
          op.types.Integer { references = { "s.p.id", ondelete = "CASCADE", name = op.f("fk") } }))]],
      [[op:add_column("t", op.Column("v", op.types.Integer { identity = { always = true, start = 5 } }))]],
      [[op:add_column("t", op.Column("v", op.types.Integer { computed = { sqltext = "a + 1", persisted = true } }))]],
      [[op:add_column("t", op.Column("v", op.types.Integer { checks = { { sqltext = "v > 0", name = "pos" } }, quote = true }))]],
      [[op:alter_column("t", "v",
          { nullable = false, existing_type = op.types.VARCHAR { length = 3 }, existing_nullable = true })]],
      [[op:alter_column("t", "v", { server_default = op.null, existing_server_default = op.func.now() })]],
      [[op:alter_column("t", "v", { server_default = { identity = { always = true } } })]],
      [[op:create_index(op.f("ix"), "t", { "a", op.text("lower(b)") }, { unique = true, sqlite = { where = "a > 0" } })]],
      [[op:create_foreign_key(op.f("fk"), "t", "p", { "a", "b" }, { "a", "b" }, { match = "FULL", referent_schema = "s" })]],
      [[op:drop_constraint(op.f("uq"), "t", "unique")]],
      [[op:execute("UPDATE t SET a = :a", { a = op.null, b = 1.5 })]],
      [[op:bulk_insert(op.table("t", op.Column("id", op.types.Integer {})), { { id = 1 }, { id = op.null } })]],
      [[op:create_table_comment("t", "it's", { existing_comment = "x" })]],
    }) do
      round_trip(source)
    end
  end)

  it("writes names that Lua reserves", function()
    assert.has_match('%["end"%] = 1', round_trip([[op:execute("SELECT :end", { ["end"] = 1 })]]))
  end)

  it("writes a model's table so that a person can read it", function()
    local metadata = schema.MetaData { naming_convention = true }
    local Parent = schema.Table("app__p", { metadata = metadata })
    Parent.uid = schema.types.Uuid { primary_key = true }
    local Child = schema.Table("app__c", { metadata = metadata })
    Child.uid = schema.types.Uuid { primary_key = true }
    Child.parent = schema.types.Uuid { references = { Parent.uid, ondelete = "RESTRICT" }, nullable = false }
    assert.are.equal([[
op:create_table("app__c",
  op.Column("uid", op.types.Uuid { primary_key = true }),
  op.Column("parent", op.types.Uuid { nullable = false }),
  op.PrimaryKeyConstraint("uid", { name = op.f("pk__app__c") }),
  op.ForeignKeyConstraint({ "parent" }, { "app__p.uid" },
    { ondelete = "RESTRICT", name = op.f("fk__app__c__parent__app__p__uid") }))]],
      table.concat(render.operation({ op = "create_table", table = schema.describe(Child) }), "\n"))
  end)

  it("keeps a key from becoming serial when the client supplies it", function()
    local text = render.operation({ op = "add_column", table = "t", column = {
      name = "id", type = { name = "Integer" }, primary_key = true, default = { callable = true },
    } })
    assert.has_match("autoincrement = false", text[1])
  end)

  it("writes whole files, the same every time", function()
    local operation = run([[op:drop_column("t", "v")]])
    local text = render.revision({ revision = "0002", down_revisions = { "0001" }, message = "drop \"v\"" }, operation,
      { { irreversible = "drop_column cannot be taken back: the type is not known" } })
    assert.are.equal([[
-- Written by comparing the models with the database. Read it before you run it.
local R = { revision = "0002", down_revision = "0001", message = "drop \"v\"" }

function R.upgrade(op)
  op:drop_column("t", "v")
end

function R.downgrade(_)
  error("drop_column cannot be taken back: the type is not known")
end

return R
]], text)
    assert.are.equal([[
local R = { revision = "0003", down_revision = { "0002", "beef" }, message = "by hand" }

function R.upgrade(op) -- luacheck: no unused args
end

function R.downgrade(op) -- luacheck: no unused args
end

return R
]], render.revision({ revision = "0003", down_revisions = { "0002", "beef" }, message = "by hand" }))
  end)
end)
