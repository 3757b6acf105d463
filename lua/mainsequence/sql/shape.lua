-- The shape of a statement: all that its SQL depends on, as one text, and apart from it the values that are bound.
-- Statements of one shape have one text, so that compile.lua writes it once (SQLAlchemy's cache keys are the model).
--
-- A shape is a prefix code: every item begins with a word of its own, what varies in number is preceded by its
-- count and text by its length, so that two statements have one shape only if they are built alike. What is told
-- apart by identity (parameters, aliases, labels, repeated columns) is numbered where it is met first. A statement
-- with anything that isn't known here has no shape, and is compiled by itself.

local core = require("mainsequence.core")
local expression = require("mainsequence.sql.expression")
local operators = require("mainsequence.sql.operators")
local selectable = require("mainsequence.sql.selectable")
local types = require("mainsequence.sql.types")

local M = {}

---@class mainsequence.sql.Shape  the words of it, in order
---@field slots table[] bound elements and literal values, in the order met
---@field seen table<any, integer> numbers of what was met
---@field count integer of them
---@field values table<string, any>|false values of parameters by name, which decide how long their lists are
---@field naming boolean in a column list, where it matters whether two columns are the same object
---@field unknown boolean the statement has no shape
---@field serial integer marks parameters that were met: cheaper than to look them up

local From = selectable.From
local signers = {} ---@type table<string, fun(s: mainsequence.sql.Shape, element: any)>

local function sign(s, element)
  local signer = signers[element.kind]
  if signer then return signer(s, element) end
  s.unknown = true
end

-- ---- Words --------------------------------------------------------------------------------------

-- Numbers and names come again and again; making texts of them costs more than all else here.
local counts = setmetatable({}, {
  __index = function(known, number)
    local word = number .. ";"
    if number < 1000 then known[number] = word end
    return word
  end,
})

local function count(s, number)
  s[#s + 1] = counts[number]
end

local function text(s, value)
  s[#s + 1] = counts[#value]
  s[#s + 1] = value
end

---Whether the object was met before; then its number is written, else it gets one.
local function met(s, object)
  local seen = s.seen
  local known = seen[object]
  if known then
    s[#s + 1] = "@"
    count(s, known)
    return true
  end
  s.count = s.count + 1
  seen[object] = s.count
  return false
end

---A list, preceded by its length; false and nil as none.
local function sign_list(s, list)
  if not list then
    s[#s + 1] = "-"
    return
  end
  s[#s + 1] = counts[#list]
  for position = 1, #list do
    local element = list[position]
    local signer = signers[element.kind]
    if signer then signer(s, element) else s.unknown = true end
  end
end

local function sign_maybe(s, element)
  if element then return sign(s, element) end
  s[#s + 1] = "-"
end

local function flag(s, value)
  s[#s + 1] = value and "+" or "-"
end

---A name that the user or the compiler gives (see naming.lua).
local function sign_name(s, name)
  if type(name) == "string" then return text(s, name) end
  if type(name) ~= "table" or name.parts or name.enclosing or not name.base then
    s.unknown = true
  elseif not met(s, name) then
    s[#s + 1] = "~"
    text(s, name.base)
  end
end

local marks = 0

---A word of its own for an object that lives as long as its table.
local function new_mark(letter)
  marks = marks + 1
  return letter .. marks .. ";"
end

local function type_mark(s, sqltype)
  local mark = sqltype.mark or types.mark(sqltype)
  if mark then s[#s + 1] = mark else s.unknown = true end
end

local MODIFIERS = { "escape", "symmetric", "flags", "postgresql_regconfig" }

local function sign_modifiers(s, modifiers)
  if not modifiers then
    s[#s + 1] = "-"
    return
  end
  s[#s + 1] = "{"
  for position = 1, #MODIFIERS do
    local value = modifiers[MODIFIERS[position]]
    if type(value) == "string" then text(s, value) else flag(s, value) end
  end
end

-- ---- Leaves -------------------------------------------------------------------------------------

---A column of an alias, a subquery or a CTE: by its place among the others.
local function derived_column(s, element, owner)
  M.sign_from(s, owner)
  local list = selectable.list_of(owner.c)
  for position = 1, #list do
    if rawequal(list[position], element) then
      s[#s + 1] = "c"
      return count(s, position)
    end
  end
  s.unknown = true
end

signers.column = function(s, element)
  local mark = element.mark
  if mark then
    s[#s + 1] = mark
    return
  end
  local owner = element.table
  if not owner then
    s[#s + 1] = element.is_literal and "literal" or "column"
    if s.naming and met(s, element) then return end
    text(s, element.name)
    type_mark(s, element.type)
  elseif getmetatable(owner) == From and owner.kind ~= "table" then
    derived_column(s, element, owner)
  else
    mark = new_mark("c")
    rawset(element, "mark", mark)
    s[#s + 1] = mark
  end
end
expression.methods.mark = false

---Words of plain values of a type, by the stem of their names; nil if the type has no mark.
local function bind_words(sqltype)
  local mark = types.mark(sqltype)
  if not mark then return nil end
  sqltype.words = setmetatable({}, {
    __index = function(words, stem)
      local word = ("b%d;%s%s"):format(#stem, stem, mark)
      words[stem] = word
      return word
    end,
  })
  return sqltype.words
end

---Values are not part of the shape, but how many a list has.
local function list_length(s, element)
  local values = s.values
  local list = not element.unique and values and values[element.key] or rawget(element, "value")
  if element.callable or type(list) ~= "table" or element.type.types or type(list[1]) == "table" and element.type == types.null
    or getmetatable(list) ~= nil and not core.is_array(list) then
    s.unknown = true
    return
  end
  s[#s + 1] = "list"
  return count(s, #list)
end

---A parameter that stands there again, by its place among the slots.
local function again(s, identity)
  for place, slot in ipairs(s.slots) do
    if rawequal(slot, identity) then
      s[#s + 1] = "%"
      return count(s, place)
    end
  end
end

---A plain value, met for the first time.
local function plain_value(s, element)
  local words = element.type.words or bind_words(element.type)
  if words then s[#s + 1] = words[element.base] else s.unknown = true end
end

signers.bind = function(s, element)
  local plain, slots = element.plain, s.slots
  local identity = plain and element or element.original or element
  if identity.serial == s.serial then
    again(s, identity)
  else
    identity.serial = s.serial
    slots[#slots + 1] = identity
    if plain then return plain_value(s, element) end
    s[#s + 1] = element.unique and "u" or "p"
    text(s, element.unique and element.base or element.key)
  end
  if plain then return end
  type_mark(s, element.type)
  if element.expanding then list_length(s, element) end
  if element.literal_execute then s.unknown = true end
end

for _, kind in ipairs { "null", "true", "false" } do
  signers[kind] = function(s) s[#s + 1] = kind end
end

-- ---- Expressions --------------------------------------------------------------------------------

-- In a column list names may be invented for these, one for each object.
local function named(kind, signer)
  signers[kind] = function(s, element)
    if s.naming and met(s, element) then return end
    return signer(s, element)
  end
end

named("binary", function(s, element)
  local operator, modifiers = element.operator, element.modifiers
  local mark = operator.mark
  if element.type == types.boolean and not modifiers then
    s[#s + 1] = operator.condition_mark
  else
    s[#s + 1] = mark
    type_mark(s, element.type)
    sign_modifiers(s, modifiers)
  end
  sign(s, element.left)
  return sign(s, element.right)
end)

named("list", function(s, element)
  s[#s + 1] = "list"
  s[#s + 1] = element.operator.mark
  return sign_list(s, element.clauses)
end)

named("clause_list", function(s, element)
  s[#s + 1] = element.parentheses and "(list" or "clauses"
  return sign_list(s, element.clauses)
end)

named("grouping", function(s, element)
  s[#s + 1] = "("
  return sign(s, element.element)
end)

named("unary", function(s, element)
  s[#s + 1] = "unary"
  s[#s + 1] = element.operator.mark
  type_mark(s, element.type)
  return sign(s, element.element)
end)

named("as_boolean", function(s, element)
  s[#s + 1] = element.operator == operators.is_false and "not" or "is"
  return sign(s, element.element)
end)

signers.modified = function(s, element)
  s[#s + 1] = "order"
  s[#s + 1] = element.modifier.mark
  return sign(s, element.element)
end

signers.collation = function(s, element)
  s[#s + 1] = "collation"
  text(s, element.name)
end

-- ORDER BY knows a label again, wherever it stands.
signers.label = function(s, element)
  s[#s + 1] = "label"
  if met(s, element) then return end
  sign_name(s, element.name)
  return sign(s, element.element)
end

signers.label_reference = function(s, element)
  s[#s + 1] = "reference"
  return sign(s, element.element)
end

signers.label_name = function(s, element)
  s[#s + 1] = "name"
  text(s, element.name)
end

named("function", function(s, element)
  s[#s + 1] = element.known and "known" or "function"
  local package = element.package
  count(s, #package)
  for position = 1, #package do text(s, package[position]) end
  text(s, element.name)
  type_mark(s, element.type)
  return sign_list(s, element.arguments)
end)

named("cast", function(s, element)
  s[#s + 1] = "cast"
  type_mark(s, element.type)
  return sign(s, element.element)
end)

named("extract", function(s, element)
  s[#s + 1] = "extract"
  text(s, element.field)
  return sign(s, element.element)
end)

named("case", function(s, element)
  s[#s + 1] = "case"
  sign_maybe(s, element.value)
  count(s, #element.whens)
  for _, when in ipairs(element.whens) do
    sign(s, when[1])
    sign(s, when[2])
  end
  return sign_maybe(s, element.else_)
end)

named("over", function(s, element)
  s[#s + 1] = "over"
  sign(s, element.element)
  sign_list(s, element.partition)
  sign_list(s, element.order)
  -- a frame has values of its own
  if element.frame then s.unknown = true end
end)

named("function_filter", function(s, element)
  s[#s + 1] = "filter"
  sign(s, element.element)
  return sign(s, element.criterion)
end)

for _, kind in ipairs { "within_group", "aggregate_order_by" } do
  named(kind, function(s, element)
    s[#s + 1] = kind
    sign(s, element.element)
    return sign_list(s, element.order)
  end)
end

named("text", function(s, element)
  s[#s + 1] = "text"
  text(s, element.text)
  for _, name in ipairs(element.names) do sign(s, element.parameters[name]) end
end)

named("scalar_subquery", function(s, element)
  s[#s + 1] = "scalar"
  return sign(s, element.statement)
end)

-- ---- The whole ----------------------------------------------------------------------------------

M.signers, M.sign, M.sign_list, M.sign_maybe, M.sign_name = signers, sign, sign_list, sign_maybe, sign_name
M.text, M.count, M.flag, M.met, M.new_mark = text, count, flag, met, new_mark
require("mainsequence.sql.shape_statement")(M)

local serial = 0

---The shape of a statement, and what holds its values in the order met; nil if it has none.
---@param statement table a select or a change
---@param values table<string, any>? of parameters
---@param lint boolean whether its FROM is checked
---@return string? shape, table[] slots
function M.of(statement, values, lint)
  serial = serial + 1
  local s = { slots = {}, seen = {}, count = 0, values = values or false, naming = false, unknown = false, serial = serial }
  s[1] = lint and "+" or "-"
  sign(s, statement)
  if s.unknown then return nil, s.slots end
  return table.concat(s), s.slots
end

return M
