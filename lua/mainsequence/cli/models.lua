-- Models of a script that the command line names.

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")
local registry = require("mainsequence.schema.registry")

local M = {}

---Runs a script and gives what it returns.
---@param path string
---@return any
function M.run_script(path)
  local file, reason = io.open(path, "rb")
  if not file then cli.usage_error(("cannot read '%s': %s"):format(path, (reason:gsub("^.-: ", "")))) end
  local text, problem = file:read("a")
  file:close()
  if not text then cli.usage_error(("cannot read '%s': %s"):format(path, problem)) end
  local chunk, syntax = load(text:gsub("^#[^\n]*", ""), "@" .. path, "t")
  if not chunk then error(syntax, 0) end
  -- Scripts find the modules of the folder in which the command runs, as with `lua5.4 script.lua`.
  if not (";" .. package.path .. ";"):find(";./?.lua;", 1, true) then
    package.path = "./?.lua;./?/init.lua;" .. package.path
  end
  return (chunk())
end

local function add(list, seen, model)
  if not seen[model] then
    seen[model] = true
    list[#list + 1] = model
  end
end

-- Models in the order of their declaration, whatever the order of the table that holds them.
local function in_declaration_order(wanted, metadatas)
  local list, seen, ordered = {}, {}, {}
  for _, metadata in ipairs(metadatas) do
    for _, model in ipairs(registry.models(metadata)) do
      if wanted[model] then add(ordered, seen, model) end
    end
  end
  table.move(ordered, 1, #ordered, 1, list)
  return list
end

---The models in what a script returned: a model, schema.MetaData, or a table of such.
---@param value any
---@param path string for messages
---@return table[] models
function M.models_in(value, path)
  local wanted, metadatas, known = {}, {}, {}
  local function take(item)
    if registry.is_metadata(item) then
      if not known[item] then metadatas[#metadatas + 1] = item end
      known[item] = true
      for _, model in ipairs(registry.models(item)) do wanted[model] = true end
    elseif registry.is_model(item) then
      local metadata = registry.definition(item).metadata
      if not known[metadata] then metadatas[#metadatas + 1] = metadata end
      known[metadata] = true
      wanted[item] = true
    end
  end
  take(value)
  if type(value) == "table" and not registry.is_model(value) and not registry.is_metadata(value) then
    for _, key in ipairs(require("mainsequence.schema.fault").sorted_keys(value)) do take(value[key]) end
  end
  local models = in_declaration_order(wanted, metadatas)
  if #models == 0 then
    cli.usage_error(("'%s' returns %s, not models"):format(path, value == nil and "nothing" or "a " .. type(value)),
      "a model file ends with: return { metadata = metadata, Account = Account, … }")
  end
  return models
end

---The models of a file, or only the one that is named.
---@param path string
---@param name string?
---@return table[] models
function M.of_file(path, name)
  local models = M.models_in(M.run_script(path), path)
  if not name then return models end
  local names = {}
  for position, model in ipairs(models) do
    local definition = registry.definition(model)
    names[position] = definition.class_name
    if definition.class_name == name or definition.tablename == name then return { model } end
  end
  local near = core.nearest(name, names)
  cli.usage_error(("'%s' has no model '%s'"):format(path, name), near and ("did you mean '%s'?"):format(near)
    or "it has: " .. table.concat(names, ", "))
end

---An object with one entry a model, in their order: class name → what `value` gives.
---@param models table[]
---@param value fun(model: table): any
---@return table
function M.by_class_name(models, value)
  local object, taken = core.object(), {}
  for _, model in ipairs(models) do
    local definition = registry.definition(model)
    local key = taken[definition.class_name] and definition.tablename or definition.class_name
    taken[key] = true
    object[key] = value(model)
  end
  return object
end

return M
