-- The command as a user runs it, in a folder of its own.

local temporary = require("spec.support.temporary")

local M = {}

local ROOT = io.popen("pwd"):read("l")
local COMMAND = ("lua5.4 '%s/rocks/bin/mainsequence'"):format(ROOT)

---@class spec.Command
---@field folder string where it runs; its TS Manager is in `home` of it
local Command = {}
Command.__index = Command

---@param folder string? one that is there; default: a new one
---@return spec.Command
function M.new(folder)
  return setmetatable({ folder = folder or temporary.folder() }, Command)
end

function Command:remove()
  temporary.remove(self.folder)
end

---@param environment table<string, string>|nil
---@return integer status, string out, string err
function Command:run(arguments, environment)
  local settings = ("-u MAINSEQUENCE_ENDPOINT -u MAINSEQUENCE_CATALOG MAINSEQUENCE_HOME='%s/home'"):format(self.folder)
  for name, value in pairs(environment or {}) do settings = ("%s %s='%s'"):format(settings, name, value) end
  local _, _, status = os.execute(("cd '%s' && env %s %s %s >out 2>err </dev/null"):format(self.folder, settings,
    COMMAND, arguments))
  return status, temporary.read(self.folder .. "/out"), temporary.read(self.folder .. "/err")
end

---Runs it with --json; it must succeed.
---@return any document
function Command:json(arguments, environment)
  local status, out, err = self:run(arguments .. " --json", environment)
  assert(status == 0, err)
  return assert(require("mainsequence.core").json_decode(out)), out .. err
end

---Runs it; it must fail with that status, nothing on standard output, and all of the texts on standard error.
---@return string err
function Command:fails(status, arguments, environment, ...)
  local got, out, err = self:run(arguments, environment)
  assert(got == status, ("status %d: %s"):format(got, err))
  assert(out == "", out)
  for _, text in ipairs({ ... }) do assert(err:find(text, 1, true), ("%q is not in %q"):format(text, err)) end
  return err
end

return M
