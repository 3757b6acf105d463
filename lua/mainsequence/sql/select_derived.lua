-- What selects are made into: set operations, subqueries, CTEs, values, EXISTS. Loaded by select.lua, which hands
-- itself over.

local fault = require("mainsequence.sql.fault")
local expression = require("mainsequence.sql.expression")
local operators = require("mainsequence.sql.operators")
local selectable = require("mainsequence.sql.selectable")
local types = require("mainsequence.sql.types")

---@param M table mainsequence.sql.select
local function install(M)
  local methods, Select, with = M.methods, M.Select, M.with

  -- ---- Set operations -----------------------------------------------------------------------------

  local KEYWORDS = {
    union = "UNION", union_all = "UNION ALL", intersect = "INTERSECT", intersect_all = "INTERSECT ALL",
    except_ = "EXCEPT", except_all = "EXCEPT ALL",
  }

  for name, keyword in next, KEYWORDS do
    ---@param ... mainsequence.sql.Select
    ---@return mainsequence.sql.Select
    M[name] = function(...)
      local selects = { ... }
      for position, item in ipairs(selects) do
        if not M.is_select(item) then
          fault.raise(("%s: a select is expected, got %s"):format(name, fault.show(item)))
        end
        local needs = item.kind == "compound" or item.limiting or item.skipping or item.fetching or item.ordering
        selects[position] = { statement = item, parentheses = needs and true or false }
      end
      if #selects == 0 then fault.raise(("%s needs at least one select"):format(name)) end
      return setmetatable({ kind = "compound", keyword = keyword, selects = selects, wide = true }, Select)
    end
    methods[name] = function(self, ...) return M[name](self, ...) end
  end

  -- ---- Statements inside statements ---------------------------------------------------------------

  ---(SELECT …) AS name, for FROM.
  ---@param name string?
  ---@return mainsequence.sql.From
  function methods:subquery(name)
    return selectable.derive("subquery", self, name)
  end
  methods.alias = methods.subquery

  ---@param name string?
  ---@return mainsequence.sql.From
  function methods:lateral(name)
    return selectable.derive("lateral", self, name)
  end

  ---WITH name AS (SELECT …).
  ---@param name string?
  ---@param options { recursive: boolean?, nesting: boolean? }?
  ---@return mainsequence.sql.From
  function methods:cte(name, options)
    return M.make_cte(self, name, options)
  end

  ---@param statement table
  ---@param name string?
  ---@param options { recursive: boolean?, nesting: boolean? }?
  ---@return mainsequence.sql.From
  function M.make_cte(statement, name, options)
    if type(name) == "table" then name, options = nil, name end
    options = options or {}
    fault.check_options("cte", options, { "recursive", "nesting" })
    return selectable.derive("cte", statement, name,
      { recursive = options.recursive or false, nesting = options.nesting or false })
  end

  for _, name in ipairs { "union", "union_all" } do
    ---The CTE with a second, recursive part.
    selectable.methods[name] = function(self, ...)
      if self.kind ~= "cte" then fault.raise(("%s is a method of selects and CTEs"):format(name)) end
      return selectable.derive("cte", self.element[name](self.element, ...), nil, { restates = self, recursive = self.recursive,
        nesting = self.nesting, prefixes = self.prefixes, suffixes = self.suffixes, name = self.name })
    end
  end

  ---The select as one value.
  ---@return mainsequence.sql.Element
  function methods:scalar_subquery()
    local sqltype = types.null
    local first = self.kind ~= "text_select" and self:result_columns()[1]
    if first and first.kind ~= "text" then sqltype = first.type end
    return expression.new { kind = "scalar_subquery", statement = self, type = sqltype }
  end
  Select.__sql_scalar = methods.scalar_subquery
  Select.__sql_in = methods.scalar_subquery

  ---EXISTS (SELECT …).
  ---@return mainsequence.sql.Element
  function methods:exists()
    return M.exists_of(self)
  end

  ---@param statement mainsequence.sql.Select
  ---@return mainsequence.sql.Element
  function M.exists_of(statement)
    local inner = expression.new { kind = "scalar_subquery", statement = statement, type = types.null }
    return expression.new { kind = "unary", operator = operators.exists, element = inner, type = types.boolean,
      boolean = true, statement = statement }
  end

  ---The values of parameters given by name; names that the statement does not know are an error.
  ---@param values table<string, any>
  ---@return mainsequence.sql.Select
  function methods:params(values)
    return with(self, "parameters", values)
  end

  ---The element `scalar_subquery():label(name)`.
  ---@param name string?
  ---@return mainsequence.sql.Element
  function methods:label(name)
    return self:scalar_subquery():label(name)
  end
end

return install
