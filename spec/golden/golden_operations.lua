-- Operations in the form of autogenerate.json: types and defaults are the dialect's text.

local core = require("mainsequence.core")

local M = {}

---A default as the dialect's text, without casts and parentheses: the reference shows what it reflected.
function M.default(value, dialect)
  if value == nil or value.drop or value.identity then return value end
  local text = value.text
  if not text then
    local one = core.table({ name = "t", naming_convention = false,
      columns = core.array({ { name = "c", type = "Integer", server_default = value } }) })
    text = core.create_all(dialect, core.array({ one }))[1]:match("DEFAULT (.-)\n%)$")
  end
  text = text:gsub("::[%w_ ]+%[?%]?$", "")
  return { text = text:match("^%((.*)%)$") or text }
end

---The reference's form of a column: types are the dialect's text, nullable is always said.
local function golden_column(column, dialect)
  return core.object("name", column.name, "type", core.type_text(dialect, column.type),
    "nullable", column.nullable == nil and not column.primary_key or column.nullable == true,
    "primary_key", column.primary_key, "server_default", M.default(column.server_default, dialect),
    "identity", column.identity, "computed", column.computed)
end

local CONSTRAINT_KEYS = { "columns", "sqltext", "referred_schema", "referred_table", "referred_columns", "ondelete", "onupdate",
  "deferrable", "initially", "match", "postgresql" }

---A constraint; with `type` inside a table, without its name inside drop_constraint.
function M.constraint(constraint, kind, unnamed)
  local out = core.object()
  if kind then out.type = kind end
  out.name = not unnamed and constraint.name or nil
  for _, key in ipairs(CONSTRAINT_KEYS) do out[key] = constraint[key] end
  return out
end

local LISTS = { { "unique_constraints", "unique" }, { "check_constraints", "check" }, { "foreign_keys", "foreign_key" } }

local function golden_table(one, dialect)
  local columns, constraints = core.array({}), core.array({})
  for position, column in ipairs(one.columns) do columns[position] = golden_column(column, dialect) end
  if one.primary_key then constraints[1] = M.constraint(one.primary_key, "primary_key") end
  for _, list in ipairs(LISTS) do
    for _, constraint in ipairs(one[list[1]] or {}) do
      constraints[#constraints + 1] = M.constraint(constraint, list[2])
    end
  end
  return core.object("op", "create_table", "table", one.name, "schema", one.schema, "columns", columns,
    "constraints", constraints, "comment", one.comment)
end

---One element as SQL text; operators and functions as the reference prints them.
local function expression_text(element)
  if type(element) == "string" then return element end
  local text = element.column or element.text
  if element.func then text = element.func .. "(" .. table.concat(element.args, ", ") .. ")" end
  return text .. (element.order == "desc" and " DESC" or "")
end

function M.index(op, operation, index, dialect)
  local out = core.object("op", op, "name", operation.name, "table", operation.table, "schema", operation.schema,
    "unique", index.unique == true, "columns", index.columns)
  if index.expressions then
    out.expressions = core.array({})
    for position, element in ipairs(index.expressions) do out.expressions[position] = { expr = expression_text(element) } end
  end
  local options = index[dialect]
  if options and next(options) then out[dialect] = options end
  return out
end

local FORMS = {}

function FORMS.create_table(operation, dialect) return golden_table(operation.table, dialect) end

function FORMS.drop_table(operation) return { op = "drop_table", table = operation.name, schema = operation.schema } end

function FORMS.add_column(operation, dialect)
  return { op = "add_column", table = operation.table, schema = operation.schema,
    column = golden_column(operation.column, dialect) }
end

function FORMS.drop_column(operation)
  return { op = "drop_column", table = operation.table, schema = operation.schema, column = operation.column }
end

function FORMS.alter_column(operation, dialect)
  local out = core.object()
  for _, key in ipairs(core.keys(operation)) do out[key] = operation[key] end
  for _, key in ipairs({ "type", "existing_type" }) do
    if out[key] then out[key] = core.type_text(dialect, out[key]) end
  end
  for _, key in ipairs({ "server_default", "existing_server_default" }) do
    local value = M.default(out[key], dialect)
    out[key] = not (key == "existing_server_default" and value and value.drop) and value or nil
  end
  if type(out.existing_comment) == "table" then out.existing_comment = nil end
  return out
end

function FORMS.create_index(operation, dialect) return M.index("create_index", operation, operation, dialect) end

function FORMS.drop_index(operation, dialect)
  return M.index("drop_index", operation, operation.existing_index, dialect)
end

function FORMS.drop_constraint(operation)
  return { op = "drop_constraint", name = operation.name, table = operation.table, schema = operation.schema,
    type = operation.type, constraint = M.constraint(operation.existing_constraint) }
end

local function create_constraint(operation)
  local out = M.constraint(operation)
  out.op, out.table, out.schema = operation.op, operation.table or operation.source_table,
    operation.schema or operation.source_schema
  return out
end

for _, op in ipairs({ "create_unique_constraint", "create_primary_key", "create_check_constraint", "create_foreign_key" }) do
  FORMS[op] = create_constraint
end

---Our operations in the reference's form.
function M.of(operations, dialect)
  local list = core.array({})
  for position, operation in ipairs(operations) do
    local form = FORMS[operation.op]
    list[position] = form and form(operation, dialect) or operation
  end
  return list
end

---The reference's operations with defaults and expressions in one form.
function M.normalized(operations, dialect)
  local list = core.array({})
  for position, operation in ipairs(operations) do
    local copy = core.object()
    for _, key in ipairs(core.keys(operation)) do copy[key] = operation[key] end
    for _, key in ipairs({ "server_default", "existing_server_default" }) do copy[key] = M.default(copy[key], dialect) end
    copy.autoincrement = nil -- a marker for MySQL
    if copy.expressions then
      copy.expressions = core.array({})
      for at, element in ipairs(operation.expressions) do
        copy.expressions[at] = { expr = (element.expr:gsub("::%w+", "")) }
      end
    end
    list[position] = copy
  end
  return list
end

---@return string[]? columns of a constraint
function M.columns(constraint) return constraint and constraint.columns end

return M
