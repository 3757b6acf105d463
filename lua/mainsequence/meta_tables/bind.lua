--- Binding: a model in a new process finds its catalog row, by the physical name of its table.

local client = require("mainsequence.client")
local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")
local registry = require("mainsequence.schema.registry")

local M = {}

local OPTIONS = { "session" }

local function check_models(models, place)
  if type(models) ~= "table" or registry.is_model(models) then
    fault.raise(place, ("bind takes a list of models, got %s"):format(registry.is_model(models) and "one model"
      or fault.show(models)), "write meta_tables.bind { Account, Asset }")
  end
  if #models == 0 then
    fault.raise(place, "bind takes at least one model")
  end
  for position, model in ipairs(models) do
    if not registry.is_model(model) then
      fault.raise(place, ("bind: entry %d is %s, not a model"):format(position, fault.show(model)))
    end
  end
end

local function class_for(session, model)
  local classes = session.classes
  return registry.definition(model).kind == "time_index" and classes.TimeIndexMetaTable or classes.MetaTable
end

-- The models of one class, in order, with their physical names.
local function groups_of(session, models)
  local groups, by_class = {}, {}
  for _, model in ipairs(models) do
    local class = class_for(session, model)
    local group = by_class[class]
    if not group then
      group = { class = class, models = {}, names = core.array({}) }
      by_class[class] = group
      groups[#groups + 1] = group
    end
    group.models[#group.models + 1] = model
    group.names[#group.names + 1] = registry.definition(model).tablename
  end
  return groups
end

-- Adds what stands in the way of binding a model to `problems`.
local function take(group, rows, found, problems)
  local by_name = {}
  for _, row in ipairs(rows) do
    local name = row.physical_table_name
    by_name[name] = by_name[name] and "several" or row
  end
  for position, model in ipairs(group.models) do
    local name = group.names[position]
    local row = by_name[name]
    if row == nil then
      problems[#problems + 1] = name .. " (not registered)"
    elseif row == "several" then
      problems[#problems + 1] = name .. " (several catalog rows)"
    elseif row.provisioning_status == "reserved" then
      problems[#problems + 1] = name .. " (reserved: its revision has not run)"
    elseif not row.uid or not row.data_source_uid then
      problems[#problems + 1] = name .. " (its row has no uid or data_source_uid)"
    else
      found[model] = row
    end
  end
end

---Binds models to their catalog rows: one call for each kind of table. Nothing is bound unless all of them
---can be.
---@param models table[]
---@param options { session: mainsequence.Session? }?
---@return true|nil, mainsequence.Error?
function M.bind(models, options)
  local place = fault.here(1)
  check_models(models, place)
  options = options or {}
  fault.check_options(place, "bind", options, OPTIONS)
  local session = options.session or client.session()
  local found, problems = {}, {}
  for _, group in ipairs(groups_of(session, models)) do
    local rows, err = group.class.methods.filter_by_body(core.object("physical_table_name__in", group.names, "limit",
      #group.names))
    if not rows then
      return nil, err
    end
    take(group, rows, found, problems)
  end
  if #problems > 0 then
    return nil, core.error({
      code = "not_found", message = "these tables cannot be bound: " .. table.concat(problems, ", "),
      hint = "mainsequence migrations upgrade creates and registers them",
    })
  end
  for _, model in ipairs(models) do
    registry.set_binding(model, found[model])
  end
  return true
end

---The MetaTable a model is bound to.
---@param model table
---@return mainsequence.MetaTable
function M.meta_table(model)
  local place = fault.here(1)
  if not registry.is_model(model) then
    fault.raise(place, ("meta_table takes a model, got %s"):format(fault.show(model)))
  end
  local row = registry.binding(model)
  if not row then
    local name = registry.definition(model).class_name
    fault.raise(place, ("model '%s' is not bound to a catalog row"):format(name),
      ("call meta_tables.bind { %s } first"):format(name))
  end
  return row
end

return M
