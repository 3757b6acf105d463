-- Reflected tables of PostgreSQL in the form of reflection.json, which is SQLAlchemy's.

local core = require("mainsequence.core")

local M = {}

---Sorted by name.
local function sorted(list)
  table.sort(list, function(a, b) return a.name < b.name end)
  return core.array(list)
end

---The table, or nil when it is empty.
local function unless_empty(map) return next(map) and map or nil end

local function column_of(column)
  local arguments = column.type.args or {}
  local labels = arguments.values
  return {
    name = column.name,
    type = column.type.name == "NullType" and "NULL" or core.type_text("postgresql", column.type),
    nullable = column.nullable ~= false,
    default = column.server_default and column.server_default.text,
    computed = column.computed,
    identity = column.identity,
    collation = arguments.collation,
    comment = column.comment,
    enum = labels and { name = arguments.name, schema = arguments.schema, values = labels },
  }
end

local OPTIONS = { "ondelete", "onupdate", "deferrable", "initially", "match" }

local function foreign_key_of(key)
  local options = {}
  for _, name in ipairs(OPTIONS) do options[name] = key[name] end
  return {
    name = key.name, columns = key.columns, referred_table = key.referred_table, referred_schema = key.referred_schema,
    referred_columns = key.referred_columns, options = unless_empty(options),
    comment = key.postgresql and key.postgresql.comment,
  }
end

local function unique_of(unique)
  local options = unique.postgresql or {}
  return {
    name = unique.name, columns = unique.columns, comment = options.comment,
    dialect_options = {
      postgresql_include = options.include or core.array({}),
      postgresql_nulls_not_distinct = options.nulls_not_distinct == true,
    },
  }
end

---The index that a unique constraint brings along, which the reference lists too.
local function index_of_unique(unique)
  local options = unique.postgresql or {}
  return {
    name = unique.name, unique = true, columns = unique.columns, duplicates_constraint = unique.name,
    include_columns = options.include,
    dialect_options = unless_empty({
      postgresql_include = options.include,
      postgresql_nulls_not_distinct = options.nulls_not_distinct,
    }),
  }
end

local function check_of(check)
  local options = check.postgresql or {}
  return {
    name = check.name, sqltext = check.sqltext, comment = options.comment,
    dialect_options = unless_empty({ not_valid = options.not_valid, no_inherit = options.no_inherit }),
  }
end

local function index_of(index)
  local options = index.postgresql or {}
  local out = {
    name = index.name, unique = index.unique == true, include_columns = options.include,
    dialect_options = unless_empty({
      postgresql_using = options.using, postgresql_where = options.where, postgresql_ops = options.ops,
      postgresql_with = options.with, postgresql_include = options.include,
      postgresql_nulls_not_distinct = options.nulls_not_distinct,
    }),
  }
  if index.columns then
    out.columns = index.columns
    return out
  end
  local names, sorting, plain = core.array({}), {}, true
  for position, element in ipairs(index.expressions) do
    local name = type(element) == "string" and element or element.column or element.text
    local order = {}
    if type(element) == "table" then
      plain = plain and element.text == nil
      if element.order then order[#order + 1] = element.order end
      if element.nulls then order[#order + 1] = "nulls_" .. element.nulls end
    end
    names[position] = name
    sorting[name] = #order > 0 and core.array(order) or nil
  end
  out[plain and "columns" or "expressions"] = names
  out.column_sorting = unless_empty(sorting)
  return out
end

local function each(list, form)
  local out = {}
  for position, item in ipairs(list or {}) do out[position] = form(item) end
  return out
end

---@param described table a table's description
function M.table_of(described)
  local key = described.primary_key
  local indexes = each(described.indexes, index_of)
  for _, unique in ipairs(described.unique_constraints or {}) do indexes[#indexes + 1] = index_of_unique(unique) end
  return {
    name = described.name,
    schema = described.schema,
    comment = described.comment,
    columns = core.array(each(described.columns, column_of)),
    primary_key = {
      name = key and key.name, columns = key and key.columns or core.array({}),
      comment = key and key.postgresql and key.postgresql.comment,
    },
    foreign_keys = sorted(each(described.foreign_keys, foreign_key_of)),
    unique_constraints = sorted(each(described.unique_constraints, unique_of)),
    indexes = sorted(indexes),
    check_constraints = sorted(each(described.check_constraints, check_of)),
  }
end

return M
