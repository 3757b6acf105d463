-- What the commands on tables share: rows of both kinds, and the one that a word names.

local core = require("mainsequence.core")

local M = {}

local CLASSES = { "MetaTable", "TimeIndexMetaTable" }

---A value as it is shown: nothing for null, JSON for lists and objects.
---@param value any
---@return string
function M.text(value)
  if value == nil or value == core.null then return "" end
  if type(value) == "table" then return core.json_encode(value, { unicode = true }) end
  return tostring(value)
end

-- Whether a row has the value, or one of the values, that a filter asks for.
local function matches(row, key, value)
  local field, several = key:gsub("__in$", "")
  if several == 0 then return M.text(row[field]) == value end
  for word in value:gmatch("[^,]+") do
    if M.text(row[field]) == word then return true end
  end
  return false
end

---Rows of one kind. Time-indexed tables have fewer filters than the others: the rest is done here.
local function rows_of_class(session, class, query)
  local asked, rest = core.object(), {}
  for _, key in ipairs(core.keys(query)) do
    if class.filters[key] then asked[key] = query[key] else rest[#rest + 1] = key end
  end
  local list, err = session:list(class.path, asked)
  if not list then return nil, err end
  local rows = {}
  for _, row in ipairs(list) do
    local good = true
    for _, key in ipairs(rest) do good = good and matches(row, key, query[key]) end
    if good then rows[#rows + 1] = row end
  end
  return rows
end

---Rows of both kinds as the TS Manager gives them, oldest first, and the class of each.
---@param session mainsequence.Session
---@param query table filters
---@return table[]|nil rows, table<table, table>|mainsequence.Error class_of_or_err
function M.rows(session, query)
  local rows, class_of = core.array({}), {}
  for _, name in ipairs(CLASSES) do
    local list, err = rows_of_class(session, session.classes[name], query)
    if not list then return nil, err end
    table.move(list, 1, #list, #rows + 1, rows)
    for _, row in ipairs(list) do class_of[row] = session.classes[name] end
  end
  table.sort(rows, function(a, b)
    local left, right = M.text(a.creation_date), M.text(b.creation_date)
    if left ~= right then return left < right end
    return M.text(a.uid) < M.text(b.uid)
  end)
  return rows, class_of
end

---The table that a word names: its uid, identifier or physical name.
---@param session mainsequence.Session
---@param word string
---@return table|nil row, table|mainsequence.Error class_or_err
function M.find(session, word)
  for _, key in ipairs({ core.normalize_uuid(word) and "uid" or "identifier", "physical_table_name" }) do
    local rows, class_of = M.rows(session, core.object(key, word))
    if not rows then return nil, class_of end
    if #rows > 1 then
      return nil, core.error { code = "conflict", message = ("%d tables have the %s '%s'"):format(#rows, key, word),
        hint = "name one by its uid" }
    end
    if rows[1] then return rows[1], class_of[rows[1]] end
  end
  return nil, core.error { code = "not_found", message = ("the catalog has no table '%s'"):format(word),
    hint = "mainsequence meta-table list shows what it has" }
end

return M
