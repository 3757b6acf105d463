-- Visitors of what stands in FROM.

local compiler = require("mainsequence.sql.compile_select")
local expression = require("mainsequence.sql.expression")
local fault = require("mainsequence.sql.fault")
local selectable = require("mainsequence.sql.selectable")
local types = require("mainsequence.sql.types")

local visitors, Compiler, From = compiler.visitors.postgresql, compiler.Compiler, selectable.From

---@param from mainsequence.sql.From|mainsequence.sql.Element
function Compiler:from(from)
  return self.visitors["from_" .. from.kind](self, from)
end

visitors.from_table = function(c, from)
  local buffer = c.buffer
  if from.model then c.tables[from.model] = c.tables[from.model] or "read" else c.unbound = true end
  if from.schema then
    buffer[#buffer + 1] = c:quote(from.schema) .. "."
    buffer[#buffer + 1] = c:quote(from.name)
    return
  end
  buffer[#buffer + 1] = c:quote(from.name)
  local other = c.ambiguous and not c.aliasing and c.ambiguous[from.name]
  if other then buffer[#buffer + 1] = " AS " .. c:quote(c:name(other, "alias")) end
end

visitors.from_text = function(c, element)
  c.unbound = true
  c:visit(element)
end

local function write_alias(c, from)
  c.buffer[#c.buffer + 1] = " AS " .. c:quote(c:name(from.name, "alias"))
end

visitors.from_alias = function(c, from)
  -- an alias of an alias or a subquery replaces its name
  local element = from.element
  local name = c:name(from.name, "alias")
  while element.kind == "alias" do element = element.element end
  if element.kind == "subquery" then
    c.buffer[#c.buffer + 1] = "("
    c.visitors[element.element.kind](c, element.element, { inside = true })
    c.buffer[#c.buffer + 1] = ")"
  elseif element.kind == "join" or element.kind == "from_grouping" then
    c.buffer[#c.buffer + 1] = "("
    c:from(element)
    c.buffer[#c.buffer + 1] = ")"
  else
    local outer = c.aliasing
    c.aliasing = true
    c:from(element)
    c.aliasing = outer
  end
  c.buffer[#c.buffer + 1] = " AS " .. c:quote(name)
end

visitors.from_subquery = function(c, from)
  local name = c:name(from.name, "alias")
  c.buffer[#c.buffer + 1] = "("
  c.visitors[from.element.kind](c, from.element, { inside = true })
  c.buffer[#c.buffer + 1] = ") AS " .. c:quote(name)
end

visitors.from_lateral = function(c, from)
  if c.sqlite then fault.raise("SQLite has no LATERAL", "use a correlated subquery or a window") end
  local name = c:name(from.name, "alias")
  local statement = getmetatable(from.element) == From and from.element.element or from.element
  c.buffer[#c.buffer + 1] = "LATERAL ("
  c.visitors[statement.kind](c, statement, { inside = true, lateral = true })
  c.buffer[#c.buffer + 1] = ") AS " .. c:quote(name)
end

visitors.from_tablesample = function(c, from)
  if c.sqlite then fault.raise("SQLite has no TABLESAMPLE", "order by func.random() and limit") end
  local name = c:name(from.name, "alias")
  c:from(from.element)
  c.buffer[#c.buffer + 1] = " AS " .. c:quote(name) .. " TABLESAMPLE "
  local method = from.method
  if expression.is_element(method) then
    c:visit(method)
  else
    c.buffer[#c.buffer + 1] = "system("
    c:visit(expression.expression(method, "tablesample", types.float, "system"))
    c.buffer[#c.buffer + 1] = ")"
  end
  if from.seed then
    c.buffer[#c.buffer + 1] = " REPEATABLE ("
    c:visit(from.seed)
    c.buffer[#c.buffer + 1] = ")"
  end
end

visitors.from_join = function(c, from)
  c:from(from.left)
  c.buffer[#c.buffer + 1] = from.full and " FULL OUTER JOIN " or from.isouter and " LEFT OUTER JOIN " or " JOIN "
  c:from(from.right)
  c.buffer[#c.buffer + 1] = " ON "
  c:visit(from.onclause)
end

visitors.from_from_grouping = function(c, from)
  c.buffer[#c.buffer + 1] = "("
  c:from(from.element)
  c.buffer[#c.buffer + 1] = ")"
end

visitors.from_function_alias = function(c, from)
  local buffer = c.buffer
  if from.is_lateral then
    if c.sqlite then fault.raise("SQLite has no LATERAL", "table functions see the tables before them without it") end
    buffer[#buffer + 1] = "LATERAL "
  end
  local name = c:name(from.name, "alias")
  c:visit(from.element)
  if from.ordinality then buffer[#buffer + 1] = " WITH ORDINALITY" end
  buffer[#buffer + 1] = " AS " .. c:quote(name)
  if from.derived then
    local columns = {}
    for position, column in ipairs(from.row_type) do
      columns[position] = c:quote(column.name) .. (from.derived_types and " " .. types.ddl_text(c.dialect, column.type) or "")
    end
    buffer[#buffer + 1] = "(" .. table.concat(columns, ", ") .. ")"
  end
end

visitors.from_values = function(c, from)
  local name = not from.unnamed and c:name(from.name, "values")
  c.buffer[#c.buffer + 1] = from.is_lateral and "LATERAL (" or "("
  c:values(from)
  c.buffer[#c.buffer + 1] = ")"
  if name then
    local columns = {}
    for position, column in ipairs(selectable.list_of(from.c)) do columns[position] = c:quote(column.name) end
    c.buffer[#c.buffer + 1] = " AS " .. c:quote(name) .. " (" .. table.concat(columns, ", ") .. ")"
  end
end

visitors.from_cte = function(c, from)
  c:cte(from)
  local buffer = c.buffer
  if from.cte_alias then
    buffer[#buffer + 1] = c:quote(c:name(from.cte_alias.name, "alias"))
    return write_alias(c, from)
  end
  buffer[#buffer + 1] = c:quote(c:name(from.name, "alias"))
end

return compiler
