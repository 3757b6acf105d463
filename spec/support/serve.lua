-- `mainsequence serve` in the background, for one test.

local temporary = require("spec.support.temporary")

local M = {}

local ROOT = io.popen("pwd"):read("l")

---@class spec.Server
---@field url string
---@field pid integer
---@field home string folder of its TS Manager, whose users `local:HOME` administers
local Server = {}
Server.__index = Server

---Starts it on a free port and waits until it listens.
---@param folder string for its home, its output and its pid
---@param arguments string?
---@param environment table<string, string>?
---@return spec.Server
function M.start(folder, arguments, environment)
  local self = setmetatable({ home = folder .. "/served", folder = folder }, Server)
  local settings = ""
  for name, value in pairs(environment or {}) do settings = ("%s %s='%s'"):format(settings, name, value) end
  local command = "env" .. settings .. " lua5.4 rocks/bin/mainsequence serve --listen 127.0.0.1:0 " .. (arguments or "")
  assert(os.execute(("cd '%s' || exit 1; : >'%s/serve.out'; MAINSEQUENCE_HOME='%s' %s >'%s/serve.out' 2>'%s/serve.err' "
    .. "</dev/null & echo $! >'%s/serve.pid'"):format(ROOT, folder, self.home, command, folder, folder, folder)))
  for _ = 1, 600 do
    local url = temporary.read(folder .. "/serve.out"):match("listening on (%S+)\n")
    if url then
      self.pid = tonumber(temporary.read(folder .. "/serve.pid"))
      self.url = url:find("://", 1, true) and url or "http://" .. url
      return self
    end
    os.execute("sleep 0.05")
  end
  self:stop()
  error("the server does not listen: " .. temporary.read(folder .. "/serve.err"))
end

---Sends it a signal.
---@param name string
function Server:signal(name)
  os.execute(("kill -%s %d"):format(name, self.pid))
end

---Ends it and waits until it is gone.
function Server:stop()
  os.execute(("pid=$(cat '%s/serve.pid'); kill $pid 2>/dev/null; while kill -0 $pid 2>/dev/null; do sleep 0.05; done")
    :format(self.folder))
end

return M
