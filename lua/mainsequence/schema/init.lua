-- Declaring tables. A model exposes only its columns: everything else is a function of this module.

local fault = require("mainsequence.schema.fault")
local registry = require("mainsequence.schema.registry")
local models = require("mainsequence.schema.model")
local constraints = require("mainsequence.schema.constraints")
local sqltext = require("mainsequence.schema.sqltext")
local type_calls = require("mainsequence.schema.types")

---@class mainsequence.schema
local M = {}

M.types = type_calls.types
M.text = sqltext.text
M.func = sqltext.func

-- The results are kept in a local: a tail call would lose the script's line.

---A collection of tables.
---@param options { naming_convention: table|boolean|nil, schema: string? }?
---@return table metadata
function M.MetaData(options)
  local metadata = models.metadata(options, fault.here(1))
  return metadata
end

---A plain table, for tables that an application owns itself. Its options are those of
---meta_tables.PlatformManagedMetaTable; tablename defaults to the name.
---@param name string
---@param options table
---@return table model
function M.Table(name, options)
  local model = models.declare("plain", name, options, fault.here(1), models.module_name(1))
  return model
end

---Index(column, …, { unique =, name =, postgresql = {}, sqlite = {} }), or all of it in one table.
---@param ... any columns, schema.text, schema.func; options last
---@return mainsequence.Constraint
function M.Index(...)
  local index = constraints.index(fault.here(1), ...)
  return index
end

---UniqueConstraint(column, …, { name =, deferrable =, initially = })
---@param ... any
---@return mainsequence.Constraint
function M.UniqueConstraint(...)
  local constraint = constraints.unique(fault.here(1), ...)
  return constraint
end

---PrimaryKeyConstraint(column, …, { name = }): for a key with a name, or in another order than the columns'.
---@param ... any
---@return mainsequence.Constraint
function M.PrimaryKeyConstraint(...)
  local constraint = constraints.primary_key(fault.here(1), ...)
  return constraint
end

---CheckConstraint("quantity > 0", { name = })
---@param ... any
---@return mainsequence.Constraint
function M.CheckConstraint(...)
  local constraint = constraints.check(fault.here(1), ...)
  return constraint
end

---ForeignKeyConstraint({ columns }, { targets }, { ondelete =, onupdate =, deferrable =, initially =, match =, name = })
---@param columns any
---@param targets any
---@param options table?
---@return mainsequence.Constraint
function M.ForeignKeyConstraint(columns, targets, options)
  local constraint = constraints.foreign_key(fault.here(1), columns, targets, options)
  return constraint
end

---Adds indexes and constraints to a model.
---@param model table
---@param ... mainsequence.Constraint
function M.constrain(model, ...)
  constraints.constrain(fault.here(1), model, ...)
end

---The model as plain data, every name resolved (form: mainsequence/schema.h). Seals the model.
---@param model table
---@return table
function M.describe(model)
  if not registry.is_model(model) then
    fault.raise(fault.here(1), ("describe takes a model, got %s"):format(fault.show(model)))
  end
  return registry.table_of(model):describe()
end

---A column's description from a name and a type call, as revisions need it.
---@param name string
---@param type_spec mainsequence.TypeSpec
---@return table
function M.column_description(name, type_spec)
  local description = type_calls.column_description(name, type_spec, fault.here(1))
  return description
end

return M
