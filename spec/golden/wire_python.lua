-- The value that a transcript shows is that of the last Python expression of its `call`. This reads as much of the
-- expression as says what is made of the calls' results: lists, comprehensions, len(), attributes, keys. What stands
-- between the parentheses of a call is never looked at: its arguments are those of `neutral_call`.

local core = require("mainsequence.core")

local M = {}

---@class PythonSource
---@field text string
---@field position integer

local function skip_string(text, position)
  local quote = text:sub(position, position)
  position = position + 1
  while position <= #text do
    local character = text:sub(position, position)
    if character == "\\" then position = position + 1 elseif character == quote then return position + 1 end
    position = position + 1
  end
  error("a text without end in " .. text, 0)
end

-- The position after the bracket that closes the one at `position`.
local function skip_brackets(text, position)
  local depth = 0
  while position <= #text do
    local character = text:sub(position, position)
    if character == "'" or character == '"' then
      position = skip_string(text, position)
    else
      if character:find("[%(%[{]") then depth = depth + 1 end
      if character:find("[%)%]}]") then depth = depth - 1 end
      position = position + 1
      if depth == 0 then return position end
    end
  end
  error("a bracket without end in " .. text, 0)
end

local Parser = {}
Parser.__index = Parser

function Parser:space()
  self.position = self.text:match("^%s*()", self.position)
end

function Parser:take(pattern)
  self:space()
  local word, after = self.text:match("^(" .. pattern .. ")()", self.position)
  if word then self.position = after end
  return word
end

-- A name, with what follows it. Everything up to the last parentheses is the call.
function Parser:chain(name)
  local node, start = { kind = "name", name = name }, self.position - #name
  local steps = {}
  while true do
    local attribute = self.text:match("^%.([%a_][%w_]*)", self.position)
    local opening = self.text:sub(self.position, self.position)
    if attribute then
      steps[#steps + 1] = { key = attribute }
      self.position = self.position + 1 + #attribute
    elseif opening == "(" then
      local method = steps[#steps] and steps[#steps].key or name
      self.position = skip_brackets(self.text, self.position)
      node, steps = { kind = "call", method = method, text = self.text:sub(start, self.position - 1) }, {}
    elseif opening == "[" then
      local after = skip_brackets(self.text, self.position)
      local inner = self.text:sub(self.position + 1, after - 2)
      steps[#steps + 1] = { key = inner:match("^['\"](.*)['\"]$") or math.tointeger(tonumber(inner)) or inner }
      self.position = after
    else
      break
    end
  end
  for _, step in ipairs(steps) do node = { kind = "member", of = node, key = step.key } end
  return node
end

function Parser:items(closing)
  local items = {}
  while not self:take(closing) do
    items[#items + 1] = self:expression()
    if self:take("for%s") then
      local variable = assert(self:take("[%a_][%w_]*"), "a comprehension without variable")
      assert(self:take("in%s"))
      local source = self:expression()
      assert(self:take(closing))
      return { kind = "comprehension", item = items[1], variable = variable, source = source }
    end
    self:take(",")
  end
  return { kind = "list", items = items }
end

function Parser:expression()
  if self:take("%[") then return self:items("%]") end
  if self:take("%(") then return self:items("%)") end
  self:space()
  if self.text:find("^['\"]", self.position) then
    local after = skip_string(self.text, self.position)
    local node = { kind = "text", text = self.text:sub(self.position + 1, after - 2) }
    self.position = after
    return node
  end
  local name = assert(self:take("[%a_][%w_]*"), "no expression at " .. self.text:sub(self.position))
  if name == "len" then
    assert(self:take("%("))
    local inner = self:items("%)")
    return { kind = "length", of = inner.items[1] }
  end
  return self:chain(name)
end

local function parse(text)
  local parser = setmetatable({ text = text, position = 1 }, Parser)
  local node = parser:expression()
  if parser:take(",") then
    local list = { kind = "list", items = { node } }
    repeat list.items[#list.items + 1] = parser:expression() until not parser:take(",")
    return list
  end
  return node
end

-- Whether a call stands in an expression.
local function has_call(node, assigned)
  if type(node) ~= "table" then return false end
  if node.kind == "call" then return true end
  if node.kind == "name" and assigned[node.name] then return has_call(parse(assigned[node.name]), assigned) end
  for _, part in pairs(node) do
    if has_call(part, assigned) then return true end
  end
  return false
end

---What the last expression makes of its calls. Where it has none, the statement before it makes the call.
---@param text string the Python call
---@param call fun(method: string, text: string): any makes the call, again for each that the expression has
---@param member fun(value: any, key: string|integer): any
---@param fixture fun(name: string): any what a name that is never assigned stands for
---@return any
function M.evaluate(text, call, member, fixture)
  local assigned, cached, last, before = {}, {}, nil, nil
  for line in text:gmatch("[^\n]+") do
    local name, expression = line:match("^([%a_][%w_]*) = (.*)$")
    if name then assigned[name] = expression else last, before = line, last end
  end
  local evaluate

  local function value_of(name, scope)
    if scope[name] ~= nil then return scope[name] end
    if cached[name] == nil then
      if assigned[name] then cached[name] = evaluate(parse(assigned[name]), {}) else cached[name] = fixture(name) end
    end
    return cached[name]
  end

  local evaluators = {
    text = function(node) return node.text end,
    name = function(node, scope) return value_of(node.name, scope) end,
    call = function(node) return call(node.method, node.text) end,
    member = function(node, scope) return member(evaluate(node.of, scope), node.key) end,
    length = function(node, scope) return #evaluate(node.of, scope) end,
    list = function(node, scope)
      local list = core.array({})
      for position, item in ipairs(node.items) do list[position] = evaluate(item, scope) end
      return list
    end,
    comprehension = function(node, scope)
      local list = core.array({})
      for position, value in ipairs(evaluate(node.source, scope)) do
        list[position] = evaluate(node.item, setmetatable({ [node.variable] = value }, { __index = scope }))
      end
      return list
    end,
  }
  function evaluate(node, scope)
    return evaluators[node.kind](node, scope)
  end
  local node = parse(last)
  if before and not before:find("^import ") and not before:find("^from ") and not has_call(node, assigned) then
    evaluate(parse(before), {})
  end
  return evaluate(node, {})
end

return M
