--- The data of time-indexed tables: statistics, ranges, last observations, deleting a tail.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")
local resource = require("mainsequence.client.resource")

local M = {}

-- ---- Times ---------------------------------------------------------------------------------------

-- A timestamp of mainsequence.sql: it knows what was written, and what travels.
local function is_timestamp(value)
  return type(value) == "table" and value.kind == "timestamp" and type(value.wire) == "string"
end

-- Microseconds since 1970 of a sql.timestamp or of a text with an offset.
local function microseconds_of(what, name, value, place)
  local text = is_timestamp(value) and value.wire or value
  local microseconds, err = nil, nil
  if type(text) == "string" then
    microseconds, err = core.parse_time(text)
  end
  if not microseconds then
    fault.raise(place, ("%s: %s is a time with its offset or a number of seconds, got %s"):format(what, name, fault.show(value)),
      err and err.message)
  end
  return microseconds
end

---Seconds since 1970, as the wire has them: a float.
local function seconds(what, name, value, place)
  if value == nil or value == core.null then
    return core.null
  end
  if type(value) == "number" then
    return value + 0.0
  end
  return microseconds_of(what, name, value, place) / 1e6
end

---Whole seconds since 1970; numbers stay as they are.
local function whole_seconds(what, name, value, place)
  if type(value) == "number" then
    return value
  end
  return microseconds_of(what, name, value, place) // 1000000
end

-- ---- Dimensions ----------------------------------------------------------------------------------

local DATES = { "start_date", "end_date" }

---The dimensions that tell the series of a table apart: its index without the time; nil when nobody said.
local function identity_dimensions(object)
  local profile = type(object) == "table" and object.time_indexed_profile
  if type(profile) ~= "table" then
    return nil
  end
  local names = {}
  for _, name in ipairs(profile.index_names) do
    if name ~= profile.time_index_name then
      names[#names + 1] = name
    end
  end
  return names
end

local function check_coordinate(what, object, position, entry, place)
  local coordinate = type(entry) == "table" and entry.coordinate
  if type(coordinate) ~= "table" then
    fault.raise(place, ("%s: entry %d of dimension_range_map has no coordinate"):format(what, position))
  end
  for _, name in ipairs(identity_dimensions(object) or {}) do
    if coordinate[name] == nil then
      fault.raise(place, ("%s: the coordinate of entry %d of dimension_range_map lacks %s"):format(what, position, name),
        "it needs " .. table.concat(identity_dimensions(object), ", "))
    end
  end
end

---Entries of dimension_range_map as they are sent.
local function ranges(what, object, given, place)
  local list = core.array({})
  for position, entry in ipairs(given or {}) do
    check_coordinate(what, object, position, entry, place)
    local copy = core.object()
    for _, key in ipairs(core.keys(entry)) do
      copy[key] = entry[key]
    end
    for _, key in ipairs(DATES) do
      if copy[key] ~= nil and copy[key] ~= core.null then
        copy[key] = whole_seconds(what, key, copy[key], place)
      end
    end
    list[position] = copy
  end
  return list
end

local SCOPE = { "dimension_filters", "index_coordinates", "dimension_range_map" }

---Adds what narrows a call down to some series; `sent` is the chunk of ranges.
local function add_scope(body, options, sent)
  body.dimension_filters = options.dimension_filters
  body.index_coordinates = options.index_coordinates and core.array(options.index_coordinates)
  if sent and #sent > 0 then
    body.dimension_range_map = sent
  end
  return body
end

-- ---- Ranges --------------------------------------------------------------------------------------

-- Ranges are sent in chunks of this many.
local CHUNK = 100

local READ_OPTIONS = {
  "start_date", "end_date", "great_or_equal", "less_or_equal", "columns", table.unpack(SCOPE),
}

local function or_null(value)
  if value == nil then
    return core.null
  end
  return value
end

local function read_body(what, options, place)
  return core.object("start_date", seconds(what, "start_date", options.start_date, place),
    "end_date", seconds(what, "end_date", options.end_date, place), "great_or_equal", or_null(options.great_or_equal),
    "less_or_equal", or_null(options.less_or_equal), "columns", options.columns and core.array(options.columns) or core.null,
    "offset", 0)
end

---Adds the rows of all pages to `rows`; gives the last page.
local function read_pages(session, what, path, body, rows)
  while true do
    local page, err = session:call("POST", path, { body = body })
    if resource.failed(page, err) then
      return nil, err
    end
    local object, object_error = resource.object(page, what)
    if not object then
      return nil, object_error
    end
    local results = object.results
    if results ~= nil and (type(results) ~= "table" or not core.is_array(results)) then
      return resource.unexpected(what, "no page: results is no list")
    end
    table.move(results or {}, 1, #(results or {}), #rows + 1, rows)
    local following = object.next_offset
    if following == nil or following == core.null or following == 0 then
      return object
    end
    if math.type(following) ~= "integer" or following <= body.offset then
      return resource.unexpected(what, ("no page: next_offset %s does not follow %d"):format(fault.show(following), body.offset))
    end
    body.offset = following
  end
end

---Reads in chunks of ranges. `identifier` is nil where the path tells the table.
local function read(session, what, path, object, options, identifier, place)
  options = options or {}
  fault.check_options(place, what, options, READ_OPTIONS)
  local all, rows, last = ranges(what, object, options.dimension_range_map, place), core.array({}), nil
  for first = 1, math.max(#all, 1), CHUNK do
    local chunk = core.array(table.move(all, first, math.min(first + CHUNK - 1, #all), 1, {}))
    local body = add_scope(read_body(what, options, place), options, chunk)
    body.node_identifier = identifier
    local page, err = read_pages(session, what, path, body, rows)
    if not page then
      return nil, err
    end
    last = page
  end
  return rows, last
end

-- ---- Statistics ----------------------------------------------------------------------------------

-- Numbers of seconds, milliseconds, microseconds or nanoseconds, told apart by their size → microseconds.
local function microseconds_of_number(number)
  local size = math.abs(number)
  local factor = size > 1e17 and 1e-3 or size > 1e14 and 1 or size > 1e11 and 1e3 or 1e6
  return math.floor(number * factor)
end

-- A tree whose leaves are times, with each time as text in UTC.
local function times(tree)
  if type(tree) == "number" then
    return core.format_time(microseconds_of_number(tree), true)
  end
  if type(tree) == "string" then
    local microseconds = core.parse_time(tree) or core.parse_time(tree .. "Z") or core.parse_time(tree .. "T00:00:00Z")
    return microseconds and core.format_time(microseconds, true) or tree
  end
  if type(tree) ~= "table" then
    return tree
  end
  local copy = core.object()
  for _, key in ipairs(core.keys(tree)) do
    copy[key] = times(tree[key])
  end
  return copy
end

local function given(value)
  return value ~= nil and value ~= core.null and value or nil
end

-- The statistics of a reply, wherever it keeps them.
local function statistics_of(reply)
  local stats = given(reply.update_statistics) or reply
  local nested = given(stats.multi_index_stats) or core.object()
  return {
    global_index_progress = times(given(stats.global_index_progress) or given(nested._GLOBAL_)
      or given(nested.global_index_progress)),
    index_progress = times(given(stats.index_progress) or given(nested.index_progress) or core.object()),
    index_min = times(given(stats.index_min) or given(nested.index_min) or core.object()),
    multi_index_column_stats = given(stats.multi_index_column_stats) or core.object(),
  }
end

-- ---- Deleting ------------------------------------------------------------------------------------

---The time as Python writes it, with an offset instead of Z; texts stay as they are.
local function iso_text(what, value, place)
  if is_timestamp(value) then
    return (value.text:gsub("[Zz]$", "+00:00"))
  end
  if type(value) == "number" then
    return (core.format_time(math.floor(value * 1e6), true):gsub("Z$", "+00:00"))
  end
  if type(value) ~= "string" or not value:find("%S") then
    fault.raise(place, ("%s takes the time after which rows go, got %s"):format(what, fault.show(value)))
  end
  return value
end

-- ---- The class's methods -------------------------------------------------------------------------

---@class mainsequence.ReadOptions
---@field start_date (string|number|mainsequence.sql.Value)? a time with its offset, or seconds since 1970
---@field end_date (string|number|mainsequence.sql.Value)?
---@field great_or_equal boolean? whether start_date itself belongs to the range
---@field less_or_equal boolean?
---@field columns string[]?
---@field dimension_filters table<string, any[]>?
---@field index_coordinates table[]?
---@field dimension_range_map mainsequence.DimensionRange[]?

---@class mainsequence.DimensionRange
---@field coordinate table the value of each dimension
---@field start_date any as in ReadOptions
---@field start_date_operand ">="|">"|nil
---@field end_date any
---@field end_date_operand "<="|"<"|nil

---@class mainsequence.UpdateStatistics
---@field global_index_progress { max: string?, min: string? }?
---@field index_progress table nested by dimension
---@field index_min table nested by dimension
---@field multi_index_column_stats table

---@param class table
function M.add(class)
  local methods, session, name = class.methods, class.session, class.name

  ---What times the table's data covers.
  ---@return mainsequence.UpdateStatistics|nil, mainsequence.Error?
  function methods.get_data_updates(object)
    local what, place = name .. ".get_data_updates", fault.here(1)
    local reply, err = session:call("GET", class.path_of(what, object, place, "get-stats/"))
    if resource.failed(reply, err) then
      return nil, err
    end
    local document, object_error = resource.object(reply, what)
    return document and statistics_of(document), object_error
  end

  ---Rows of a range of time, all pages of them.
  ---@param options mainsequence.ReadOptions?
  ---@return table[]|nil rows, mainsequence.Error?
  function methods.get_data_between_dates(object, options)
    local what, place = name .. ".get_data_between_dates", fault.here(1)
    local path = class.path_of(what, object, place, "get_data_between_dates_from_remote/")
    local rows, err = read(session, what, path, object, options, nil, place)
    if not rows then
      return nil, err
    end
    return rows
  end

  ---As get_data_between_dates, of the table with an identifier; gives the table too.
  ---@param identifier string
  ---@param options mainsequence.ReadOptions?
  ---@return table[]|nil rows, mainsequence.TimeIndexMetaTable|mainsequence.Error table_or_err
  function methods.get_data_between_dates_from_node_identifier(identifier, options)
    local what, place = name .. ".get_data_between_dates_from_node_identifier", fault.here(1)
    if type(identifier) ~= "string" or not identifier:find("%S") then
      fault.raise(place, ("%s takes an identifier, got %s"):format(what, fault.show(identifier)))
    end
    local path = class.path .. "get_data_between_dates_from_node_identifier/"
    local rows, last = read(session, what, path, nil, options, identifier, place)
    if not rows then
      return nil, last
    end
    local node, err = class.instance(last.storage_node, what)
    if not node then
      return nil, err
    end
    return rows, node
  end

  ---The last row of each series.
  ---@param options { dimension_filters: table?, index_coordinates: table[]?, dimension_range_map: table[]? }?
  ---@return table[]|nil rows, mainsequence.Error?
  function methods.get_last_observation(object, options)
    local what, place = name .. ".get_last_observation", fault.here(1)
    options = options or {}
    fault.check_options(place, what, options, SCOPE)
    local body = add_scope(core.object(), options, ranges(what, object, options.dimension_range_map, place))
    local reply, status = session:call("POST", class.path_of(what, object, place, "get_last_observation/"), { body = body })
    if resource.failed(reply, status) then
      return nil, status
    end
    if status ~= 200 or type(reply) ~= "table" or not core.is_array(reply) then
      return resource.unexpected(what, "no list of rows")
    end
    return reply
  end

  ---Deletes the rows from a time on, that time included.
  ---@param after_date string|number|mainsequence.sql.Value texts are sent as they are
  ---@param options { dimension_filters: table?, index_coordinates: table[]?, dimension_range_map: table[]? }?
  ---@return table|nil reply, mainsequence.Error?
  function methods.delete_after_date(object, after_date, options)
    local what, place = name .. ".delete_after_date", fault.here(1)
    options = options or {}
    fault.check_options(place, what, options, SCOPE)
    local body = add_scope(core.object("after_date", iso_text(what, after_date, place)), options,
      ranges(what, object, options.dimension_range_map, place))
    local reply, err = session:call("POST", class.path_of(what, object, place, "delete_after_date/"), { body = body })
    if resource.failed(reply, err) then
      return nil, err
    end
    return resource.object(reply, what)
  end
end

return M
