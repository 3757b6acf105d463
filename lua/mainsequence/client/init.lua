--- The client: catalog objects and where they come from.
--
--   local client = require("mainsequence.client")
--   local rows, err = client.MetaTable.filter { namespace = "sdk-examples" }
--
-- The classes here talk to the process's own session (client.configure, else the environment);
-- client.connect { endpoint = … } gives a session with classes of its own.

local data_sources = require("mainsequence.client.data_source")
local fault = require("mainsequence.schema.fault")
local meta_tables = require("mainsequence.client.meta_table")
local sessions = require("mainsequence.client.session")

---@class mainsequence.client
local M = {}

-- Method tables are what users see of a class: MetaTable.get(…), and object:patch { … }.
local function add_classes(into, session)
  local meta_table, time_index = meta_tables.classes(session)
  local data_source, project = data_sources.classes(session)
  into.MetaTable, into.TimeIndexMetaTable = meta_table.methods, time_index.methods
  into.DynamicTableDataSource, into.Project = data_source.methods, project.methods
  into.classes = {
    MetaTable = meta_table, TimeIndexMetaTable = time_index, DynamicTableDataSource = data_source, Project = project,
  }
  return into
end

local default = sessions.new({})
add_classes(default, default)
for _, name in ipairs({ "MetaTable", "TimeIndexMetaTable", "DynamicTableDataSource", "Project" }) do
  M[name] = default[name]
end
M.metatables = require("mainsequence.client.metatables")

---Sets where the process's own session talks to. What is left out falls back to the environment. An open
---client is closed.
---@param options mainsequence.ClientOptions
function M.configure(options)
  local checked = sessions.check_options("configure", options, fault.here(1))
  default:close()
  default.options, default.source = checked, nil
end

---The process's own session.
---@return mainsequence.Session
function M.session()
  return default
end

---A session of its own, with the classes MetaTable, TimeIndexMetaTable, DynamicTableDataSource and Project.
---@param options mainsequence.ClientOptions
---@return mainsequence.Session
function M.connect(options)
  local session = sessions.new(sessions.check_options("connect", options, fault.here(1)))
  add_classes(session, session)
  return session
end

---Where the process's own session talks to, and what decided it ("argument", "environment", "login",
---"default").
---@return string|nil endpoint, string|mainsequence.Error source_or_err
function M.endpoint()
  return default:endpoint()
end

return M
