-- What counts as the same outcome of a call, and where our client differs from the reference's on purpose. See
-- known_differences.lua.

local core = require("mainsequence.core")

local M = {}

-- ---- Outcomes ------------------------------------------------------------------------------------

-- Refusals of the reference by their status, and what they are called with us.
local BY_STATUS = { [400] = "BadRequestError", [401] = "AuthenticationError", [403] = "PermissionDeniedError",
  [404] = "NotFoundError", [409] = "ConflictError", [429] = "RateLimitError" }

local function class_of_status(status)
  return BY_STATUS[status] or (status >= 500 and status <= 599 and "ServerError") or "ApiError"
end

-- Python's classes for arguments that are wrong, and for replies that are.
local PYTHON = { ValidationError = true, ValueError = true, TypeError = true, AttributeError = true, KeyError = true,
  JSONDecodeError = true }

local function expected_error(golden, case)
  if golden.status_code then
    local document = core.object("error", golden.type, "status", golden.status_code)
    if golden.message:find("^%d+ %u+ ") then document.message = golden.message end
    return document
  end
  local asked = #(case.exchanges or {}) > 0
  if golden.type == "DoesNotExist" then return core.object("error", "NotFoundError", "status", 404) end
  if PYTHON[golden.type] or golden.message:find("^Unexpected ") then
    return core.object("error", asked and "unusable reply" or "refused")
  end
  return core.object("error", "failed")
end

---@param case table
---@return table outcome { result } or { error, status?, message? }
function M.expected_outcome(case)
  if case.error then return expected_error(case.error, case) end
  return core.object("result", case.result)
end

---@param answer table of spec/golden/wire_call.lua
---@param case table
---@return table outcome
function M.outcome(answer, case)
  if answer.refused then return core.object("error", "refused") end
  local err = answer.error
  if not err then return core.object("result", answer.result) end
  if err.status ~= core.null then
    local document = core.object("error", class_of_status(err.status), "status", err.status)
    local golden = case.error and case.error.message or ""
    if golden:find("^%d+ %u+ ") then document.message = err.message end
    return document
  end
  return core.object("error", err.code == "transport" and "unusable reply" or "failed")
end

M.rules = {}

return M
