--- Operations as the lines of a revision: what autogenerate found, written as a person would.

local core = require("mainsequence.core")
local source = require("mainsequence.meta_tables.migrations.source")
local type_calls = require("mainsequence.schema.types")

local M = {}

-- Lines longer than this are broken where that can be done.
local WIDTH = 110

---@class mainsequence.migrations.Fields
---@field list { [1]: string, [2]: string }[]
local Fields = {}
Fields.__index = Fields

local function fields()
  return setmetatable({ list = {} }, Fields)
end

---Adds values of `from` that are there, in the order of `names`.
function Fields:copy(from, names)
  for _, name in ipairs(names) do
    if from[name] ~= nil then
      self:add(name, source.value(from[name]))
    end
  end
  return self
end

function Fields:add(name, text)
  if text ~= nil then
    self.list[#self.list + 1] = { name, text }
  end
  return self
end

function Fields:text()
  return source.fields(self.list)
end

-- ---- Pieces ------------------------------------------------------------------------------------

local function name_text(item)
  if item.name == nil then
    return "nil"
  end
  return item.name_final and ("op.f(%s)"):format(source.quote(item.name)) or source.quote(item.name)
end

local function default_text(default)
  if default.drop then
    return "op.null"
  elseif default.literal then
    return source.quote(default.literal)
  elseif default.text then
    return ("op.text(%s)"):format(source.quote(default.text))
  elseif default.func then
    local arguments = {}
    for position, argument in ipairs(default.args or {}) do
      arguments[position] = source.value(argument)
    end
    return ("op.func%s(%s)"):format(default.func:match("^[%a_][%w_]*$") and "." .. default.func
      or "[" .. source.quote(default.func) .. "]", table.concat(arguments, ", "))
  elseif default.bool ~= nil then
    return tostring(default.bool)
  elseif default.null then
    return "op.null"
  end
  return source.value(default)
end

local type_text

local function type_fields(described)
  local list = fields()
  local args = described.args or {}
  for _, name in ipairs(type_calls.arguments[described.name] or {}) do
    if args[name] ~= nil then
      list:add(name, name == "item" and type_text(args[name]) or source.value(args[name]))
    end
  end
  return list
end

local function variant_text(described)
  if not described.variant then
    return nil
  end
  local list = fields()
  for _, dialect in ipairs(core.keys(described.variant)) do
    list:add(dialect, type_text(described.variant[dialect]))
  end
  return list:text()
end

local function as_type(described)
  return type(described) == "string" and { name = described } or described
end

function type_text(described)
  described = as_type(described)
  local list = type_fields(described):add("variant", variant_text(described))
  return ("op.types.%s %s"):format(described.name, list:text() or "{}")
end

local ACTIONS = { "ondelete", "onupdate", "deferrable", "initially", "match", "use_alter" }

local function target_text(key, column)
  return (key.referred_schema and key.referred_schema .. "." or "") .. key.referred_table .. "." .. column
end

local function references_text(key)
  local options = fields():copy(key, ACTIONS):add("name", key.name and name_text(key) or nil)
  local target = source.quote(target_text(key, key.referred_columns[1]))
  local rest = options:text()
  return rest and "{ " .. target .. ", " .. rest:sub(3) or target
end

local function checks_text(checks)
  local parts = {}
  for position, check in ipairs(checks) do
    parts[position] = fields():copy(check, { "sqltext" }):add("name", check.name and name_text(check) or nil):text()
  end
  return source.list(parts)
end

---A column. What only the client does (its defaults, its info) stays out: it is not in the database.
local function column_text(column)
  local described = as_type(column.type)
  local list = type_fields(described)
  list:copy(column, { "primary_key", "nullable", "unique", "index" })
  local autoincrement = column.autoincrement
  if autoincrement == nil and column.primary_key and (column.default or column.onupdate) and not column.server_default then
    autoincrement = false -- a default of the client's keeps the key from being a serial one
  end
  if autoincrement ~= nil then
    list:add("autoincrement", source.value(autoincrement))
  end
  list:add("server_default", column.server_default and default_text(column.server_default))
  list:add("references", column.foreign_key and references_text(column.foreign_key))
  list:copy(column, { "identity", "computed" })
  list:add("checks", column.checks and checks_text(column.checks))
  list:copy(column, { "quote", "comment" })
  list:add("variant", variant_text(described))
  return ("op.Column(%s, op.types.%s %s)"):format(source.quote(column.name), described.name, list:text() or "{}")
end

local KEY_OPTIONS = { "deferrable", "initially", "postgresql" }

-- Where a line may be broken: before the options of a constraint. %q never writes the character itself.
local BREAK = "\0"

local function with_options(parts, options)
  local text = options:text()
  return table.concat(parts, ", ") .. (text and "," .. BREAK .. text or "")
end

local function fit(text)
  return (text:gsub(BREAK, #text <= WIDTH and " " or "\n    "))
end

local function quoted(columns)
  local parts = {}
  for position, column in ipairs(columns) do
    parts[position] = source.quote(column)
  end
  return parts
end

local function key_text(constructor, item)
  local options = fields():copy(item, KEY_OPTIONS):add("name", item.name and name_text(item) or nil)
  return ("%s(%s)"):format(constructor, with_options(quoted(item.columns), options))
end

local function check_text(item)
  local options = fields():copy(item, { "postgresql" }):add("name", item.name and name_text(item) or nil)
  return ("op.CheckConstraint(%s)"):format(with_options({ source.quote(item.sqltext) }, options))
end

local function foreign_key_text(item)
  local options = fields():copy(item, ACTIONS):add("name", item.name and name_text(item) or nil)
  local targets = {}
  for position, column in ipairs(item.referred_columns) do
    targets[position] = source.quote(target_text(item, column))
  end
  return ("op.ForeignKeyConstraint(%s)"):format(with_options({ source.names(item.columns), source.list(targets) }, options))
end

local function expression_text(expression)
  if type(expression) == "string" then
    return source.quote(expression)
  end
  if expression.text or expression.func then
    return default_text(expression)
  end
  return source.value(expression)
end

local function elements_text(item)
  local parts = {}
  for position, expression in ipairs(item.expressions or item.columns) do
    parts[position] = expression_text(expression)
  end
  return parts
end

local function index_text(item)
  local options = fields():copy(item, { "unique", "postgresql", "sqlite" })
    :add("name", item.name and name_text(item) or nil)
  return ("op.Index(%s)"):format(with_options(elements_text(item), options))
end

-- ---- Operations --------------------------------------------------------------------------------

-- name → the arguments of the call as source texts.
local arguments = {}

local TABLE_OPTIONS = { "schema", "comment", "prefixes", "postgresql", "sqlite" }
local TABLE_PARTS = {
  { "unique_constraints", function(item)
    return key_text("op.UniqueConstraint", item)
  end },
  { "check_constraints", check_text },
  { "foreign_keys", foreign_key_text },
  { "indexes", index_text },
}

function arguments.create_table(operation)
  local described = operation.table
  local list = { source.quote(described.name) }
  for _, column in ipairs(described.columns) do
    list[#list + 1] = column_text(column)
  end
  if described.primary_key then
    list[#list + 1] = key_text("op.PrimaryKeyConstraint", described.primary_key)
  end
  for _, part in ipairs(TABLE_PARTS) do
    for _, item in ipairs(described[part[1]] or {}) do
      list[#list + 1] = part[2](item)
    end
  end
  list[#list + 1] = fields():copy(described, TABLE_OPTIONS):copy(operation, { "if_not_exists" }):text()
  return list
end

local function plain(first, options)
  return function(operation)
    local list = {}
    for _, name in ipairs(first) do
      list[#list + 1] = operation[name] == nil and "nil" or source.value(operation[name])
    end
    list[#list + 1] = fields():copy(operation, options):text()
    return list
  end
end

arguments.drop_table = plain({ "name" }, { "schema", "if_exists" })
arguments.rename_table = plain({ "old_name", "new_name" }, { "schema" })
arguments.drop_column = plain({ "table", "column" }, { "schema", "if_exists" })
arguments.create_table_comment = plain({ "table", "comment" }, { "existing_comment", "schema" })
arguments.drop_table_comment = plain({ "table" }, { "existing_comment", "schema" })

function arguments.add_column(operation)
  return {
    source.quote(operation.table), column_text(operation.column),
    fields():copy(operation, { "schema", "if_not_exists", "insert_before", "insert_after" }):text(),
  }
end

local function droppable(value)
  if type(value) == "table" and value.drop then
    return "op.null"
  end
  return value ~= nil and source.value(value) or nil
end

function arguments.alter_column(operation)
  local list = fields()
  list:add("type", operation.type and type_text(operation.type))
  list:copy(operation, { "nullable" })
  list:add("server_default", operation.server_default and default_text(operation.server_default))
  list:add("comment", droppable(operation.comment))
  list:add("new_column_name", operation.new_name and source.quote(operation.new_name))
  list:add("existing_type", operation.existing_type and type_text(operation.existing_type))
  list:copy(operation, { "existing_nullable" })
  list:add("existing_server_default", operation.existing_server_default and default_text(operation.existing_server_default))
  list:copy(operation, { "existing_comment", "autoincrement", "postgresql_using", "schema" })
  return { source.quote(operation.table), source.quote(operation.column), list:text() }
end

function arguments.create_index(operation)
  return {
    name_text(operation), source.quote(operation.table), source.list(elements_text(operation)),
    fields():copy(operation, { "unique", "postgresql", "sqlite", "if_not_exists", "schema" }):text(),
  }
end

function arguments.drop_index(operation)
  return {
    name_text(operation), operation.table and source.quote(operation.table) or "nil",
    fields():copy(operation, { "postgresql", "if_exists", "schema" }):text(),
  }
end

local function key_arguments(operation)
  return {
    name_text(operation), source.quote(operation.table), source.names(operation.columns),
    fields():copy(operation, KEY_OPTIONS):copy(operation, { "schema" }):text(),
  }
end
arguments.create_unique_constraint = key_arguments
arguments.create_primary_key = key_arguments

function arguments.create_check_constraint(operation)
  return {
    name_text(operation), source.quote(operation.table), source.quote(operation.sqltext),
    fields():copy(operation, { "postgresql", "schema" }):text(),
  }
end

function arguments.create_foreign_key(operation)
  local list = fields():copy(operation, { "ondelete", "onupdate", "deferrable", "initially", "match" })
  list:copy(operation, { "postgresql", "source_schema" })
  list:add("referent_schema", operation.referred_schema and source.quote(operation.referred_schema))
  return {
    name_text(operation), source.quote(operation.source_table), source.quote(operation.referred_table),
    source.names(operation.columns), source.names(operation.referred_columns), list:text(),
  }
end

function arguments.create_exclude_constraint(operation)
  return {
    name_text(operation), source.quote(operation.table), source.value(operation.elements),
    fields():copy(operation, { "using", "where", "deferrable", "initially", "schema" }):text(),
  }
end

function arguments.drop_constraint(operation)
  return {
    name_text(operation), source.quote(operation.table), operation.type and source.quote(operation.type) or "nil",
    fields():copy(operation, { "if_exists", "schema" }):text(),
  }
end

function arguments.execute(operation)
  local list = fields()
  for _, name in ipairs(operation.binds and core.keys(operation.binds) or {}) do
    list:add(name, source.value(operation.binds[name].value))
  end
  return { source.quote(operation.sql), list:text() }
end

function arguments.bulk_insert(operation)
  local parts = { source.quote(operation.table.name) }
  for _, column in ipairs(operation.table.columns) do
    parts[#parts + 1] = column_text(column)
  end
  parts[#parts + 1] = fields():copy(operation.table, { "schema" }):text()
  return { ("op.table(%s)"):format(table.concat(parts, ", ")), source.value(operation.rows) }
end

---One operation as the lines of a call, without indentation.
---@param operation table
---@return string[]
function M.operation(operation)
  local list = arguments[operation.op](operation)
  local head = ("op:%s("):format(operation.op)
  local line = head .. table.concat(list, ", ") .. ")"
  if operation.op ~= "create_table" and #line <= WIDTH then
    return { line }
  end
  local lines = { head .. list[1] .. (#list > 1 and "," or ")") }
  if operation.op == "create_table" then
    for position = 2, #list do
      local text = fit("  " .. list[position] .. (position < #list and "," or ")"))
      for piece in text:gmatch("[^\n]+") do
        lines[#lines + 1] = piece
      end
    end
  elseif #list > 1 then
    lines[2] = "  " .. table.concat(list, ", ", 2) .. ")"
  end
  return lines
end

-- ---- The file ----------------------------------------------------------------------------------

local function body(function_name, operations)
  local uses_op = false
  for _, operation in ipairs(operations) do
    uses_op = uses_op or not operation.irreversible
  end
  local lines = { ("function R.%s(%s)"):format(function_name, uses_op and "op" or "_") }
  for _, operation in ipairs(operations) do
    if operation.irreversible then
      lines[#lines + 1] = ("  error(%s)"):format(source.quote(operation.irreversible))
    else
      for _, line in ipairs(M.operation(operation)) do
        lines[#lines + 1] = "  " .. line
      end
    end
  end
  lines[#lines + 1] = "end"
  return table.concat(lines, "\n")
end

local function empty_body(function_name)
  return ("function R.%s(op) -- luacheck: no unused args\nend"):format(function_name)
end

local function id_text(ids)
  if #ids == 0 then
    return nil
  end
  return #ids == 1 and source.quote(ids[1]) or source.names(ids)
end

---The text of a revision file.
---@param revision { revision: string, down_revisions: string[], branch_labels: string[]?, message: string }
---@param upgrade table[]? operations; nil leaves the functions for the author to write
---@param downgrade table[]?
---@return string
function M.revision(revision, upgrade, downgrade)
  local list = fields():add("revision", source.quote(revision.revision))
  list:add("down_revision", id_text(revision.down_revisions))
  list:add("branch_labels", id_text(revision.branch_labels or {}))
  list:add("depends_on", id_text(revision.depends_on or {}))
  list:add("message", source.quote(revision.message))
  local head = upgrade and "-- Written by comparing the models with the database. Read it before you run it.\n" or ""
  return ("%slocal R = %s\n\n%s\n\n%s\n\nreturn R\n"):format(head, list:text(),
    upgrade and body("upgrade", upgrade) or empty_body("upgrade"),
    downgrade and body("downgrade", downgrade) or empty_body("downgrade"))
end

return M
