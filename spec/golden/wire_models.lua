-- The neutral models of the transcripts → models of the front end. Types are SQLAlchemy's own words:
-- "String(length=64)", "Enum('red', 'green', name='colour')", "ARRAY(Text())".

local core = require("mainsequence.core")
local meta_tables = require("mainsequence.meta_tables")
local schema = require("mainsequence.schema")

local M = {}

local function plain(value)
  if value == core.null then return nil end
  return value
end

-- "a, b(c, d), 'e, f'" → its parts
local function parts_of(text)
  local parts, depth, quoted, from = {}, 0, nil, 1
  for position = 1, #text + 1 do
    local character = text:sub(position, position)
    if quoted then
      if character == quoted then quoted = nil end
    elseif character == "'" or character == '"' then
      quoted = character
    elseif character == "(" then
      depth = depth + 1
    elseif character == ")" then
      depth = depth - 1
    elseif (character == "," and depth == 0) or position == #text + 1 then
      local part = text:sub(from, position - 1):match("^%s*(.-)%s*$")
      if part ~= "" then parts[#parts + 1] = part end
      from = position + 1
    end
  end
  return parts
end

local function literal(text)
  if text == "True" or text == "False" then return text == "True" end
  return tonumber(text) or text:match("^['\"](.*)['\"]$")
end

-- Arguments that say how SQLAlchemy renders a type, not what it is.
local RENDERING = { astext_type = true, as_uuid = true, none_as_null = true }

---@param text string e.g. "Numeric(precision=20, scale=8)"
---@return function constructor of mainsequence.schema.types, table options
local function type_of(text)
  local name, arguments = text:match("^([%w_]+)%((.*)%)$")
  local options, values = {}, core.array({})
  for _, part in ipairs(parts_of(arguments)) do
    local key, value = part:match("^([%a_][%w_]*)=(.*)$")
    if key and not RENDERING[key] then
      options[key] = literal(value)
    elseif not key and part:find("%(") then
      local constructor, inner = type_of(part)
      options.item = constructor(inner)
    elseif not key then
      values[#values + 1] = literal(part)
    end
  end
  if name == "Enum" then options.values = values elseif values[1] ~= nil then options.length = values[1] end
  return schema.types[name], options
end

local function column(declared)
  local constructor, options = type_of(declared.type)
  options.primary_key = declared.primary_key or nil
  options.nullable, options.unique, options.info = plain(declared.nullable), declared.unique or nil, plain(declared.info)
  if plain(declared.server_default) then options.server_default = schema.text(declared.server_default) end
  local key = declared.foreign_keys and declared.foreign_keys[1]
  if key then options.references = { key.target, ondelete = plain(key.on_delete) } end
  return constructor(options)
end

local META = { "namespace", "identifier", "description", "labels", "protect_from_deletion", "time_index_name", "index_names",
  "cadence" }

---@param neutral table
---@param metadata table
---@param platform boolean of the platform; otherwise the application's own table
---@return table model
function M.declare(neutral, metadata, platform)
  local path = plain(neutral.python_path) or {}
  local options = { metadata = metadata, tablename = neutral.table, schema = plain(neutral.schema), module = path.module }
  for _, name in ipairs(META) do options[name] = plain(neutral[name]) end
  local constructor = not platform and schema.Table or neutral.time_index_name and meta_tables.PlatformTimeIndexMetaTable
    or meta_tables.PlatformManagedMetaTable
  local model = constructor(path.qualname or neutral.table, options)
  for _, declared in ipairs(neutral.columns) do model[declared.name] = column(declared) end
  return model
end

---Tables that foreign keys of the models point to, where no model is one of them.
local function referenced(neutral, known)
  local names = {}
  for _, model in ipairs(neutral) do
    for _, declared in ipairs(model.columns) do
      for _, key in ipairs(declared.foreign_keys or {}) do
        local name, column_name = key.target:match("^(.*)%.([^.]+)$")
        if not known[name] then
          known[name] = true
          names[#names + 1] = { name, column_name, declared.type }
        end
      end
    end
  end
  return names
end

---Models in one collection of tables, in their order.
---@param neutral table[]
---@param platform boolean
---@return table[] models, table metadata
function M.declare_all(neutral, platform)
  local metadata = schema.MetaData { naming_convention = meta_tables.naming_convention() }
  local models, known = {}, {}
  for _, model in ipairs(neutral) do known[model.table] = true end
  for _, target in ipairs(referenced(neutral, known)) do
    M.declare({ table = target[1], columns = { { name = target[2], type = target[3], primary_key = true } } }, metadata, false)
  end
  for position, model in ipairs(neutral) do models[position] = M.declare(model, metadata, platform) end
  return models, metadata
end

return M
