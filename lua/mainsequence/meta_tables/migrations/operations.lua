--- `op`: what a revision's upgrade(op) and downgrade(op) say. Each method builds an operation (data, in
--- the vocabulary of core/migration), has the core check it, and hands it to a sink, which runs, prints
--- or records it. What is wrong raises and blames the revision's line.

local core = require("mainsequence.core")
local elements = require("mainsequence.meta_tables.migrations.elements")
local fault = require("mainsequence.schema.fault")
local sqltext = require("mainsequence.schema.sqltext")
local type_calls = require("mainsequence.schema.types")

local M = {}

---@class mainsequence.migrations.Sink
---@field run fun(self: any, operation: table, place: mainsequence.Place?)
---@field bind fun(self: any, place: mainsequence.Place?): table the connection, or an error raised

-- ---- Helpers -----------------------------------------------------------------------------------

local function text(value, what, place)
  if type(value) ~= "string" or value == "" then
    fault.raise(place, ("%s is a string, got %s"):format(what, fault.show(value)))
  end
  return value
end

local function options_of(what, options, known, place)
  options = options or {}
  fault.check_options(place, "op:" .. what, options, known)
  return options
end

local function names(value, what, place)
  if type(value) == "string" then
    value = { value }
  end
  if type(value) ~= "table" or #value == 0 then
    fault.raise(place, ("%s: a list of column names is expected, got %s"):format(what, fault.show(value)))
  end
  local list = core.array({})
  for position, name in ipairs(value) do
    list[position] = text(name, ("%s: column %d"):format(what, position), place)
  end
  return list
end

local function copy(from, into, keys)
  for _, key in ipairs(keys) do
    into[key] = from[key]
  end
  return into
end

-- postgresql = { using = … } and postgresql_using = … say the same.
local function dialect_options(options, dialect, short)
  local result
  for key, value in next, options[dialect] or {} do
    result = result or {}
    result[key] = sqltext.text_of(value) or value
  end
  for _, key in ipairs(short) do
    local value = options[dialect .. "_" .. key]
    if value ~= nil then
      result = result or {}
      result[key] = sqltext.text_of(value) or value
    end
  end
  return result
end

local INDEX_SHORT = { "concurrently", "include", "nulls_not_distinct", "ops", "tablespace", "using", "where", "with" }

local function with_short(known, dialect, short)
  local list = { table.unpack(known) }
  list[#list + 1] = dialect
  for _, key in ipairs(short) do
    list[#list + 1] = dialect .. "_" .. key
  end
  return list
end

-- ---- Tables and columns ------------------------------------------------------------------------

---@type table<string, fun(place: mainsequence.Place?, ...: any): table, any>
local build = {}

function build.create_table(place, name, ...)
  local description, options = elements.table_description("op:create_table", { "if_not_exists" }, place, name, ...)
  return { table = description, if_not_exists = options.if_not_exists }, elements.table(description)
end

function build.drop_table(place, name, options)
  options = options_of("drop_table", options, { "schema", "if_exists" }, place)
  return { name = text(name, "op:drop_table: the table", place), schema = options.schema, if_exists = options.if_exists }
end

function build.rename_table(place, old_name, new_name, options)
  options = options_of("rename_table", options, { "schema" }, place)
  return {
    old_name = text(old_name, "op:rename_table: the old name", place),
    new_name = text(new_name, "op:rename_table: the new name", place), schema = options.schema,
  }
end

local ADD_COLUMN = { "schema", "if_not_exists", "insert_before", "insert_after" }

function build.add_column(place, table_name, column, options)
  options = options_of("add_column", options, ADD_COLUMN, place)
  if not elements.is(column) or column.role ~= "column" then
    fault.raise(place, ("op:add_column: a column is expected, got %s"):format(fault.show(column)),
      "write op.Column(\"name\", op.types.String { length = 16 })")
  end
  return copy(options, { table = text(table_name, "op:add_column: the table", place), column = column.item }, ADD_COLUMN)
end

function build.drop_column(place, table_name, column, options)
  options = options_of("drop_column", options, { "schema", "if_exists" }, place)
  return {
    table = text(table_name, "op:drop_column: the table", place), column = text(column, "op:drop_column: the column", place),
    schema = options.schema, if_exists = options.if_exists,
  }
end

local ALTER_COLUMN = {
  "autoincrement", "comment", "existing_comment", "existing_nullable", "existing_server_default", "existing_type",
  "new_column_name", "nullable", "postgresql_using", "schema", "server_default", "type",
}

function build.alter_column(place, table_name, column, options)
  local what = "op:alter_column"
  options = options_of("alter_column", options, ALTER_COLUMN, place)
  local operation = copy(options, {
    table = text(table_name, what .. ": the table", place), column = text(column, what .. ": the column", place),
    new_name = options.new_column_name,
  }, { "autoincrement", "existing_comment", "existing_nullable", "nullable", "postgresql_using", "schema" })
  operation.comment = options.comment == core.null and { drop = true } or options.comment
  for _, key in ipairs({ "type", "existing_type" }) do
    if options[key] ~= nil then
      operation[key] = elements.type_description(options[key], what .. ": " .. key, place)
    end
  end
  for _, key in ipairs({ "server_default", "existing_server_default" }) do
    if options[key] ~= nil then
      operation[key] = elements.altered_default(options[key], place)
    end
  end
  return operation
end

-- ---- Indexes -----------------------------------------------------------------------------------

local CREATE_INDEX = with_short(with_short({ "schema", "unique", "if_not_exists" }, "postgresql", INDEX_SHORT),
  "sqlite", { "where" })

local function index_elements(value, place)
  if type(value) ~= "table" or getmetatable(value) ~= nil then
    value = { value }
  end
  local list, plain = core.array({}), true
  for position, part in ipairs(value) do
    local described = part
    if type(part) ~= "table" or getmetatable(part) ~= nil then
      described = sqltext.index_element(part, place)
    end
    plain = plain and type(described) == "string"
    list[position] = described
  end
  if #list == 0 then
    fault.raise(place, "op:create_index needs at least one column")
  end
  return plain and "columns" or "expressions", list
end

function build.create_index(place, name, table_name, columns, options)
  options = options_of("create_index", options, CREATE_INDEX, place)
  local final
  name, final = elements.name(name, "op:create_index", place)
  local key, list = index_elements(columns, place)
  return copy(options, {
    name = name, name_final = final, table = text(table_name, "op:create_index: the table", place), [key] = list,
    postgresql = dialect_options(options, "postgresql", INDEX_SHORT), sqlite = dialect_options(options, "sqlite", { "where" }),
  }, { "schema", "unique", "if_not_exists" })
end

function build.drop_index(place, name, table_name, options)
  if type(table_name) == "table" and options == nil then
    table_name, options = nil, table_name
  end
  options = options_of("drop_index", options, with_short({ "schema", "if_exists" }, "postgresql", { "concurrently" }), place)
  local plain = elements.name(name, "op:drop_index", place)
  return {
    name = text(plain, "op:drop_index: the index", place),
    table = table_name ~= nil and text(table_name, "op:drop_index: the table", place) or nil,
    schema = options.schema, if_exists = options.if_exists,
    postgresql = dialect_options(options, "postgresql", { "concurrently" }),
  }
end

-- ---- Constraints -------------------------------------------------------------------------------

local KEY = with_short({ "schema", "deferrable", "initially" }, "postgresql", { "include", "nulls_not_distinct" })

local function key_constraint(what, place, name, table_name, columns, options)
  options = options_of(what, options, KEY, place)
  local plain, final = elements.name(name, "op:" .. what, place)
  return copy(options, {
    name = plain, name_final = final, table = text(table_name, ("op:%s: the table"):format(what), place),
    columns = names(columns, "op:" .. what, place),
    postgresql = dialect_options(options, "postgresql", { "include", "nulls_not_distinct" }),
  }, { "schema", "deferrable", "initially" })
end

function build.create_unique_constraint(place, ...)
  return key_constraint("create_unique_constraint", place, ...)
end

function build.create_primary_key(place, ...)
  return key_constraint("create_primary_key", place, ...)
end

function build.create_check_constraint(place, name, table_name, condition, options)
  local what = "op:create_check_constraint"
  options = options_of("create_check_constraint", options, with_short({ "schema" }, "postgresql", { "not_valid" }), place)
  local plain, final = elements.name(name, what, place)
  return {
    name = plain, name_final = final, table = text(table_name, what .. ": the table", place),
    sqltext = sqltext.sql(condition, what .. ": the condition", place), schema = options.schema,
    postgresql = dialect_options(options, "postgresql", { "not_valid" }),
  }
end

local FOREIGN_KEY = { "ondelete", "onupdate", "deferrable", "initially", "match", "source_schema", "referent_schema" }

function build.create_foreign_key(place, name, source, referent, columns, referred, options)
  local what = "op:create_foreign_key"
  options = options_of("create_foreign_key", options, with_short(FOREIGN_KEY, "postgresql", { "not_valid" }), place)
  local plain, final = elements.name(name, what, place)
  return copy(options, {
    name = plain, name_final = final, source_table = text(source, what .. ": the table", place),
    referred_table = text(referent, what .. ": the referred table", place), columns = names(columns, what, place),
    referred_columns = names(referred, what .. ": the referred table", place), referred_schema = options.referent_schema,
    postgresql = dialect_options(options, "postgresql", { "not_valid" }),
  }, { "ondelete", "onupdate", "deferrable", "initially", "match", "source_schema" })
end

local EXCLUDE = { "schema", "using", "where", "deferrable", "initially" }

function build.create_exclude_constraint(place, name, table_name, parts, options)
  local what = "op:create_exclude_constraint"
  options = options_of("create_exclude_constraint", options, EXCLUDE, place)
  local plain, final = elements.name(name, what, place)
  local operation = copy(options, {
    name = plain, name_final = final, table = text(table_name, what .. ": the table", place), elements = parts,
  }, EXCLUDE)
  operation.where = options.where ~= nil and sqltext.sql(options.where, what .. ": where", place) or nil
  return operation
end

function build.drop_constraint(place, name, table_name, kind, options)
  if type(kind) == "table" and options == nil then
    kind, options = nil, kind
  end
  options = options_of("drop_constraint", options, { "schema", "if_exists" }, place)
  local plain, final = elements.name(name, "op:drop_constraint", place)
  return {
    name = text(plain, "op:drop_constraint: the constraint", place), name_final = final, type = kind,
    table = text(table_name, "op:drop_constraint: the table", place), schema = options.schema,
    if_exists = options.if_exists,
  }
end

-- ---- Comments, SQL, rows -----------------------------------------------------------------------

function build.create_table_comment(place, table_name, comment, options)
  options = options_of("create_table_comment", options, { "schema", "existing_comment" }, place)
  return copy(options, { table = table_name, comment = comment }, { "schema", "existing_comment" })
end

function build.drop_table_comment(place, table_name, options)
  options = options_of("drop_table_comment", options, { "schema", "existing_comment" }, place)
  return copy(options, { table = table_name }, { "schema", "existing_comment" })
end

---Values stand for :name in the text; a colon that is none is written "\\:".
function build.execute(place, sql, values)
  local operation = { sql = sqltext.sql(sql, "op:execute: the statement", place) }
  if values ~= nil then
    if type(values) ~= "table" then
      fault.raise(place, ("op:execute takes a table of values by name, got %s"):format(fault.show(values)))
    end
    operation.binds = {}
    for _, name in ipairs(fault.sorted_keys(values)) do
      if type(name) ~= "string" then
        fault.raise(place, "op:execute takes values by name", "write :name in the statement and { name = … }")
      end
      operation.binds[name] = { value = values[name] }
    end
  else
    operation.plain_string = true
  end
  return operation
end

function build.bulk_insert(place, target, rows)
  if not elements.is(target) or target.role ~= "table" then
    fault.raise(place, ("op:bulk_insert: a table is expected, got %s"):format(fault.show(target)),
      "it is what op:create_table or op.table(\"name\", op.Column(…), …) gives")
  end
  if type(rows) ~= "table" then
    fault.raise(place, ("op:bulk_insert: a list of rows is expected, got %s"):format(fault.show(rows)))
  end
  local list = core.array({})
  for position, row in ipairs(rows) do
    list[position] = row
  end
  return { table = target.item, rows = list }
end

-- ---- The object --------------------------------------------------------------------------------

local Op = { __name = "mainsequence.op" }

function Op.__tostring()
  return "op"
end

local methods = {}

for name, builder in next, build do
  methods[name] = function(self, ...)
    local place = fault.here(1)
    if getmetatable(self) ~= Op then
      fault.raise(place, ("op:%s is a method"):format(name), ("write op:%s(…) with a colon"):format(name))
    end
    local operation, result = builder(place, ...)
    operation.op = name
    fault.blame(place, core.validate_operation_data, operation)
    local sink = rawget(self, "sink")
    sink:run(operation, place)
    return result
  end
end

---The connection of the migration, for revisions that read or move data.
function methods.get_bind(self)
  local place = fault.here(1)
  return (rawget(self, "sink"):bind(place))
end

-- Constructors are plain functions: op.Column("name", …), without a colon.
local function constructor(name, make)
  return function(...)
    local place = fault.here(1)
    if getmetatable((...)) == Op then
      fault.raise(place, ("op.%s is a function"):format(name), ("write op.%s(…) with a dot"):format(name))
    end
    local value = make(place, ...)
    return value
  end
end

local constructors = {
  Column = constructor("Column", elements.column),
  PrimaryKeyConstraint = constructor("PrimaryKeyConstraint", elements.primary_key),
  UniqueConstraint = constructor("UniqueConstraint", elements.unique),
  CheckConstraint = constructor("CheckConstraint", elements.check),
  ForeignKeyConstraint = constructor("ForeignKeyConstraint", elements.foreign_key),
  Index = constructor("Index", elements.index),
  table = constructor("table", function(place, name, ...)
    return elements.table((elements.table_description("op.table", {}, place, name, ...)))
  end),
  f = constructor("f", function(place, name)
    return elements.final_name(name, place)
  end),
  text = sqltext.text,
  func = sqltext.func,
  types = type_calls.types,
  null = core.null,
}

local members = {}
for _, group in ipairs({ methods, constructors }) do
  for name, value in next, group do
    members[name] = value
  end
end
local member_names = fault.sorted_keys(members)

function Op.__index(_, name)
  local member = members[name]
  if member == nil then
    fault.raise(fault.here(1), ("op has no operation %s"):format(fault.show(name)),
      fault.did_you_mean(name, member_names))
  end
  return member
end

function Op.__newindex(_, name)
  fault.raise(fault.here(1), ("op cannot be changed (%s)"):format(fault.show(name)))
end

---@param sink mainsequence.migrations.Sink
---@return table op
function M.new(sink)
  return setmetatable({ sink = sink }, Op)
end

return M
