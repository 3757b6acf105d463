--- Classes of catalog objects: collections behind a path, instances with methods. A class belongs to a
--- session. Its methods fail as `nil, err`; wrong arguments raise.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")
local filters = require("mainsequence.client.filters")
local replies = require("mainsequence.client.replies")

local M = {}

---@class mainsequence.Resource
---@field path string of the collection, with slashes at both ends
---@field name string
---@field model mainsequence.ReplyModel of its rows
---@field filters table<string, table>? known filters; nil: any
---@field session mainsequence.Session

---A path segment, escaped.
---@param text string
---@return string
function M.segment(text)
  return (text:gsub("[^%w%-._~]", function(character)
    return ("%%%02X"):format(character:byte())
  end))
end

---The error of a reply that the protocol does not know.
---@param what string
---@param problem string
---@return nil, mainsequence.Error
function M.unexpected(what, problem)
  return nil, core.error({ code = "transport", message = ("%s: the reply is %s"):format(what, problem) })
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
    return M.unexpected(what, "no list")
  end
  return body
end

---@param what string
---@return table|nil object, mainsequence.Error?
function M.object(body, what)
  if type(body) ~= "table" or core.is_array(body) then
    return M.unexpected(what, "no object")
  end
  return body
end

---A reply of a model: checked, with its defaults; null is nil.
---@param model mainsequence.ReplyModel
---@param body any
---@param what string
---@return table|nil object, mainsequence.Error?
function M.read(model, body, what)
  local object, wrong = replies.read(model, body)
  if not object then
    return M.unexpected(what, ("no %s: %s"):format(model.name, wrong))
  end
  return object
end

---Whether a call of the session failed: its first result is nil also when the reply was empty.
---@param reply any
---@param status_or_err any
---@return boolean
function M.failed(reply, status_or_err)
  return reply == nil and core.is_error(status_or_err)
end

---A class without methods of its own.
---@param name string
---@param path string
---@param session mainsequence.Session
---@param known table<string, table>?
---@return table class
function M.class(name, path, session, known)
  local class = { name = name, path = path, session = session, filters = known, model = replies[name] }
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

  ---An instance of what a TS Manager sent; fields that are null are nil.
  function class.instance(body, what)
    local object, err = M.read(class.model, body, what)
    return object and setmetatable(object, instance_mt), err
  end

  ---Instances of rows.
  function class.instances(rows, what)
    local list = {}
    for position, row in ipairs(rows) do
      local object, err = class.instance(row, what)
      if not object then
        return nil, err
      end
      list[position] = object
    end
    return list
  end

  ---The document of an instance: every field in the protocol's order, null where it has none.
  function class.document(object)
    return replies.document(class.model, object)
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

  return class
end

-- ---- Reading -------------------------------------------------------------------------------------

local function list(class, what, given, place)
  local query = filters.query(what, class.filters, given, place)
  local rows, err = class.session:list(class.path, query)
  if not rows then
    return nil, err
  end
  return class.instances(rows, what)
end

-- Objects of a list one by one; a page is asked for when its first object is.
local function each(class, what, query, max_items)
  local rows, position, link, given, failed = {}, 0, class.path, 0, false
  local function turn_page()
    local page, next_link = class.session:page(link, query)
    if not page then
      return next_link
    end
    if next_link == link then
      return core.error({ code = "transport", message = ("%s: page %s names itself as the next one"):format(what, link) })
    end
    rows, position, link, query = page, 0, next_link, nil
  end
  return function()
    if failed or given == max_items then
      return nil
    end
    while position >= #rows do
      if not link then
        return nil
      end
      local err = turn_page()
      if err then
        failed = true
        return false, err
      end
    end
    position, given = position + 1, given + 1
    local object, err = class.instance(rows[position], what)
    if not object then
      failed = true
      return false, err
    end
    return object
  end
end

local function get_by_uid(class, what, uid, params, place)
  local path = class.path_of(what, uid, place)
  local query = params ~= nil and filters.query(what, nil, params, place) or nil
  local body, err = class.session:call("GET", path, { query = query })
  if M.failed(body, err) then
    return nil, err
  end
  return class.instance(body, what)
end

local function get(class, what, key, params, place)
  if type(key) ~= "string" and type(key) ~= "table" then
    fault.raise(place, ("%s takes a uid or a table of filters, got %s"):format(what, fault.show(key)))
  end
  if type(key) == "string" then
    return get_by_uid(class, what, key, params, place)
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

---Reading: get, get_by_uid, get_or_none, filter, list, iter_filter.
---@param class table
function M.add_reading(class)
  local methods = class.methods

  ---One object by uid, or by filters that fit only one. A missing one is an error.
  ---@param key string|table
  ---@param params table? with a uid: more parameters of the query
  function methods.get(key, params)
    local place = fault.here(1)
    return get(class, class.name .. ".get", key, params, place)
  end

  ---One object by uid.
  ---@param uid string
  ---@param params table? more parameters of the query
  function methods.get_by_uid(uid, params)
    local place = fault.here(1)
    return get_by_uid(class, class.name .. ".get_by_uid", uid, params, place)
  end

  ---As get; nil alone when there is none.
  ---@param key string|table
  ---@param params table?
  function methods.get_or_none(key, params)
    local place = fault.here(1)
    local object, err = get(class, class.name .. ".get_or_none", key, params, place)
    if object == nil and (err.code == "not_found" or err.status == 404) then
      return nil
    end
    return object, err
  end

  ---All objects that match.
  ---@param given table? filters
  function methods.filter(given)
    local place = fault.here(1)
    return list(class, class.name .. ".filter", given, place)
  end

  methods.list = methods.filter

  ---The objects that match, one by one: `for object, err in MetaTable.iter_filter { … } do`. Nothing is sent before
  ---the first, and a page only when it is needed. On failure `object` is false, once, with err.
  ---@param given table? filters
  ---@param options { max_items: integer? }?
  ---@return fun(): table|false|nil, mainsequence.Error?
  function methods.iter_filter(given, options)
    local what, place = class.name .. ".iter_filter", fault.here(1)
    options = options or {}
    fault.check_options(place, what, options, { "max_items" })
    local max_items = options.max_items
    if max_items ~= nil and (math.type(max_items) ~= "integer" or max_items < 0) then
      fault.raise(place, ("%s: max_items is a whole number of at least 0, got %s"):format(what, fault.show(max_items)))
    end
    return (each(class, what, filters.query(what, class.filters, given, place), max_items))
  end
end

return M
