-- A TS Manager that plays recorded replies and records what it is asked, in a process of its own.
--
--   local server = require("recording_server").start()
--   server:play { { status = 200, body = {…} }, … }   forgets what was recorded; replies in order
--   …requests to server.origin…
--   local requests, left = server:recorded()          what came, and how many replies nobody asked for
--   server:stop()
--
-- A reply is { status, headers?, body?, body_kind? ("json", "text", "none") }; "<origin>" in it is the server's origin.
-- A reply without status closes the connection.
-- A request is { method, path, raw_query, headers (lower-case names), body_text }. A request beyond the replies is
-- answered with 599.
--
-- As a program it is the child: it prints its port, takes lines of JSON from a connection to it that begins with
-- "CONTROL", and ends when that connection does.

local core = require("mainsequence.core")
local socket = require("socket")

local M = {}

-- ---- The child -----------------------------------------------------------------------------------

local REASONS = { [200] = "OK", [201] = "Created", [204] = "No Content", [400] = "Bad Request", [404] = "Not Found" }

local function read_request(connection, first)
  local method, target = first:match("^(%S+) (%S+) HTTP/1%.[01]$")
  if not method then return nil end
  local request = core.object("method", method, "path", target:match("^[^?]*"), "raw_query", target:match("%?(.*)$") or "",
    "headers", core.object(), "body_text", "")
  while true do
    local line = connection:receive("*l")
    if not line then return nil end
    if line == "" then break end
    local name, value = line:match("^([^:]+):%s*(.-)%s*$")
    request.headers[name:lower()] = value
  end
  if (request.headers.expect or ""):lower() == "100-continue" then connection:send("HTTP/1.1 100 Continue\r\n\r\n") end
  local length = tonumber(request.headers["content-length"] or "0")
  if length > 0 then request.body_text = assert(connection:receive(length)) end
  return request
end

local function reply_text(reply)
  local kind = reply.body_kind or (type(reply.body) == "table" and "json" or "none")
  local body, headers = "", {}
  if kind == "json" then
    body, headers["Content-Type"] = core.json_encode(reply.body), "application/json"
  elseif kind == "text" then
    body, headers["Content-Type"] = reply.body, "text/html"
  end
  for _, name in ipairs(reply.headers and core.keys(reply.headers) or {}) do headers[name] = reply.headers[name] end
  local lines = { ("HTTP/1.1 %d %s"):format(reply.status, REASONS[reply.status] or "Answer") }
  for name, value in pairs(headers) do lines[#lines + 1] = name .. ": " .. value end
  if reply.status ~= 204 then lines[#lines + 1] = "Content-Length: " .. #body end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (reply.status == 204 and "" or body)
end

local UNASKED = { status = 599, body_kind = "json", body = { detail = "nothing more was recorded" } }

local function serve(server, port)
  local origin, replies, requests, position = "http://127.0.0.1:" .. port, {}, core.array({}), 0
  local connections = { server }
  local function command(connection, line)
    local message = core.json_decode(line)
    if message.play then
      replies, requests, position = message.play, core.array({}), 0
      connection:send("{}\n")
    else
      connection:send(core.json_encode(core.object("requests", requests, "left", math.max(0, #replies - position))) .. "\n")
    end
  end
  local function answer(connection, line)
    local request = read_request(connection, line)
    if not request then return false end
    position = position + 1
    requests[#requests + 1] = request
    local reply = replies[position] or UNASKED
    if type(reply.status) ~= "number" then return false end
    connection:send((reply_text(reply):gsub("<origin>", origin)))
    return true
  end
  local control
  while true do
    for _, ready in ipairs((socket.select(connections))) do
      if ready == server then
        local connection = server:accept()
        connection:setoption("tcp-nodelay", true)
        connections[#connections + 1] = connection
      else
        local line = ready:receive("*l")
        if line == "CONTROL" then
          control = ready
        elseif ready == control and not line then
          return
        elseif ready == control then
          command(ready, line)
        elseif not line or not answer(ready, line) then
          ready:close()
          for index, connection in ipairs(connections) do
            if connection == ready then table.remove(connections, index) end
          end
        end
      end
    end
  end
end

local function child()
  local server = assert(socket.bind("127.0.0.1", 0, 128))
  local _, port = server:getsockname()
  io.stdout:write(port, "\n")
  io.stdout:flush()
  serve(server, math.tointeger(tonumber(port)))
end

-- ---- The parent ----------------------------------------------------------------------------------

---@class RecordingServer
---@field origin string
local Server = {}
Server.__index = Server

local function ask(server, message)
  assert(server.control:send(core.json_encode(message) .. "\n"))
  return assert(core.json_decode(assert(server.control:receive("*l"))))
end

---@param replies table[]
function Server:play(replies)
  ask(self, core.object("play", core.array(replies)))
end

---@return table[] requests, integer left
function Server:recorded()
  local answer = ask(self, core.object("recorded", true))
  return answer.requests, answer.left
end

function Server:stop()
  self.control:close()
  self.process:close()
end

---@return RecordingServer
function M.start()
  local here = debug.getinfo(1, "S").source:match("^@(.*)$")
  local process = assert(io.popen(("exec lua5.4 '%s' child"):format(here)))
  local port = assert(tonumber(process:read("l")), "the recording server does not start")
  local control = assert(socket.connect("127.0.0.1", port))
  control:setoption("tcp-nodelay", true)
  assert(control:send("CONTROL\n"))
  return setmetatable({ origin = ("http://127.0.0.1:%d"):format(port), control = control, process = process }, Server)
end

if ... == "child" then
  child()
else
  return M
end
