-- A TS Manager with a data source on SQLite or PostgreSQL, and governed statements on it: in-process as the user
-- `local`, and over HTTP as users of its own.

local core = require("mainsequence.core")
local postgresql = require("spec.support.postgresql")
local serve = require("spec.support.serve")
local temporary = require("spec.support.temporary")

local BASE = "/orm/api/ts_manager/"

---@class spec.Governed
---@field dialect "sqlite"|"postgresql"
---@field folder string of the TS Manager
---@field uri string of the data source's database
---@field source string uid of the data source
---@field tables table<string, string> name → uid
---@field server spec.Server|nil
---@field clients table<string, mainsequence.Client> `local`, and users by name
local Governed = {}
Governed.__index = Governed

local M = {}

---@param dialect "sqlite"|"postgresql"
---@param script string|nil SQL that the database starts with
---@param options { fence: string? }|nil
---@return spec.Governed
function M.new(dialect, script, options)
  local self = setmetatable({ dialect = dialect, folder = temporary.folder(), tables = {}, clients = {}, users = {} }, Governed)
  self.clients["local"] = assert(core.client { endpoint = "local:" .. self.folder .. "/served" })
  self.source, self.uri = self:add_source(script, options)
  return self
end

---One more data source.
---@return string uid, string uri
function Governed:add_source(script, options)
  local place, uri
  if self.dialect == "sqlite" then
    self.files = (self.files or 0) + 1
    local path = ("%s/data_%d.sqlite"):format(self.folder, self.files)
    uri, place = "sqlite:///" .. path, core.object("class_type", "sqlite", "path", path)
  else
    uri = postgresql.database()
    place = core.object("class_type", "postgresql", "uri", uri)
    if options and options.fence then place.fence = options.fence end
  end
  self:script(script or "", uri)
  return self:call("POST", "data_sources/", place).uid, uri
end

---Runs SQL on the database itself.
function Governed:script(sql, uri)
  local connection = assert(core.connect(uri or self.uri))
  assert(connection:script(sql))
  connection:close()
end

---The first value of the first row that the database itself gives.
function Governed:ask(sql)
  local connection = assert(core.connect(self.uri))
  local result = assert(connection:execute(sql))
  connection:close()
  local row = result.rows[1]
  return row and row[core.keys(row)[1]]
end

---A request of `user` (default: local) that succeeds.
function Governed:call(method, path, body, user)
  return assert(self.clients[user or "local"]:call(method, BASE .. path, { body = body }))
end

---How many statements the TS Manager's log has, 1,000 at most.
function Governed:logged()
  return #assert(self.clients["local"]:call("GET", BASE .. "operations/", { query = { limit = 1000 } })).results
end

---Registers a table that is there.
---@param columns string[][]? name, data type, backend type of columns; more is read from the database
---@param source string? uid of another data source
---@param as_said boolean? the columns are what is said, and the database isn't asked
---@return string uid
function Governed:register(name, columns, source, as_said)
  local list = {}
  for position, column in ipairs(columns or { { "id", "int32", "INTEGER" } }) do
    list[position] = core.object("name", column[1], "data_type", column[2], "backend_type", column[3])
  end
  local uid = self:call("POST", "meta_table/register/", core.object("data_source_uid", source or self.source,
    "identifier", "app." .. name, "namespace", "app", "labels", core.array({}),
    "management_mode", "external_registered", "introspect", not as_said,
    "table_contract", core.object("version", "relational-table.v1", "physical", core.object("table_name", name),
      "columns", core.array(list), "constraints", core.array({})))).uid
  self.tables[name] = uid
  return uid
end

---Puts the TS Manager on HTTP, and makes users with a client each.
function Governed:serve(...)
  self.server = serve.start(self.folder)
  for _, name in ipairs({ ... }) do
    local user = self:call("POST", "users/", core.object("username", name))
    local token = self:call("POST", "tokens/", core.object("name", "spec", "user", name))
    self.users[name] = { id = user.id, token = token.access }
    self.clients[name] = assert(core.client { endpoint = self.server.url, access_token = token.access })
  end
end

---`route`: "add-to-view", "remove-from-edit" …
function Governed:share(name, user, route)
  self:call("POST", ("meta_table/%s/%s/"):format(self.tables[name], route), core.object("user_id", self.users[user].id))
end

---A whole operation. The scope is written as `{ name = "read"|"write" }`.
---@param scope table<string, string>|nil every table, for writing
---@param changes table<string, any>|nil path of a key → its value: { ["limits.max_rows"] = 2 }
function Governed:operation(kind, sql, parameters, scope, changes)
  local declared = {}
  for name, uid in pairs(self.tables) do
    local access = not scope and "write" or scope[name]
    if access then declared[#declared + 1] = core.object("meta_table_uid", uid, "access", access) end
  end
  local made = core.object("operation", kind, "version", "compiled-sql.v1", "dialect", self.dialect,
    "statement", core.object("sql", sql, "parameters", parameters or core.object(), "paramstyle", "pyformat"),
    "scope", core.object("data_source_uid", self.source, "tables", core.array(declared)),
    "limits", core.object("max_rows", 100, "offset", 0, "statement_timeout_ms", 10000))
  for path, value in pairs(changes or {}) do
    local at = made
    for key in path:gmatch("([^.]+)%.") do at = at[key] end
    at[path:match("[^.]+$")] = value
  end
  return made
end

---Sends an operation; the reply, or nil and the error.
function Governed:send(operation, user)
  return self.clients[user or "local"]:call("POST", BASE .. "meta_table/execute-operation/", { body = operation })
end

---Runs a statement that succeeds.
---@return table reply
function Governed:run(kind, sql, parameters, scope, changes)
  local reply, err = self:send(self:operation(kind, sql, parameters, scope, changes))
  return assert(reply, ("%s\n%s"):format(tostring(err), #sql < 1000 and sql or "a long statement"))
end

---Sends an operation that is refused with that status and code (nil: any).
---@return mainsequence.Error
function Governed:refused(status, code, operation, user)
  local reply, err = self:send(operation, user)
  local text = operation.statement.sql
  assert(not reply, "allowed: " .. text:sub(1, 1000))
  assert(err.status == status and (not code or err.code == code),
    ("%s (%s, %s) instead of %s\n%s"):format(err.message, err.status, err.code, code or status, text:sub(1, 1000)))
  return err
end

function Governed:close()
  for _, client in pairs(self.clients) do client:close() end
  if self.server then self.server:stop() end
  temporary.remove(self.folder)
end

return M
