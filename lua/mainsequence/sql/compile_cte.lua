-- Common table expressions. Each is written once, before the statement that uses it; a nesting one before
-- the statement in which it stands.

local compiler = require("mainsequence.sql.compile_from")
local fault = require("mainsequence.sql.fault")
local naming = require("mainsequence.sql.naming")
local selectable = require("mainsequence.sql.selectable")

local Compiler = compiler.Compiler

---Names of the columns, which recursive CTEs and VALUES must list.
local function column_names(c, cte)
  local statement, names = cte.element, {}
  if statement.kind == "values" then
    for position, column in ipairs(selectable.list_of(statement.c)) do names[position] = c:quote(column.name) end
    return names
  end
  local first = statement
  while first.kind == "compound" do first = first.selects[1].statement end
  for _, entry in ipairs(naming.result_columns(statement:result_columns(), first.more.label_style, true)) do
    if not entry.repeated then
      local name = entry.fallback or entry.key or "?"
      names[#names + 1] = c:quote(type(name) == "string" and name or name.text or c:name(name, "colident"))
    end
  end
  return names
end

local function write(c, cte, name)
  local text = c:quote(name)
  if cte.recursive or cte.element.kind == "values" then
    text = text .. "(" .. table.concat(column_names(c, cte), ", ") .. ")"
  end
  local prefixes = cte.prefixes and c:texts(cte.prefixes) or ""
  local inner = c:capture(function(own)
    local outer_include, outer_label, outer_cte = own.include_table, own.label_shown, own.in_cte
    own.include_table, own.label_shown, own.in_cte = true, false, true
    if cte.element.kind == "values" then
      own:values(cte.element)
    else
      own.visitors[cte.element.kind](own, cte.element, { inside = true })
    end
    own.include_table, own.label_shown, own.in_cte = outer_include, outer_label, outer_cte
  end)
  text = text .. " AS " .. prefixes .. "\n(" .. inner .. ")"
  if cte.suffixes then text = text .. " " .. c:texts(cte.suffixes) end
  return text
end

local function forget(c, cte)
  for position, item in ipairs(c.ctes) do
    if rawequal(item.cte, cte) then
      table.remove(c.ctes, position)
      break
    end
  end
  c.cte_seen[cte] = nil
end

---Makes sure that the CTE is written.
---@param cte mainsequence.sql.From
function Compiler:cte(cte)
  if not self.cte_seen then self.ctes, self.cte_by_name, self.cte_seen = {}, {}, {} end
  local name = self:name(cte.name, "alias")
  local reference = cte.restates or cte
  local nested = cte.nesting or self.nested_here and self.nested_here[cte] or false
  local seen = self.cte_seen[reference]
  local level = seen and seen.level or nested and #self.stack or 1
  local key = level .. " " .. name
  local existing = self.cte_by_name[key]
  if existing then
    if rawequal(existing, cte) or rawequal(existing.restates, cte) then return end
    if not rawequal(existing, cte.restates) then
      fault.raise(("two CTEs have the name '%s'"):format(name), "give one of them another name")
    end
    forget(self, existing)
  end
  self.cte_by_name[key] = cte
  self.cte_seen[reference] = { level = level }
  if cte.cte_alias then return self:cte(cte.cte_alias) end
  local text = write(self, cte, name)
  self.ctes[#self.ctes + 1] = { cte = cte, text = text, level = level, nested = nested, name = key, reference = reference }
end

---WITH …, before the statement of this level. The outermost one writes all that no inner one has to.
---@param level integer
---@param following boolean  also those of the next level
function Compiler:write_ctes(level, following)
  if #self.ctes == 0 then return end
  local chosen, kept, recursive = {}, {}, false
  for _, item in ipairs(self.ctes) do
    local here = level == 1 or item.nested and (item.level == level or following and item.level == level + 1)
    local target = here and chosen or kept
    target[#target + 1] = item
    recursive = recursive or here and item.cte.recursive
  end
  if #chosen == 0 then return end
  local texts = {}
  for position, item in ipairs(chosen) do
    texts[position] = item.text
    if level > 1 then
      self.cte_by_name[item.name] = nil
      self.cte_seen[item.reference] = nil
    end
  end
  self.ctes = kept
  local buffer = self.buffer
  buffer[#buffer + 1] = recursive and "WITH RECURSIVE " or "WITH "
  buffer[#buffer + 1] = table.concat(texts, ", \n")
  buffer[#buffer + 1] = "\n "
end

return compiler
