-- A process of its own for one migration command: migrate.lua FOLDER ENDPOINT COMMAND [name=value …]
-- die_at=N kills the process, without any chance to clean up, when it tells its N-th status line.

local folder, endpoint, command = arg[1], arg[2], arg[3]
package.path = folder .. "/?.lua;" .. folder .. "/?/init.lua;" .. package.path

local core = require("mainsequence.core")
local migrations = require("mainsequence.meta_tables.migrations")

local options = { endpoint = endpoint }
local die_at
for position = 4, #arg do
  local name, value = arg[position]:match("^(.-)=(.*)$")
  if name == "die_at" then
    die_at = tonumber(value)
  else
    options[name] = tonumber(value) or value
  end
end
local lines = 0
function options.report(line)
  lines = lines + 1
  io.stderr:write(line, "\n")
  if lines == die_at then
    os.execute("kill -9 $PPID")
  end
end
local result, err = migrations.commands[command]("shop.migrations:migration", options)
if not result then
  io.stderr:write(tostring(err), "\n")
  os.exit(1)
end
print(core.json_encode(result))
