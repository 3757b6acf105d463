--- Where operations go: onto a connection, into a script, or into a list.

local core = require("mainsequence.core")
local bind = require("mainsequence.meta_tables.migrations.bind")
local fault = require("mainsequence.schema.fault")

local M = {}

local function blame(place, err)
  if place and not err.source then
    err.source, err.line = place.source, place.line
  end
  error(err, 0)
end

-- ---- On a connection ---------------------------------------------------------------------------

local Online = {}
Online.__index = Online

-- What the core must see of the database to write the statements of an operation.
local function context_of(self, operation, place)
  local context = { naming_convention = self.naming_convention }
  local needed = core.operation_needs_table(operation, self.dialect)
  if needed then
    local schema = operation.schema or operation.source_schema
    local reflected, err = self.connection:reflect_table(needed, schema)
    if not reflected then
      blame(place, err)
    end
    context.table = reflected
    if self.dialect == "sqlite" then
      local dependents, dependents_error = self.connection:dependents(needed)
      if not dependents then
        blame(place, dependents_error)
      end
      context.dependents = dependents
    end
  end
  return context
end

function Online:run(operation, place)
  local statements = fault.blame(place, core.render_operation, operation, self.dialect,
    context_of(self, operation, place))
  for _, statement in ipairs(statements) do
    local result, err = self.connection:execute(statement)
    if not result then
      err.detail = err.detail and (err.detail .. "\n" .. statement) or statement
      blame(place, err)
    end
  end
end

function Online:bind()
  return bind.new(self.connection)
end

---Runs operations at once.
---@param connection mainsequence.Connection
---@param naming_convention boolean
---@return mainsequence.migrations.Sink
function M.online(connection, naming_convention)
  return setmetatable({
    connection = connection, dialect = connection:dialect(), naming_convention = naming_convention,
  }, Online)
end

-- ---- Into a script -----------------------------------------------------------------------------

local Offline = {}
Offline.__index = Offline

local function no_database(place, what)
  fault.raise(place, what .. " needs the database, which is not there when SQL is only printed",
    "run the revision on the database, without --sql")
end

function Offline:run(operation, place)
  local needed = core.operation_needs_table(operation, self.dialect)
  if needed then
    no_database(place, ("op:%s on table '%s' must see the table as it is; it"):format(operation.op, needed))
  end
  local statements = fault.blame(place, core.render_operation, operation, self.dialect,
    { naming_convention = self.naming_convention })
  for _, statement in ipairs(statements) do
    self.lines[#self.lines + 1] = statement .. ";"
  end
end

function Offline.bind(_, place)
  no_database(place, "op:get_bind()")
end

---Collects statements in `lines`.
---@param dialect "postgresql"|"sqlite"
---@param naming_convention boolean
---@param lines string[]
---@return mainsequence.migrations.Sink
function M.offline(dialect, naming_convention, lines)
  return setmetatable({ dialect = dialect, naming_convention = naming_convention, lines = lines }, Offline)
end

-- ---- Into a list -------------------------------------------------------------------------------

local Recorder = {}
Recorder.__index = Recorder

function Recorder:run(operation)
  self.operations[#self.operations + 1] = operation
end

function Recorder.bind(_, place)
  no_database(place, "op:get_bind()")
end

---Collects operations in `operations`.
---@param operations table[]
---@return mainsequence.migrations.Sink
function M.recorder(operations)
  return setmetatable({ operations = operations }, Recorder)
end

return M
