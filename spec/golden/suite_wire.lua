-- wire/transcripts.json: {id, group, call, neutral_call, env, exchanges, result | error}. Each call is made by our
-- client in a process of its own, with the environment of the transcript, against a server that plays the recorded
-- replies and records the requests. Method, path, query, authorization and body of each request must be those of the
-- transcript, and so must the value or the class of the error. Pauses between attempts are counted, not waited for.
--
-- Groups update_node, scheduler and cli are outside of our protocol, or are commands: they are not run.

local core = require("mainsequence.core")
local known_wire = require("known_wire")
local recording_server = dofile("spec/support/recording_server.lua")
local temporary = dofile("spec/support/temporary.lua")

local M = {}

M.outside = { update_node = true, scheduler = true, cli = true }

local server, folder ---@type RecordingServer, string
local objects = {} -- uid → the fullest document that the file has of a time-indexed table

-- ---- Placeholders --------------------------------------------------------------------------------

local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

local function base64url(text)
  local out = {}
  for position = 1, #text, 3 do
    local a, b, c = text:byte(position, position + 2)
    local number = a << 16 | (b or 0) << 8 | (c or 0)
    for shift = 18, c and 0 or b and 6 or 12, -6 do
      local digit = (number >> shift & 63) + 1
      out[#out + 1] = DIGITS:sub(digit, digit)
    end
  end
  return table.concat(out)
end

-- "<jwt:LABEL:now+N>" → an unsigned token that ends then. Each placeholder is one token for a whole case.
local function token_of(tokens, placeholder)
  if not tokens[placeholder] then
    local label, offset = placeholder:match("^<jwt:([^:]+):now([+-]%d+)>$")
    local payload = ('{"exp": %d, "label": "%s"}'):format(math.floor(core.time()) + tonumber(offset), label)
    tokens[placeholder] = ("%s.%s.x"):format(base64url('{"alg": "none"}'), base64url(payload))
  end
  return tokens[placeholder]
end

---A recorded value with its placeholders filled in.
---@param value any
---@param tokens table<string, string> of one case
---@return any
function M.filled(value, tokens)
  if type(value) == "string" then
    return (value:gsub("<origin>", server.origin):gsub("<jwt:[^>]*>", function(word) return token_of(tokens, word) end))
  end
  if type(value) ~= "table" then return value end
  local copy = core.is_array(value) and core.array({}) or core.object()
  for position, item in ipairs(core.is_array(value) and value or {}) do copy[position] = M.filled(item, tokens) end
  for _, key in ipairs(core.is_array(value) and {} or core.keys(value)) do copy[key] = M.filled(value[key], tokens) end
  return copy
end

local function replaced(text, from, to)
  local pattern = from:gsub("%p", "%%%0")
  return (text:gsub(pattern, (to:gsub("%%", "%%%%"))))
end

local function emptied(text, tokens)
  text = replaced(text, server.origin, "<origin>")
  for placeholder, token in pairs(tokens) do text = replaced(text, token, placeholder) end
  return text
end

-- ---- Calls ---------------------------------------------------------------------------------------

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

---The variables of a recorded environment, and that no pause is waited for.
---@param recorded table<string, string>
---@param tokens table<string, string>
---@return string[] "NAME=value"
function M.variables(recorded, tokens)
  local build = os.getenv("MSEQ_BUILD") or require("lfs").currentdir() .. "/build"
  local variables = { "MSEQ_SPEC_PAUSES=" .. folder .. "/pauses", "LD_PRELOAD=" .. build .. "/spec/libskipped_sleep.so" }
  for _, name in ipairs(core.keys(recorded)) do
    variables[#variables + 1] = name .. "=" .. M.filled(recorded[name], tokens)
  end
  return variables
end

local function environment(case, tokens)
  local variables = { "PATH=" .. quoted(os.getenv("PATH")), "LUA_PATH=" .. quoted(os.getenv("LUA_PATH") or ";;"),
    "LUA_CPATH=" .. quoted(os.getenv("LUA_CPATH") or ";;"), "HOME=" .. quoted(folder .. "/home") }
  for _, variable in ipairs(M.variables(case.env, tokens)) do variables[#variables + 1] = quoted(variable) end
  return "env -i " .. table.concat(variables, " ")
end

local function make_call(case, tokens)
  local args = case.neutral_call.args
  local first = case.exchanges and case.exchanges[1] and case.exchanges[#case.exchanges].request.body
  temporary.write(folder .. "/call.json", core.json_encode(core.object("case", core.object("call", case.call,
    "neutral_call", case.neutral_call), "object", type(args) == "table" and objects[args.uid] or nil,
    "recorded_operation", args.sqlalchemy and first or nil,
    "data_source_uid", type(first) == "table" and first.data_source_uid or nil)))
  os.remove(folder .. "/pauses")
  local process = assert(io.popen(("%s lua5.4 spec/golden/wire_call.lua < %s 2> %s"):format(environment(case, tokens),
    quoted(folder .. "/call.json"), quoted(folder .. "/errors"))))
  local text = process:read("a")
  if not process:close() then error("the call failed: " .. temporary.read(folder .. "/errors"), 0) end
  return assert(core.json_decode(emptied(text, tokens)))
end

-- ---- Requests ------------------------------------------------------------------------------------

---What is compared of a recorded request.
---@param request table
---@return table
function M.expected_request(request)
  return core.object("method", request.method, "path", request.path, "raw_query", request.raw_query,
    "authorization", request.headers.Authorization or core.null, "body", request.body)
end

---The same of a request that came.
---@param request table
---@param tokens table<string, string>
---@return table
function M.actual_request(request, tokens)
  local body, kind = core.null, request.headers["content-type"] or ""
  if kind:find("json", 1, true) then
    body = assert(core.json_decode(emptied(request.body_text, tokens)))
  elseif request.body_text ~= "" then
    body = request.body_text
  end
  local authorization = request.headers.authorization
  return core.object("method", request.method, "path", request.path, "raw_query", emptied(request.raw_query, tokens),
    "authorization", authorization and emptied(authorization, tokens) or core.null, "body", body)
end

local function pauses()
  local file, total = io.open(folder .. "/pauses"), 0
  if not file then return 0 end
  for line in file:lines() do total = total + tonumber(line) end
  file:close()
  return total
end

-- ---- The suite -----------------------------------------------------------------------------------

local function remember(document)
  if type(document) ~= "table" then return end
  for _, item in ipairs(core.is_array(document) and document or {}) do remember(item) end
  if core.is_array(document) then return end
  if type(document.uid) == "string" and type(document.time_indexed_profile) == "table" then objects[document.uid] = document end
  if type(document.results) == "table" then remember(document.results) end
end

---Starts the server of the runs.
function M.start()
  server, folder = recording_server.start(), temporary.folder()
  M.server = server
  M.closing = setmetatable({}, { __gc = function()
    server:stop()
    temporary.remove(folder)
  end })
end

---@param options { path: string }
function M.prepare(options)
  local file = assert(io.open(options.path, "rb"))
  local cases = assert(core.json_decode(file:read("a")))
  file:close()
  for _, case in ipairs(cases) do
    for _, exchange in ipairs(case.exchanges or {}) do
      local ok = exchange.response.status == 200
      if ok and case.neutral_call.resource == "TimeIndexMetaTable" then remember(exchange.response.body) end
    end
  end
  M.start()
end

function M.run(case, expect)
  local tokens, replies, waited = {}, core.array({}), 0
  for position, exchange in ipairs(known_wire.exchanges(case)) do
    replies[position] = M.filled(exchange.response, tokens)
    local gap = exchange.gap_s or exchange.request.gap_s
    if type(gap) == "number" then waited = waited + gap end
  end
  server:play(replies)
  local answer = make_call(case, tokens)
  local requests = server:recorded()
  if answer.absent then return expect("a call of our client", "none", "call") end
  local expected, actual = core.array({}), core.array({})
  for position, exchange in ipairs(case.exchanges or {}) do expected[position] = M.expected_request(exchange.request) end
  for position, request in ipairs(requests) do actual[position] = M.actual_request(request, tokens) end
  expect(expected, actual, "requests")
  expect(known_wire.expected_outcome(case), known_wire.outcome(answer, case), "outcome")
  if case.error and case.error.type == "TransportError" then return end -- its pauses were not recorded
  -- a pause may be longer by a quarter, so that many clients do not come back at once
  local paused, least = pauses(), math.floor(waited * 1000 + 0.5)
  expect(true, paused >= least and paused <= least * 1.25,
    ("pauses of %d to %d ms, made %d"):format(least, math.floor(least * 1.25), paused))
end

return M
