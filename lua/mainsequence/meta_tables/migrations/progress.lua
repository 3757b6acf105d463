--- The lines that tell what a migration does: status lines, and one line for each table that a call
--- touched (protocol, section 11).

local core = require("mainsequence.core")

local M = {}

local PREFIX = "[mainsequence migrations] "

---A status line.
---@param context mainsequence.migrations.Context
---@param format string
---@param ... any
function M.say(context, format, ...)
  context.report(PREFIX .. format:format(...))
end

-- ---- Lines about one table ---------------------------------------------------------------------

---Booleans and null as the reference prints them.
function M.word(value)
  if type(value) == "boolean" then
    return value and "True" or "False"
  end
  if value == core.null then
    return "None"
  end
  return tostring(value)
end

function M.given(value)
  return value ~= nil and value ~= core.null
end

function M.has_error(value)
  return M.given(value) and value ~= "" and not (type(value) == "table" and next(value) == nil)
end

---"POST /path reserved MetaTable identifier=… uid=…": one line for one row.
function M.row(path, action, row, class_name)
  local identifier = M.given(row.identifier) and row.identifier or M.given(row.meta_table_uid) and row.meta_table_uid or "?"
  local line = { ("POST %s %s MetaTable identifier=%s"):format(path, action, identifier) }
  local function add(name, value)
    if M.given(value) then
      line[#line + 1] = ("%s=%s"):format(name, M.word(value))
    end
  end
  add("model", class_name ~= identifier and class_name or nil)
  add("uid", M.given(row.uid) and row.uid or row.meta_table_uid)
  add("physical_table", row.physical_table_name)
  add("provisioning_status", row.provisioning_status)
  add("finalized", row.finalized)
  add("physical_table_exists", row.physical_table_exists)
  if M.has_error(row.error) then
    line[#line + 1] = "error=" .. core.json_encode(row.error, { sorted = true })
  end
  return table.concat(line, " ")
end

-- ---- Calls -------------------------------------------------------------------------------------

---A call that is told step by step, as the reference does for the large ones.
---@param context mainsequence.migrations.Context
---@param path string
---@param body any
---@param accept integer? a status besides 2xx that is a result
---@return any|nil reply, mainsequence.Error?
function M.post(context, path, body, accept)
  local url = context.client:endpoint() .. path
  M.say(context, "Serializing POST %s payload...", url)
  M.say(context, "Serialized POST %s payload bytes=%d.", url, #core.json_encode(body))
  M.say(context, "Building API session for POST %s...", url)
  M.say(context, "Sending HTTP POST %s...", url)
  local reply, status = context.client:call("POST", path, { body = body, accept = accept })
  if reply == nil then
    if core.is_error(status) and status.status then
      M.say(context, "Received HTTP %d from POST %s.", status.status, url)
    end
    return nil, status
  end
  M.say(context, "Received HTTP %d from POST %s.", math.type(status) == "integer" and status or 200, url)
  return reply
end

return M
