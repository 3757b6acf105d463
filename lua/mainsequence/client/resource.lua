--- Classes of catalog objects: collections behind a path, instances with methods. A class belongs to a
--- session. Its methods fail as `nil, err`; wrong arguments raise.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")
local filters = require("mainsequence.client.filters")

local M = {}

---@class mainsequence.Resource
---@field path string of the collection, with slashes at both ends
---@field name string
---@field filters table<string, string>? known filters; nil: any
---@field session mainsequence.Session

---A path segment, escaped.
---@param text string
---@return string
function M.segment(text)
  return (text:gsub("[^%w%-._~]", function(character)
    return ("%%%02X"):format(character:byte())
  end))
end

---Rows of a reply that is a list or an object with `results`.
---@param body any
---@param what string
---@return table[]|nil rows, mainsequence.Error?
function M.rows(body, what)
  if type(body) == "table" and not core.is_array(body) then
    body = body.results
  end
  if type(body) ~= "table" or not core.is_array(body) then
    return nil, core.error({ code = "transport", message = ("%s: the reply is no list"):format(what) })
  end
  return body
end

---@param what string
---@return table|nil object, mainsequence.Error?
function M.object(body, what)
  if type(body) ~= "table" or core.is_array(body) then
    return nil, core.error({ code = "transport", message = ("%s: the reply is no object"):format(what) })
  end
  return body
end

---A class without methods of its own.
---@param name string
---@param path string
---@param session mainsequence.Session
---@param known table<string, string>?
---@return table class
function M.class(name, path, session, known)
  local class = { name = name, path = path, session = session, filters = known }
  local methods = {}
  class.methods = methods
  local instance_mt = {
    __name = "mainsequence." .. name,
    __index = methods,
    __tostring = function(object)
      return ("%s %s"):format(name, rawget(object, "identifier") or rawget(object, "physical_table_name")
        or rawget(object, "uid") or "?")
    end,
    -- in the order the server gave, and the same on every run
    __pairs = function(object)
      local keys, position = fault.sorted_keys(object), 0
      return function()
        position = position + 1
        local key = keys[position]
        if key ~= nil then
          return key, rawget(object, key)
        end
      end
    end,
  }

  ---An instance of a document; members that are null are left out.
  function class.new(document)
    local object = {}
    for _, key in ipairs(core.keys(document)) do
      if document[key] ~= core.null then
        object[key] = document[key]
      end
    end
    return setmetatable(object, instance_mt)
  end

  function class.is(value)
    return getmetatable(value) == instance_mt
  end

  ---The path of one object: of an instance, or of a uid.
  function class.path_of(what, object, place, suffix)
    local uid = object
    if type(object) == "table" then
      uid = object.uid
    end
    if type(uid) ~= "string" or not uid:find("%S") then
      fault.raise(place, ("%s: a %s must have a uid, got %s"):format(what, name, fault.show(uid)))
    end
    return path .. M.segment(uid) .. "/" .. (suffix or "")
  end

  ---Instances of rows.
  function class.instances(rows)
    local list = {}
    for position, row in ipairs(rows) do
      list[position] = class.new(row)
    end
    return list
  end

  ---One object of a reply.
  function class.instance(body, what)
    local document, err = M.object(body, what)
    if not document then
      return nil, err
    end
    return class.new(document)
  end
  return class
end

local function list(class, what, given, place)
  local query = filters.query(what, class.filters, given, place)
  local rows, err = class.session:list(class.path, query)
  if not rows then
    return nil, err
  end
  return class.instances(rows)
end

local function get(class, what, key, place)
  if type(key) == "string" then
    local body, err = class.session:call("GET", class.path_of(what, key, place))
    if not body then
      return nil, err
    end
    return class.instance(body, what)
  end
  local found, err = list(class, what, key, place)
  if not found then
    return nil, err
  end
  if #found == 1 then
    return found[1]
  end
  return nil, core.error({
    code = #found == 0 and "not_found" or "api", status = #found == 0 and 404 or nil,
    message = ("%s: %d objects match, one was asked for"):format(what, #found),
  })
end

---Reading: get, get_or_none, filter, list.
---@param class table
function M.add_reading(class)
  local methods = class.methods

  ---One object by uid, or by filters that fit only one. A missing one is an error.
  function methods.get(key)
    local place = fault.here(1)
    if type(key) ~= "string" and type(key) ~= "table" then
      fault.raise(place, ("%s.get takes a uid or a table of filters, got %s"):format(class.name, fault.show(key)))
    end
    return get(class, class.name .. ".get", key, place)
  end

  ---As get; nil alone when there is none.
  function methods.get_or_none(key)
    local place = fault.here(1)
    if type(key) ~= "string" and type(key) ~= "table" then
      fault.raise(place, ("%s.get_or_none takes a uid or a table of filters, got %s"):format(class.name, fault.show(key)))
    end
    local object, err = get(class, class.name .. ".get_or_none", key, place)
    if object == nil and err.code == "not_found" then
      return nil
    end
    return object, err
  end

  ---All objects that match.
  function methods.filter(given)
    local place = fault.here(1)
    return list(class, class.name .. ".filter", given, place)
  end

  methods.list = methods.filter
end

return M
