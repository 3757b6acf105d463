--- The rows of a select one by one: as a stream, and by pages where the TS Manager has none.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")

local M = {}

-- Rows of a page when the operation names no size.
local PAGE = 1000

---@class mainsequence.RowOptions
---@field max_rows integer? at most so many rows

---@param options mainsequence.RowOptions
---@param what string the function's name
---@param place mainsequence.Place
---@return mainsequence.RowOptions
function M.check_options(options, what, place)
  fault.check_options(place, what, options, { "max_rows" })
  local most = options.max_rows
  if most ~= nil and (math.type(most) ~= "integer" or most < 1) then
    fault.raise(place, ("%s: max_rows is a whole number above 0, got %s"):format(what, fault.show(most)))
  end
  return options
end

-- A copy of the operation with other limits.
local function with_limits(operation, changes)
  local copy, limits = core.object(), core.object()
  for _, key in ipairs(core.keys(operation)) do copy[key] = operation[key] end
  for _, key in ipairs(core.keys(operation.limits)) do
    if key ~= "max_rows" then limits[key] = operation.limits[key] end
  end
  for key, value in pairs(changes) do limits[key] = value end
  copy.limits = limits
  return copy
end

local function failing(err)
  return function()
    local failure = err
    err = nil
    if failure then return false, failure end
    return nil
  end
end

-- Statements of their own, one a page.
local function by_pages(client, operation, page, most)
  local offset = operation.limits.offset
  local rows, position, left, more = {}, 0, most or math.huge, true
  local function fetch()
    local size = left < page and left or page
    local result, err = client:execute_operation(with_limits(operation, { max_rows = size, offset = offset }))
    if not result then return nil, err end
    rows, position = result.rows, 0
    offset, left = offset + #rows, left - #rows
    more = result.truncated and #rows > 0 and left > 0
    return true
  end
  return function()
    while position == #rows do
      if not more then return nil end
      local ok, err = fetch()
      if not ok then
        rows, position, more = {}, 0, false
        return false, err
      end
    end
    position = position + 1
    return rows[position]
  end
end

-- An older TS Manager, or another's. What else a 404 may mean, the pages will say.
local function lacks_route(err)
  return err.status == 404 or err.status == 405
end

---What a generic for takes. A failure comes in the loop, also when there is no first row.
---@param session mainsequence.Session
---@param operation table as the caller gave it
---@param options mainsequence.RowOptions
---@param complete fun(client: mainsequence.Client): table|nil, mainsequence.Error?  the operation with all it needs
function M.iterate(session, operation, options, complete)
  local client, err = session:client()
  if not client then
    return failing(err)
  end
  local whole, complete_error = complete(client)
  if not whole then
    return failing(complete_error)
  end
  local stream, stream_error = client:stream_operation(with_limits(whole, { max_rows = options.max_rows }))
  if stream then
    return stream.next, stream, nil, stream
  end
  if not lacks_route(stream_error) then
    return failing(stream_error)
  end
  local page = type(operation.limits) == "table" and operation.limits.max_rows or PAGE
  return by_pages(client, whole, page, options.max_rows)
end

return M
