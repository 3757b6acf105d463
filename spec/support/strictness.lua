-- The strictness of the Python SDK's reply models, from spec/golden/wire/response_strictness.json: whether it would accept
-- a reply. Made from the observations in that file, not from our client's own models, so that each checks the other.
--
--   local strictness = dofile("spec/support/strictness.lua").load()
--   local problems = strictness:check("GET", "/orm/api/ts_manager/meta_table/u1/", 200, body)

local core = require("mainsequence.core")

local M = {}

---@class spec.Strictness
---@field models table<string, table>
---@field endpoints table[]
local Strictness = {}
Strictness.__index = Strictness

-- ---- Values --------------------------------------------------------------------------------------

local function kind_of_text(text)
  if text == "" then return "empty_text" end
  if text == "true" then return "text_true" end
  if text:find("^%d+$") then return "numeric_text" end
  local clock = text:match("^%d%d%d%d%-%d%d%-%d%dT(.*)$")
  if clock and (clock:find("[Zz]$") or clock:find("[+-]%d%d:?%d%d$")) then return "datetime_text" end
  if text:find("^%d%d%d%d%-%d%d%-%d%d$") then return "date_text" end
  if text:find("^%d%d%d%d%-%d%d%-%d%dT[%d:.]+$") then return "naive_datetime_text" end
  return "text"
end

local function kind_of_list(list)
  if #list == 0 then return "array_empty" end
  if type(list[1]) == "string" then return "array_text" end
  return list[1] == core.null and "array_null" or "array_object"
end

-- The kind of the observations that a value belongs to.
local function kind_of(value)
  if value == core.null then return "null" end
  if type(value) == "boolean" then return tostring(value) end
  if type(value) == "number" then
    return math.type(value) == "float" and "float" or value == 0 and "zero" or value == 1 and "one" or "integer"
  end
  if type(value) == "string" then return kind_of_text(value) end
  if core.is_array(value) then return kind_of_list(value) end
  return #core.keys(value) == 0 and "object_empty" or "object"
end

-- Names in annotations → those of the models.
local NAMES = { ManagedMetaTableFinalizeTableResult = "FinalizeTableResult" }

local function contains(list, word)
  for _, item in ipairs(list) do
    if item == word then return true end
  end
  return false
end

local function add(problems, path, format, ...)
  problems[#problems + 1] = path .. ": " .. format:format(...)
end

local CADENCE_UNITS = { mo = true, s = true, m = true, h = true, d = true, w = true, q = true, y = true }

local function is_cadence(text)
  local number, unit = text:lower():match("^%s*([1-9]%d*)(%a+)%s*$")
  return number ~= nil and CADENCE_UNITS[unit] == true and #text <= 32
end

function Strictness:model_in(annotation)
  for name in annotation:gmatch("[%a_][%w_]*") do
    local model = NAMES[name] or name
    if self.models[model] then return model end
  end
end

-- A field of which more is known than the kinds that it accepts.
function Strictness:check_field(name, field, value, path, problems)
  local choices = field.annotation:match("^Literal%[(.*)%]$")
  if choices then
    if type(value) ~= "string" or not choices:find("'" .. value .. "'", 1, true) then
      add(problems, path, "%s is none of %s", core.json_encode(value), choices)
    end
    return
  end
  local inner = self:model_in(field.annotation)
  if inner and type(value) == "table" then
    local union = field.annotation:find("dict", 1, true)
    if core.is_array(value) then
      for position, item in ipairs(value) do self:check_model(inner, item, ("%s[%d]"):format(path, position), problems) end
      if not field.annotation:find("^list") then add(problems, path, "a list") end
    elseif not union then
      self:check_model(inner, value, path, problems)
    end
    return
  end
  if name == "cadence" and type(value) == "string" and value ~= "" then
    if not is_cadence(value) then add(problems, path, "'%s' is no cadence", value) end
    return
  end
  if not contains(field.accepts, kind_of(value)) then
    add(problems, path, "%s is not accepted (%s)", core.json_encode(value), field.annotation)
  end
end

local NAIVE = { timestamp = true, ["timestamp without time zone"] = true, ["datetime64[ns]"] = true }

---What the SDK's model would refuse in a document.
---@param name string of the model
---@param document any
---@param path string
---@param problems string[] added to
function Strictness:check_model(name, document, path, problems)
  local model = self.models[name]
  if type(document) ~= "table" or core.is_array(document) then
    return add(problems, path, "no object, but a %s is one", name)
  end
  for _, key in ipairs(core.keys(document)) do
    local field = model.fields[key]
    if field then
      self:check_field(key, field, document[key], path .. "." .. key, problems)
    elseif model.extra_keys == "rejected" and not contains(model.extra_keys_accepted_and_dropped, key) then
      add(problems, path, "unknown key '%s' of %s", key, name)
    end
  end
  for _, key in ipairs(model.required_keys) do
    if document[key] == nil then add(problems, path, "%s is missing in %s", key, name) end
  end
  if name == "MetaTableColumnPayload" then
    for _, key in ipairs({ "data_type", "backend_type" }) do
      if type(document[key]) == "string" and NAIVE[document[key]:lower()] then
        add(problems, path, "%s '%s' has no time zone", key, document[key])
      end
    end
  end
end

-- ---- Routes --------------------------------------------------------------------------------------

-- "POST meta_table/{uid}/add-to-view/ (and the other seven)" → method, pattern of the path's end
local function pattern_of(route)
  local method, path = route:match("^(%u+) (%S+)")
  path = path:gsub("^%.%.%./", "ts_manager/dynamic_table_data_source/{uid}/"):gsub("^/", ""):gsub("%p", "%%%0")
  path = path:gsub("%%{uid%%}", "[^/]+"):gsub("^meta%%_table", "ts%%_manager/meta%%_table")
    :gsub("^dynamic%%_table/", "ts%%_manager/dynamic%%_table/")
  return method, "/" .. path .. "$"
end

local SHARING = { "add%-to%-edit/$", "remove%-from%-view/$", "remove%-from%-edit/$", "add%-team%-to%-view/$",
  "add%-team%-to%-edit/$",
  "remove%-team%-from%-view/$", "remove%-team%-from%-edit/$" }

---The endpoint of a request; its path as that of /meta_table/ where both kinds have it.
function Strictness:endpoint(method, path)
  for _, shared in ipairs(SHARING) do path = path:gsub(shared, "add-to-view/") end
  path = path:gsub("can%-edit/$", "can-view/")
  local found
  for _, candidate in ipairs({ path, (path:gsub("/dynamic_table/", "/meta_table/")) }) do
    for _, endpoint in ipairs(self.endpoints) do
      local literal = not endpoint.route:find("{uid}", 1, true)
      if endpoint.method == method and candidate:find(endpoint.pattern) and (literal or not found) then found = endpoint end
      if found == endpoint and literal then return found end
    end
  end
  return found
end

---What the SDK would not accept of a reply with a successful status; {} when all is well or nothing is known.
---@param method string
---@param path string
---@param status integer
---@param body any nil: none
---@return string[] problems
function Strictness:check(method, path, status, body)
  local endpoint, problems = self:endpoint(method, path), {}
  if not endpoint then return { ("%s %s: no such endpoint"):format(method, path) } end
  local accepted = contains(endpoint.accepted_2xx, status) or (status == 204 and endpoint.outcomes.status_204_empty:find("^ok"))
    or (status == 409 and endpoint.endpoint == "finalize_managed")
  if not accepted then add(problems, endpoint.endpoint, "status %d is not accepted", status) end
  local model = self:model_in(endpoint.response)
  if model == "MetaTable" and path:find("/dynamic_table/") then model = "TimeIndexMetaTable" end
  if body == nil or body == core.null then
    local outcome = endpoint.outcomes[status == 204 and "status_204_empty" or "status_200_empty"]
    if not outcome or not outcome:find("^ok") then add(problems, endpoint.endpoint, "an empty reply is not accepted") end
  elseif endpoint.response:find("^%[") or endpoint.response:find("^{results:") then
    local rows = type(body) == "table" and (core.is_array(body) and body or body.results)
    if not rows then return { endpoint.endpoint .. ": no rows in the reply" } end
    if endpoint.response == "[" .. model:gsub("TimeIndex", "") .. "]" and rows ~= body then
      add(problems, endpoint.endpoint, "no bare list")
    end
    for position, row in ipairs(rows) do
      self:check_model(model, row, ("%s[%d]"):format(endpoint.endpoint, position), problems)
    end
  elseif model then
    self:check_model(model, body, endpoint.endpoint, problems)
  elseif endpoint.response:find("^object") and (type(body) ~= "table" or core.is_array(body)) then
    add(problems, endpoint.endpoint, "no object")
  elseif endpoint.response == "array" and not core.is_array(body) then
    add(problems, endpoint.endpoint, "no list")
  end
  return problems
end

---@return spec.Strictness
function M.load()
  local file = assert(io.open("spec/golden/wire/response_strictness.json", "rb"))
  local document = assert(core.json_decode(file:read("a")))
  file:close()
  for _, endpoint in ipairs(document.endpoints) do endpoint.method, endpoint.pattern = pattern_of(endpoint.route) end
  return setmetatable({ models = document.models, endpoints = document.endpoints, document = document }, Strictness)
end

return M
