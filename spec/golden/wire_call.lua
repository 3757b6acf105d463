-- One call of a transcript, in a process with the transcript's environment:
--   lua5.4 spec/golden/wire_call.lua < {"case", "object"?} > {"result"} | {"refused"} | {"error"} | {"absent"}
-- "refused" is what was raised before anything went wrong outside, "error" what a call gave back.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path

local calls = require("wire_calls")
local client = require("mainsequence.client")
local core = require("mainsequence.core")
local python = require("wire_python")
local replies = require("mainsequence.client.replies")

local input = assert(core.json_decode(io.read("a")))
local case, neutral = input.case, input.case.neutral_call
local class = client.session().classes[neutral.resource]
local methods = class and class.methods

-- What ends the evaluation: { kind, value }.
local function stop(kind, value)
  error(setmetatable({ kind = kind, value = value }, { __name = "stop" }), 0)
end

-- The object that a call is made on, as it is known; without its uid it is none.
local function object_of(args)
  if args.uid == core.null then return {} end
  local document = input.object or core.object("uid", args.uid, "management_mode", "platform_managed",
    "physical_table_name", "t")
  if neutral.resource:find("MetaTable$") then return assert(class.instance(document, "the transcript's object")) end
  return args.uid
end

local object
local function call(python_method, text)
  local run = calls.find(neutral, python_method)
  if not run then stop("absent", python_method) end
  if class and not object and not text:find("^" .. neutral.resource .. "%.") then object = object_of(neutral.args) end
  local context = { object = object, recorded_operation = input.recorded_operation, python_method = python_method,
    data_source_uid = case.call:find("register%(data_source_uid=DS") and input.data_source_uid or nil }
  local result = table.pack(pcall(run, methods, neutral.args, context))
  if not result[1] then
    if core.is_error(result[2]) then stop("refused", result[2]) end
    error(result[2], 0)
  end
  if result[2] == nil and core.is_error(result[3]) then stop("error", result[3]) end
  if result[2] == nil or result[2] == true then return core.null end
  return result[2]
end

local function member(value, key)
  if type(key) == "number" then return value[key + 1] end
  if key == "model_extra" then
    local extra = core.object()
    for _, name in ipairs(core.keys(value)) do
      local known = replies.FinalizeResult.known[name] or replies.MigrationConnection.known[name]
      if not known then extra[name] = value[name] end
    end
    return extra
  end
  if value[key] == nil and key == "results" then return value end
  if value[key] == nil and #value == 1 then return value[1][key] end
  if value[key] == nil then return core.null end
  return value[key]
end

-- "for i in range(2): try … except Exception as e: out.append(type(e).__name__)": the classes of the errors.
local function repeated_failures(count)
  local list = core.array({})
  for position = 1, count do
    local ok, failure = pcall(call, "", case.call)
    list[position] = ok and core.null or failure.kind
  end
  return list
end

-- Models by what tells their objects apart.
local SHAPES = {
  { "finalized_count", replies.FinalizeResult }, { "credential_kind", replies.MigrationConnection },
  { "access_level", replies.AccessState }, { "labels", replies.LabelSet },
}

-- A result as the document that the transcript shows: every field of a model.
local function document(value)
  if type(value) ~= "table" then return type(value) == "function" and "no request yet" or value end
  for _, one in pairs(client.session().classes) do
    if one.is(value) then return one.document(value) end
  end
  if core.is_array(value) or (#value > 0 and not getmetatable(value)) then
    local list = core.array({})
    for position, item in ipairs(value) do list[position] = document(item) end
    return list
  end
  for _, shape in ipairs(SHAPES) do
    if value[shape[1]] ~= nil and replies.read(shape[2], value) and not getmetatable(value) then
      return replies.document(shape[2], value)
    end
  end
  return value
end

local function evaluate()
  local attempts = case.call:match("for %a+ in range%((%d+)%):")
  if attempts then return repeated_failures(tonumber(attempts)) end
  local result = python.evaluate(case.call, call, member, function(name)
    if name == "os" then return { environ = {} } end
    if name:find("^[%u]") then stop("absent", name) end
    return object or stop("absent", name)
  end)
  return document(result)
end

local ok, result = pcall(evaluate)
local answer = core.object()
if ok then
  answer.result = result
elseif type(result) == "table" and result.kind then
  answer[result.kind] = result.kind == "absent" and result.value or core.object("code", result.value.code,
    "status", result.value.status or core.null, "message", result.value.message)
else
  io.stderr:write(tostring(result), "\n")
  os.exit(1)
end
client.session():close()
io.write(core.json_encode(answer), "\n")
