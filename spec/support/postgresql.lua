-- A private PostgreSQL server, one a process, stopped when the process ends (spec/support/postgresql.sh).

local here = debug.getinfo(1, "S").source:match("^@(.*)postgresql%.lua$")
local temporary = dofile(here .. "temporary.lua")

local M = {}

local uri

local function process_id()
  local file = assert(io.open("/proc/self/stat", "rb"))
  local id = file:read("n")
  file:close()
  return id
end

---The superuser's URI; starts the server the first time.
---@return string
function M.uri()
  if not uri then
    local folder = temporary.folder()
    local pipe = assert(io.popen(("'%spostgresql.sh' start '%s' %d"):format(here, folder, process_id()), "r"))
    uri = pipe:read("l")
    assert(pipe:close() and uri, "the PostgreSQL server for tests doesn't start")
  end
  return uri
end

local databases = 0

---The URI of a fresh, empty database on that server.
---@return string
function M.database()
  local core = require("mainsequence.core")
  databases = databases + 1
  local name = ("spec_%d"):format(databases)
  local connection = assert(core.connect(M.uri()))
  assert(connection:script(("CREATE DATABASE %s"):format(name)))
  connection:close()
  return (M.uri():gsub("/postgres$", "/" .. name))
end

return M
