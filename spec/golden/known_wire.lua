-- What counts as the same outcome of a call, and where our client differs from the reference's on purpose. See
-- known_differences.lua.

local core = require("mainsequence.core")
local statements = require("known_statements")

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

-- A message with its escaped characters as themselves: the reference writes ASCII, we write UTF-8.
local function unescaped(text)
  return (text:gsub("\\u(%x%x%x%x)", function(digits)
    local code = tonumber(digits, 16)
    return (code < 0xD800 or code > 0xDFFF) and utf8.char(code) or nil
  end))
end

local function expected_error(golden, case)
  if golden.status_code then
    local document = core.object("error", golden.type, "status", golden.status_code)
    if golden.message:find("^%d+ %u+ ") then document.message = unescaped(golden.message) end
    return document
  end
  local asked = #(case.exchanges or {}) > 0
  if golden.type == "DoesNotExist" then return core.object("error", "NotFoundError", "status", 404) end
  if PYTHON[golden.type] or golden.message:find("^Unexpected ") then
    return core.object("error", asked and "unusable reply" or "refused")
  end
  local last = asked and case.exchanges[#case.exchanges].response.status
  return core.object("error", golden.type == "RuntimeError" and last and last < 300 and "unusable reply" or "failed")
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
    if golden:find("^%d+ %u+ ") then document.message = unescaped(err.message) end
    return document
  end
  return core.object("error", (err.code == "transport" or err.code == "catalog") and "unusable reply" or "failed")
end

-- ---- Helpers of the rules ------------------------------------------------------------------------

local requests = require("mainsequence.client.metatables")

local function args_of(case)
  local args = case.neutral_call.args
  return type(args) == "table" and args or {}
end

local function copy_of(document)
  local copy = core.is_array(document) and core.array({}) or core.object()
  for position, item in ipairs(core.is_array(document) and document or {}) do copy[position] = item end
  for _, key in ipairs(core.is_array(document) and {} or core.keys(document)) do copy[key] = document[key] end
  return copy
end

-- The expected requests with each changed.
local function changed(expected, change)
  local list = core.array({})
  for position, request in ipairs(expected) do
    local copy = copy_of(request)
    change(copy)
    list[position] = copy
  end
  return list
end

-- The value with every part that `change` knows made another.
local function deep(value, change)
  if type(value) ~= "table" then return value end
  local copy = core.is_array(value) and core.array({}) or core.object()
  for position, item in ipairs(core.is_array(value) and value or {}) do copy[position] = deep(item, change) end
  for _, key in ipairs(core.is_array(value) and {} or core.keys(value)) do
    local inner = deep(value[key], change)
    local keep, new = change(key, inner)
    if new == nil then new = inner end
    if keep then copy[key] = new end
  end
  return copy
end

local function says_lua(_, expected)
  return deep(expected, function(key, inner)
    if key ~= "table_model" then return true end
    return true, core.object("kind", "lua", "module", inner.module, "qualname", inner.qualname)
  end)
end

local function last_reply(case)
  local exchanges = case.exchanges or {}
  return exchanges[#exchanges] and exchanges[#exchanges].response or {}
end

local function failed_with_status(case)
  local status = last_reply(case).status
  local is_result = type(last_reply(case).body) == "table" and last_reply(case).body.ok ~= nil
  return case.error and not case.error.status_code and status and status >= 400 and not is_result and status
end

-- The redirect that our client does not follow: it would turn a POST into a GET and lose the body.
local function lost_body(case)
  local exchanges = case.exchanges or {}
  for position, exchange in ipairs(exchanges) do
    local status, following = exchange.response.status, exchanges[position + 1]
    if status and status >= 300 and status <= 399 and following and following.request.method ~= exchange.request.method then
      return position
    end
  end
end

-- The reply to the refresh of a token that was no success.
local function refused_refresh(case)
  local golden = case.error
  return golden and golden.status_code == 401 and golden.message:find("refresh failed with status", 1, true)
end

local function first_body(case)
  local first = (case.exchanges or {})[1]
  return first and first.request.body
end

-- ---- Calls that are not repeated ---------------------------------------------------------------

local ONCE = { run_query = true, delete_after_date = true }
local PASSING = { [500] = true, [502] = true, [503] = true, [504] = true }

local function happens_once(case)
  local call = case.neutral_call
  return ONCE[call.method] or call.method == "execute_operation" and args_of(case).operation ~= "select"
    and type(first_body(case)) == "table" and first_body(case).operation ~= "select"
end

---The exchanges of a case that our client takes part in: a call that must not happen twice ends with the first failure
---that does not say when to come back.
---@param case table
---@return table[]
function M.exchanges(case)
  local all, kept = case.exchanges or {}, core.array({})
  for position, exchange in ipairs(all) do
    kept[position] = exchange
    local reply = exchange.response
    local asked_back = reply.status == 503 and reply.headers and reply.headers["Retry-After"]
    if happens_once(case) and PASSING[reply.status] and not asked_back then break end
  end
  return kept
end

local function cut_short(case)
  local kept = M.exchanges(case)
  return #kept < #(case.exchanges or {}) and kept
end

local CHECKED = {
  register = function(case)
    return case.neutral_call.resource == "TimeIndexMetaTable" and requests.TimeIndexMetaTableRegistrationRequest
      or requests.MetaTableRegistrationRequest
  end,
  finalize_managed = function() return requests.ManagedMetaTableFinalizeRequest end,
  validate_contract = function() return requests.MetaTableValidateContractRequest end,
  validate_existing_contract = function() return requests.MetaTableValidateContractRequest end,
}

-- A request given as a mapping that the protocol does not know.
local function unchecked_mapping(case)
  local raw, check = args_of(case).raw, CHECKED[case.neutral_call.method]
  if not raw or not check or case.error then return false end
  return not pcall(check(case), raw)
end

-- Names that stand in the path of an object and have to be escaped.
local function escaped_uid(case)
  local uid = args_of(case).uid
  return type(uid) == "string" and uid:find("[^%w%-._~]") and (uid:gsub("[^%w%-._~]", function(character)
    return ("%%%02X"):format(character:byte())
  end))
end

local SHARING = { can_view = true, users_can_view = true, list_users_can_view = true, can_edit = true, users_can_edit = true,
  list_users_can_edit = true }

local function rows_of(frame)
  local rows = core.array({})
  for position, cells in ipairs(frame.rows) do
    local row = core.object()
    for index, name in ipairs(frame.columns) do row[name] = cells[index] end
    rows[position] = row
  end
  return rows
end

local function is_frame(value)
  return type(value) == "table" and value.__dataframe__ == true
end

-- The offset of the first row that a cut page did not give.
local function cut_offset(case)
  local golden = case.result
  if type(golden) ~= "table" or type(golden.pagination) ~= "table" or #case.exchanges < 2 then return nil end
  local asked, given = 0, 0
  for position, exchange in ipairs(case.exchanges) do
    if exchange.request.path:find("execute%-operation/$") then
      asked = exchange.request.body.limits.offset
      if position < #case.exchanges then given = given + #exchange.response.body.rows end
    end
  end
  local delivered = given + #last_reply(case).body.rows
  return delivered > #golden.rows and asked + #golden.rows - given
end

M.rules = {
  {
    reason = "a call that must not happen twice is repeated only on 429, or on 503 with Retry-After",
    applies = function(case, what) return (what == "requests" or what == "outcome") and cut_short(case) end,
    result = function(case, expected, what)
      local kept = cut_short(case)
      if what == "requests" then return core.array({ table.unpack(expected, 1, #kept) }) end
      local reply = kept[#kept].response
      if case.neutral_call.method == "run_query" and type(reply.body) == "table" and reply.body.ok ~= nil then
        return core.object("result", reply.body)
      end
      return core.object("error", class_of_status(reply.status), "status", reply.status,
        "message", expected.message)
    end,
  },
  {
    reason = "a server that cannot be reached is an error after four attempts, without a status; there is no outer loop",
    applies = function(case, what) return what == "outcome" and case.error and case.error.type == "TransportError" end,
    result = function() return core.object("error", "failed") end,
  },
  {
    reason = "no data source to be had is the environment's failure: it is given back, not raised",
    applies = function(case, what)
      local scope = args_of(case).scope
      return what == "outcome" and case.error and #(case.exchanges or {}) == 0 and type(scope) == "table"
        and scope.data_source_uid == nil and scope.dataSourceUid == nil
    end,
    result = function() return core.object("error", "failed") end,
  },
  {
    reason = "a request given as a mapping is checked as keywords are: nothing is sent that the protocol does not know",
    applies = function(case, what) return (what == "requests" or what == "outcome") and unchecked_mapping(case) end,
    result = function(_, _, what) return what == "requests" and core.array({}) or core.object("error", "refused") end,
  },
  {
    reason = "a model written in Lua says so: authoring.table_model.kind is \"lua\"",
    applies = function(case, what)
      local args = args_of(case)
      return what == "requests" and (args.models or args.platform_model or args.external_model) ~= nil
    end,
    result = function(case, expected) return M.further(case, says_lua(case, expected)) end,
  },
  {
    reason = "orm_class names a class of the Python SDK; servers must not need it, and values under that name are values",
    applies = function(case, what)
      local given = #statements.orm_classes(args_of(case).statement) > 0
      return what == "requests" and (given or #statements.orm_classes(first_body(case)) > 0)
    end,
    result = function(case, expected)
      local statement = args_of(case).statement
      return changed(expected, function(request)
        request.body = statements.without_orm_class(request.body)
        if statement then request.body.statement.parameters = statement.parameters end
      end)
    end,
  },
  {
    reason = "a uid is one segment of the path, whatever it holds",
    applies = function(case, what) return what == "requests" and escaped_uid(case) end,
    result = function(case, expected)
      local full = case.neutral_call.resource == "MetaTable" and "/orm/api/ts_manager/meta_table/"
        or "/orm/api/ts_manager/dynamic_table/"
      return changed(expected, function(request)
        request.path, request.raw_query = full .. escaped_uid(case) .. "/", ""
      end)
    end,
  },
  {
    reason = "a redirect that would lose the body is not followed: its status is the error",
    applies = function(case, what) return (what == "requests" or what == "outcome") and lost_body(case) end,
    result = function(case, expected, what)
      if what == "requests" then return core.array({ table.unpack(expected, 1, lost_body(case)) }) end
      local status = case.exchanges[lost_body(case)].response.status
      return core.object("error", class_of_status(status), "status", status)
    end,
  },
  {
    reason = "what to do about tokens that cannot be renewed is the error's hint, not its message",
    applies = function(case, what) return what == "outcome" and refused_refresh(case) end,
    result = function(case)
      return core.object("error", "AuthenticationError", "status", 401, "message", case.error.message:match("^[^.]*"))
    end,
  },
  {
    reason = "a refusal without a word says that it has none",
    applies = function(case, what)
      return what == "outcome" and case.error and case.error.status_code and case.error.message:find(": Request failed$") ~= nil
    end,
    result = function(_, expected)
      local copy = copy_of(expected)
      copy.message = copy.message:gsub("Request failed$", "the TS Manager refused without saying why")
      return copy
    end,
  },
  {
    reason = "a list reply that is no list is an error; the reference takes an object's keys for its items",
    applies = function(case, what)
      local body = last_reply(case).body
      return what == "outcome" and case.neutral_call.method == "filter" and type(body) == "table" and not core.is_array(body)
        and body.results == nil and case.error == nil
    end,
    result = function() return core.object("error", "unusable reply") end,
  },
  {
    reason = "a user or a team is a whole number; true is none",
    applies = function(case, what)
      local args = args_of(case)
      return (what == "requests" or what == "outcome") and (type(args.user_id) == "boolean" or type(args.team_id) == "boolean")
    end,
    result = function(_, _, what) return what == "requests" and core.array({}) or core.object("error", "refused") end,
  },
  {
    reason = "who may view or edit is shown with the numbers that sharing takes",
    applies = function(case, what, expected)
      return what == "outcome" and SHARING[case.neutral_call.method] and expected.result and type(expected.result) == "table"
    end,
    result = function(case, expected)
      local state = copy_of(expected.result)
      for _, key in ipairs({ "users", "teams" }) do
        local list = core.array({})
        for position, item in ipairs(state[key]) do
          list[position] = copy_of(item)
          list[position].id = last_reply(case).body[key][position].id or core.null
        end
        state[key] = list
      end
      return core.object("result", state)
    end,
  },
  {
    reason = "a 409 of finalize-managed that is no result is the conflict that it says",
    applies = function(case, what)
      return what == "outcome" and case.neutral_call.method == "finalize_managed" and failed_with_status(case) == 409
    end,
    result = function() return core.object("error", "ConflictError", "status", 409) end,
  },
  {
    reason = "a search gives its rows, in whatever form they came",
    applies = function(case, what, expected)
      return what == "outcome" and case.neutral_call.method:find("_search$") and type(expected.result) == "table"
        and expected.result.results ~= nil
    end,
    result = function(_, expected) return core.object("result", expected.result.results) end,
  },
  {
    reason = "a result that is cut goes on at the first row that it lacks: nothing is lost",
    applies = function(case, what)
      return what == "outcome" and case.neutral_call.method == "execute_operation" and cut_offset(case)
    end,
    result = function(case, expected)
      local result = copy_of(expected.result)
      result.pagination = copy_of(result.pagination)
      result.pagination.next_offset = cut_offset(case)
      return core.object("result", result)
    end,
  },
  {
    reason = "a list of temporal values carries a type for every name that is rendered; the reference refuses its own text",
    applies = function(case, what) return what == "outcome" and args_of(case).sqlalchemy and case.error ~= nil end,
    result = function() return core.object("error", "refused") end,
  },
  {
    reason = "rows are a list of objects, not a data frame",
    applies = function(_, what, expected) return what == "outcome" and is_frame(expected.result) end,
    result = function(_, expected) return core.object("result", rows_of(expected.result)) end,
  },
  {
    reason = "an error keeps the status of the reply that it comes from",
    applies = function(case, what) return what == "outcome" and failed_with_status(case) end,
    result = function(case)
      local status = failed_with_status(case)
      return core.object("error", class_of_status(status), "status", status)
    end,
  },
  {
    reason = "the last observations come with status 200; any other success is no reply of the protocol",
    applies = function(case, what)
      return what == "outcome" and case.neutral_call.method == "get_last_observation" and case.error ~= nil
    end,
    result = function() return core.object("error", "unusable reply") end,
  },
  {
    reason = "errors have no class of their own: what failed twice failed twice",
    applies = function(case, what) return what == "outcome" and case.call:find("type%(e%).__name__") ~= nil end,
    result = function(case)
      local list = core.array({})
      for position in ipairs(case.result) do list[position] = "error" end
      return core.object("result", list)
    end,
  },
  {
    reason = "a project without data source is an error that says so",
    applies = function(case, what)
      return what == "outcome" and case.neutral_call.method == "default_data_source" and case.error
        and case.error.type == "AttributeError"
    end,
    result = function() return core.object("error", "failed") end,
  },
  {
    reason = "of a project only its data source is read: what else it holds, or lacks, is no reason to fail",
    applies = function(case, what)
      return what == "outcome" and case.neutral_call.method == "default_data_source" and case.error
        and case.error.message:find("validation error", 1, true)
    end,
    result = function(case) return core.object("result", last_reply(case).body.data_source.uid) end,
  },
  {
    reason = "tokens are kept in the login store and never shown",
    applies = function(case, what) return what == "outcome" and case.neutral_call.resource == "Auth" end,
    result = function() return core.object("result", core.null) end,
  },
  {
    reason = "renewed tokens are no variables of the environment",
    applies = function(case, what)
      return what == "outcome" and type(case.result) == "table" and case.call:find("os.environ[", 1, true) ~= nil
    end,
    result = function(case)
      local list = core.array({})
      for position, item in ipairs(case.result) do list[position] = position == 1 and item or core.null end
      return core.object("result", list)
    end,
  },
  {
    reason = "outside of our protocol: local sources of the SDK, constants, job runs; and helpers that have no calls of ours: "
      .. "callbacks for status lines, and what the reference's command does with an HTTP client of its own",
    applies = function(case, what)
      local call = case.neutral_call
      return what == "call" and (call.resource == "DataSource" or call.resource == "CLI" or call.method:find("^create_")
        or call.method == "constants" or call.method == "startup_state" or args_of(case).on_status)
    end,
    result = function() return "none" end,
  },
}

-- What a migration's requests differ in besides the kind of their models.
local further = {
  {
    reason = "finalization names the version table first, in the library as in the command",
    applies = function(case) return case.neutral_call.method == "finalize" end,
    result = function(expected)
      return changed(expected, function(request)
        if request.path:find("finalize%-managed/$") then
          request.body = copy_of(request.body)
          request.body.meta_table_uids = core.array({ request.body.alembic_version_meta_table_uid,
            table.unpack(request.body.meta_table_uids) })
        end
      end)
    end,
  },
  {
    reason = "orm_class names a class of the Python SDK",
    applies = function() return true end,
    result = statements.without_orm_class,
  },
}

---@param case table
---@param expected table requests
---@return table requests
function M.further(case, expected)
  for _, rule in ipairs(further) do
    if rule.applies(case) then expected = rule.result(expected) end
  end
  return expected
end

for _, rule in ipairs(M.rules) do rule.suite = "wire" end

-- ---- Commands ------------------------------------------------------------------------------------

for _, rule in ipairs({
  {
    reason = "a model written in Lua says so: authoring.table_model.kind is \"lua\"",
    applies = function(_, what) return what == "requests" end,
    result = says_lua,
  },
  {
    reason = "scaffold writes a Lua package and takes its name as an argument: the reference's options are none of its",
    applies = function(case, what) return what == "exit code" and case.argv[1] == "scaffold" end,
    result = function() return 2 end,
  },
  {
    reason = "the suite's databases are SQLite files, which have no roles: an owner that is missing is no error",
    applies = function(case, what)
      return what == "exit code" and case.exit_code == 1 and case.stderr:find('role "[^"]*" does not exist') ~= nil
    end,
    result = function() return 0 end,
  },
}) do
  rule.suite = "wire_migrations"
  M.rules[#M.rules + 1] = rule
end

return M
