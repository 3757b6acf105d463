-- JSON and array columns: index, path, containment, conversion; array literals.

local core = require("mainsequence.core")
local compiler = require("mainsequence.sql.compile_expression")
local expression = require("mainsequence.sql.expression")
local fault = require("mainsequence.sql.fault")
local operators = require("mainsequence.sql.operators")
local types = require("mainsequence.sql.types")
local values = require("mainsequence.sql.values")

local M = {}
local methods, new = expression.methods, expression.new
local visitors, by_operator = compiler.visitors.postgresql, compiler.by_operator.postgresql

local function eager(text, precedence, comparison)
  return operators.custom(text, { precedence = precedence, comparison = comparison, natural_self_precedent = true, eager = true })
end

local AS_TEXT, PATH_AS_TEXT, DELETE_PATH = eager("->>", 15), eager("#>>", 15), eager("#-", 15)
local HAS_KEY, HAS_ALL, HAS_ANY = eager("?", 5, true), eager("?&", 5, true), eager("?|", 5, true)
local PATH_EXISTS, PATH_MATCH = eager("@?", 5, true), eager("@@", 5, true)
local CONTAINS, CONTAINED_BY, OVERLAP = eager("@>", 5, true), eager("<@", 5, true), eager("&&", 5, true)

M.operators = { as_text = AS_TEXT, path_as_text = PATH_AS_TEXT, has_key = HAS_KEY, contains = CONTAINS,
  contained_by = CONTAINED_BY, overlap = OVERLAP, has_all = HAS_ALL, has_any = HAS_ANY, delete_path = DELETE_PATH,
  path_exists = PATH_EXISTS, path_match = PATH_MATCH }

local CONTAINERS = { JSON = true, ARRAY = true, Range = true, HSTORE = true, INET = true, CIDR = true }

local function check_type(element, method, wanted)
  if element.type.affinity ~= wanted then
    fault.raise(("%s is a method of %s columns"):format(method, wanted),
      wanted == "JSON" and "cast it: column:cast(types.JSONB {})" or nil)
  end
end

-- ---- Index --------------------------------------------------------------------------------------

local INDEX = types.named("JSONIndexType")

---An element of a document by name or number, of a document by a path { "a", "b", 1 }, of an array by number.
---@param key any
---@return mainsequence.sql.Element
function methods:index(key)
  local sqltype = self.type
  if sqltype.affinity == "JSON" then
    if type(key) == "table" and not expression.is_element(key) and not values.is_value(key) then
      local path = expression.bind_beside(self, core.array(table.move(key, 1, #key, 1, {})), types.json_path)
      return expression.binary(self, path, operators.json_path_getitem, sqltype)
    end
    local index = expression.is_element(key) and key or expression.bind_beside(self, key, INDEX)
    return expression.binary(self, index, operators.json_getitem, sqltype)
  elseif sqltype.affinity == "ARRAY" then
    local dimensions = sqltype.args.dimensions
    local result = (not dimensions or dimensions == 1) and sqltype.item or sqltype
    return expression.binary(self, expression.operand(key, self), operators.getitem, result)
  elseif sqltype.name == "HSTORE" then
    return expression.operate(self, eager("->", 15), key, nil, types.text)
  end
  fault.raise("index is a method of JSON and array columns")
end

---Elements first to last of an array.
---@param first any
---@param last any
---@return mainsequence.sql.Element
function methods:slice(first, last)
  check_type(self, "slice", "ARRAY")
  local base = type(self.key) == "string" and self.key or nil
  local range = new {
    kind = "slice", type = types.null, left = expression.expression(first, "slice", types.integer, base),
    right = expression.expression(last, "slice", types.integer, base),
  }
  return expression.binary(self, range, operators.getitem, self.type)
end

visitors.slice = function(c, element)
  c:visit(element.left)
  c.buffer[#c.buffer + 1] = ":"
  c:visit(element.right)
end

by_operator[operators.getitem] = function(c, element)
  c:visit(element.left)
  c.buffer[#c.buffer + 1] = "["
  c:visit(element.right)
  c.buffer[#c.buffer + 1] = "]"
end

---The element in a CAST, its inner side as text.
local function as_type(c, element, arrow)
  c.buffer[#c.buffer + 1] = "CAST("
  compiler.infix(c, element, arrow, true)
  c.buffer[#c.buffer + 1] = " AS " .. types.ddl_text(c.dialect, element.type) .. ")"
end

by_operator[operators.json_getitem] = function(c, element)
  if element.type.affinity ~= "JSON" then return as_type(c, element, " ->> ") end
  local left = element.left
  if not left.type.jsonb then return compiler.infix(c, element, " -> ", true) end
  if left.kind == "function" or left.kind == "cast" then left = expression.grouping(left) end
  c:visit(left)
  c.buffer[#c.buffer + 1] = "["
  c:visit(element.right)
  c.buffer[#c.buffer + 1] = "]"
end

by_operator[operators.json_path_getitem] = function(c, element)
  if element.type.affinity ~= "JSON" then return as_type(c, element, " #>> ") end
  compiler.infix(c, element, " #> ", true)
end

-- ---- JSON ---------------------------------------------------------------------------------------

local function check_index(element, method)
  local operator = element.kind == "binary" and element.operator
  if operator ~= operators.json_getitem and operator ~= operators.json_path_getitem then
    fault.raise(("%s is a method of an element of a document"):format(method),
      ("as in column:index(\"a\"):%s()"):format(method))
  end
end

---The element as text.
---@return mainsequence.sql.Element
function methods:astext()
  check_index(self, "astext")
  local operator = self.operator == operators.json_path_getitem and PATH_AS_TEXT or AS_TEXT
  return expression.binary(self.left, self.right, operator, types.text)
end

local function converted(element, sqltype, method)
  check_index(element, method)
  return new {
    kind = "binary", left = element.left, right = element.right, operator = element.operator, type = sqltype,
    negated = element.negated, modifiers = element.modifiers, boolean = element.boolean,
  }
end

for name, sqltype in next, { as_string = types.unicode, as_integer = types.integer, as_float = types.float,
  as_boolean = types.boolean } do
  methods[name] = function(self) return converted(self, sqltype, name) end
end

---@param precision integer
---@param scale integer
---@return mainsequence.sql.Element
function methods:as_numeric(precision, scale)
  return converted(self, types.resolve { name = "Numeric", args = { precision = precision, scale = scale } }, "as_numeric")
end

---@return mainsequence.sql.Element
function methods:as_json()
  check_index(self, "as_json")
  return self
end

for name, operator in next, { has_key = HAS_KEY, has_all = HAS_ALL, has_any = HAS_ANY, path_exists = PATH_EXISTS,
  path_match = PATH_MATCH } do
  methods[name] = function(self, value)
    if self.type.name ~= "HSTORE" then check_type(self, name, "JSON") end
    return expression.operate(self, operator, value, nil, types.boolean)
  end
end

---The document without the element at the path.
---@param path any
---@return mainsequence.sql.Element
function methods:delete_path(path)
  check_type(self, "delete_path", "JSON")
  if not expression.is_element(path) then path = M.array(path) end
  local texts = expression.cast(path, types.array_of(types.named("TEXT")))
  return expression.operate(self, DELETE_PATH, texts, nil, types.named("JSONB"))
end

-- ---- Containment --------------------------------------------------------------------------------

---Whether a document, array or range contains another; of text, whether it contains a text.
---@param value any
---@param options { escape: string?, autoescape: boolean? }?
---@return mainsequence.sql.Element
function methods:contains(value, options)
  if CONTAINERS[self.type.affinity] then return expression.operate(self, CONTAINS, value, nil, types.boolean) end
  return expression.search_contains(self, value, options)
end

for name, operator in next, { contained_by = CONTAINED_BY, overlap = OVERLAP } do
  methods[name] = function(self, value)
    if not CONTAINERS[self.type.affinity] then fault.raise(("%s is a method of JSON, array and range columns"):format(name)) end
    return expression.operate(self, operator, value, nil, types.boolean)
  end
end

-- ---- Arrays -------------------------------------------------------------------------------------

---ARRAY[a, b, …].
---@param members any[]
---@param options { type: table? }?
---@return mainsequence.sql.Element
function M.array(members, options)
  if type(members) ~= "table" or expression.is_element(members) then
    fault.raise(("array: a list is expected, got %s"):format(fault.show(members)))
  end
  options = options or {}
  fault.check_options("array", options, { "type", "type_" })
  local clauses = {}
  for position = 1, #members do clauses[position] = expression.expression(members[position], "array") end
  local given = options.type or options.type_
  local item = given and types.resolve(given) or clauses[1] and clauses[1].type or types.null
  return new { kind = "array", clauses = clauses, type = item.affinity == "ARRAY" and item or types.array_of(item) }
end

---A list compared with an array literal.
---@param array mainsequence.sql.Element
---@param members any[]
---@return mainsequence.sql.Element
function expression.bind_array(array, members)
  local clauses = {}
  for position = 1, #members do
    clauses[position] = expression.bind(nil, members[position], values.compared_type(array.type, members[position]))
  end
  return new { kind = "array", clauses = clauses, type = types.array_of(clauses[1] and clauses[1].type or types.null) }
end

expression.group_of.array = function(element, against)
  if against == operators.any or against == operators.all or against == operators.getitem then
    return expression.grouping(element)
  end
  return element
end

visitors.array = function(c, element)
  if #element.clauses == 0 and element.type.item ~= types.null then
    c.buffer[#c.buffer + 1] = "ARRAY[]::" .. types.ddl_text("postgresql", element.type)
    return
  end
  c.buffer[#c.buffer + 1] = "ARRAY["
  c:visit_list(element.clauses, ", ")
  c.buffer[#c.buffer + 1] = "]"
end

for name, collection in next, { any = operators.any, all = operators.all } do
  ---Whether any or all elements of the array compare so with the value: value = ANY (self).
  ---@param value any
  ---@param options { operator: string? }?
  methods[name] = function(self, value, options)
    check_type(self, name, "ARRAY")
    options = options or {}
    fault.check_options(name, options, { "operator" })
    local operator = options.operator or "eq"
    if type(operator) == "string" then operator = operators.by_name[operator] end
    if type(operator) ~= "table" or not operator.comparison then
      fault.raise(("%s: the name of a comparison is expected, got %s"):format(name, fault.show(options.operator)))
    end
    local left = expression.operand(value, self, self.type.item)
    local right = new { kind = "unary", operator = collection, element = expression.grouped(self, collection),
      type = types.boolean, collection = true }
    return expression.binary(left, right, operator, types.boolean)
  end
end

return M
