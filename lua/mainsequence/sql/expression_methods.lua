-- The methods of expressions beside comparison and arithmetic: labels and order, LIKE and its family, IN,
-- BETWEEN, regular expressions, casts, own operators. Loaded by expression.lua, which hands itself over.

local core = require("mainsequence.core")
local fault = require("mainsequence.sql.fault")
local operators = require("mainsequence.sql.operators")
local types = require("mainsequence.sql.types")
local values = require("mainsequence.sql.values")

---@param M table mainsequence.sql.expression
local function install(M)
  local methods, new, is_element = M.methods, M.new, M.is_element

  -- ---- Names and order --------------------------------------------------------------------------

  ---element AS name; without a name one is found when the statement is compiled.
  ---@param name string|table|nil
  ---@param element mainsequence.sql.Element
  ---@param sqltype mainsequence.sql.Type?
  ---@return mainsequence.sql.Element
  function M.label(name, element, sqltype)
    while element.kind == "label" do element = element.element end
    name = name or { base = element.name or "anon" }
    element = M.grouped(element, operators.as)
    return new { kind = "label", name = name, key = name, element = element, type = sqltype or element.type,
      boolean = element.boolean }
  end

  ---element AS name. Without a name the statement finds one.
  ---@param name string?
  ---@return mainsequence.sql.Element
  function methods:label(name)
    if name ~= nil and (type(name) ~= "string" or name == "") then
      fault.raise(("label: a name is expected, got %s"):format(fault.show(name)))
    end
    return M.label(name, self)
  end

  ---What stands in ORDER BY, PARTITION BY and the like: an element, or the name of a label.
  ---@param value any
  ---@param clause string
  ---@return mainsequence.sql.Element
  function M.by(value, clause)
    local meta = getmetatable(value)
    if meta == M.Element then return value end
    if type(value) == "string" then return new { kind = "label_name", name = value, type = types.null } end
    local fixed = M.constant(value)
    if fixed then return fixed end
    if meta and meta.__sql_scalar then return meta.__sql_scalar(value) end
    fault.raise(("%s: an expression or the name of a label is expected, got %s"):format(clause, fault.show(value)))
  end

  for _, name in ipairs { "desc", "asc", "nulls_first", "nulls_last" } do
    local modifier = operators[name]
    local function modify(value)
      return new { kind = "modified", element = M.grouped(M.by(value, name), modifier), modifier = modifier, type = types.null }
    end
    methods[name], M[name] = modify, modify
  end

  -- ---- LIKE ---------------------------------------------------------------------------------------

  local function escape_of(options, what)
    if options == nil then return nil end
    if type(options) == "string" then options = { escape = options } end
    fault.check_options(what, options, { "escape", "autoescape" })
    local escape = options.escape
    if escape ~= nil and (type(escape) ~= "string" or utf8.len(escape) ~= 1) then
      fault.raise(("%s: escape must be one character, got %s"):format(what, fault.show(escape)))
    end
    return escape, options.autoescape
  end

  for _, name in ipairs { "like", "not_like", "ilike", "not_ilike" } do
    local operator = operators[name]
    ---@param pattern any
    ---@param options { escape: string? }?
    methods[name] = function(self, pattern, options)
      local escape = escape_of(options, name)
      return M.compare(self, operator, pattern, escape and { escape = escape } or nil)
    end
  end

  ---The text with its wildcards escaped.
  local function escaped(text, escape, what)
    if type(text) ~= "string" then
      fault.raise(("%s: autoescape needs a string, got %s"):format(what, fault.show(text)))
    end
    if escape ~= "%" and escape ~= "_" then text = text:gsub(escape:gsub("%p", "%%%0"), "%0%0") end
    return (text:gsub("[%%_]", function(wildcard) return escape .. wildcard end))
  end

  for _, name in ipairs { "startswith", "endswith", "istartswith", "iendswith", "contains", "icontains" } do
    local operator = operators[name]
    local function search(self, text, options)
      local escape, autoescape = escape_of(options, name)
      if autoescape then
        escape = escape or "/"
        text = escaped(text, escape, name)
      end
      return M.compare(self, operator, text, escape and { escape = escape } or nil)
    end
    ---@param text any
    ---@param options { escape: string?, autoescape: boolean? }?
    methods[name] = search
    M["search_" .. name] = search
  end

  -- ---- IN, BETWEEN ----------------------------------------------------------------------------------

  local function in_list(self, members, what)
    local all_values, texts = true, true
    for position = 1, #members do
      local member = members[position]
      if type(member) ~= "string" then
        texts = false
        M.check_value(member, what)
        if is_element(member) then all_values = false end
      end
    end
    if all_values then
      local kept = table.move(members, 1, #members, 1, {})
      local bound
      if self.kind == "tuple" then
        bound = M.bind(nil, nil, M.tuple_type(self, kept))
      else
        bound = M.bind_beside(self, kept[1] == nil and core.null or kept[1])
      end
      bound.expanding, bound.plain, bound.value, bound.texts = true, false, kept, texts
      return bound
    end
    local clauses = {}
    for position = 1, #members do
      local member = members[position]
      clauses[position] = is_element(member) and member or member == core.null and M.null
        or M.bind_beside(self, member)
    end
    return new { kind = "clause_list", clauses = clauses, operator = operators.comma, type = types.null, parentheses = true }
  end

  ---The right side of IN.
  local function in_operand(self, members, what)
    local meta = getmetatable(members)
    if meta == M.Element then
      if members.kind == "bind" then
        local copy = M.with_type(members, members.type == types.null and self.type or members.type)
        copy.expanding = true
        return copy
      end
      return members
    end
    if meta and meta.__sql_in then return meta.__sql_in(members) end
    if type(members) ~= "table" or values.is_value(members) then
      fault.raise(("%s takes a list or a select, got %s"):format(what, fault.show(members)),
        ("write :%s { … }"):format(what))
    end
    return in_list(self, members, what)
  end

  for _, name in ipairs { "in_", "not_in" } do
    local operator = operators[name]
    ---@param members table  values and expressions, a select, or a bindparam with a list
    methods[name] = function(self, members)
      local right = in_operand(self, members, name)
      return M.binary(self, right, operator, types.boolean, operator.negated)
    end
  end

  ---self BETWEEN low AND high.
  ---@param low any
  ---@param high any
  ---@param options { symmetric: boolean? }?
  ---@return mainsequence.sql.Element
  function methods:between(low, high, options)
    if options then fault.check_options("between", options, { "symmetric" }) end
    local range = M.list(operators.and_, types.null, { M.operand(low, self), M.operand(high, self) }, true)
    return M.binary(self, range, operators.between, types.null, operators.not_between, options)
  end

  -- ---- Patterns -----------------------------------------------------------------------------------

  ---Full text search.
  ---@param query any
  ---@param options { postgresql_regconfig: string? }?
  ---@return mainsequence.sql.Element
  function methods:match(query, options)
    if options then fault.check_options("match", options, { "postgresql_regconfig" }) end
    return M.compare(self, operators.match, query, options, types.match)
  end

  ---@param pattern any
  ---@param flags string?
  ---@return mainsequence.sql.Element
  function methods:regexp_match(pattern, flags)
    return M.binary(self, M.operand(pattern, self), operators.regexp_match, types.null,
      operators.not_regexp_match, { flags = flags })
  end

  ---@param pattern any
  ---@param replacement any
  ---@param flags string?
  ---@return mainsequence.sql.Element
  function methods:regexp_replace(pattern, replacement, flags)
    local arguments = M.list(operators.comma, types.null, { M.operand(pattern, self), M.operand(replacement, self) }, true)
    return M.binary(self, arguments, operators.regexp_replace, types.null, nil, { flags = flags })
  end

  ---@param collation string
  ---@return mainsequence.sql.Element
  function methods:collate(collation)
    local name = new { kind = "collation", name = collation, type = types.string }
    return M.binary(self, name, operators.collate, self.type)
  end

  -- ---- Operators by name --------------------------------------------------------------------------

  for _, name in ipairs { "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_lshift", "bitwise_rshift" } do
    local operator = operators[name]
    methods[name] = function(self, value) return M.operate(self, operator, value) end
  end
  function methods:bitwise_not() return M.unary(self, operators.bitwise_not, self.type) end
  function methods:concat(value) return M.operate(self, operators.concat, value) end
  function methods:distinct() return M.unary(self, operators.distinct, self.type) end

  ---Any operator of the database: `column:op("&")(4)`.
  ---@param text string
  ---@param options { precedence: integer?, is_comparison: boolean?, return_type: table? }?
  ---@return fun(value: any): mainsequence.sql.Element
  function methods:op(text, options)
    options = options or {}
    fault.check_options("op", options, { "precedence", "is_comparison", "return_type" })
    if type(text) ~= "string" or text == "" then fault.raise("op takes the operator's text") end
    local operator = operators.custom(text, { precedence = options.precedence, comparison = options.is_comparison })
    local result = options.return_type and types.resolve(options.return_type) or options.is_comparison and types.boolean
    return function(value) return M.operate(self, operator, value, nil, result or nil) end
  end

  ---An operator whose result is a boolean.
  ---@param text string
  ---@param precedence integer?
  ---@return fun(value: any): mainsequence.sql.Element
  function methods:bool_op(text, precedence)
    return self:op(text, { precedence = precedence, is_comparison = true })
  end

  ---CAST(self AS type).
  ---@param sqltype table
  ---@return mainsequence.sql.Element
  function methods:cast(sqltype)
    return M.cast(self, sqltype)
  end

  ---CAST(value AS type).
  ---@param value any
  ---@param sqltype table
  ---@return mainsequence.sql.Element
  function M.cast(value, sqltype)
    local target = types.resolve(sqltype)
    return new { kind = "cast", element = M.expression(value, "cast", target), type = target }
  end

  ---EXTRACT(field FROM value).
  ---@param field string
  ---@param value any
  ---@return mainsequence.sql.Element
  function M.extract(field, value)
    if type(field) ~= "string" or not field:find("^[%a_]+$") then
      fault.raise(("extract: the name of a field is expected, got %s"):format(fault.show(field)), "as in extract(\"year\", x)")
    end
    return new { kind = "extract", field = field, element = M.expression(value, "extract"), type = types.integer }
  end
end

return install
