--- What the groups of `mainsequence manager` that talk to a TS Manager have in common.

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")

local M = {}

local BASE = "/orm/api/ts_manager/"

---A command group whose subcommands all take an endpoint.
---@param parser table
---@param name string
---@param summary string
---@param subcommands { [1]: string, [2]: string, [3]: fun(command: table)? }[] name, summary, what else it takes
function M.add_to_parser(parser, name, summary, subcommands)
  local group = parser:command(name, summary):command_target("subcommand"):require_command(true)
  for _, subcommand in ipairs(subcommands) do
    local command = group:command(subcommand[1], subcommand[2])
    if subcommand[3] then subcommand[3](command) end
    cli.add_endpoint(command)
    cli.add_common(command)
  end
end

---Path of a route of users, teams or tokens.
---@param collection string "users"
---@param ... string uids, names and verbs after it
---@return string path
function M.path(collection, ...)
  local pieces = { BASE .. collection }
  for _, piece in ipairs({ ... }) do
    pieces[#pieces + 1] = require("mainsequence.client.resource").segment(piece)
  end
  return table.concat(pieces, "/") .. "/"
end

---@param value any
---@return string
function M.text(value)
  if value == nil or value == core.null then return "" end
  return tostring(value)
end

---Calls a route and says what came of it.
---@param session mainsequence.Session
---@param options table
---@param method string
---@param path string
---@param body table?
---@param text string|fun(reply: table): string
---@return integer|nil status, mainsequence.Error?
function M.call(session, options, method, path, body, text)
  local reply, err = session:call(method, path, { body = body })
  if not reply then return nil, err end
  if type(text) == "function" then text = text(reply) end
  return require("mainsequence.cli.manager").answer(options, reply, text)
end

---Lists a collection as a table.
---@param session mainsequence.Session
---@param options table
---@param collection string
---@param heading string[]
---@param cells fun(row: table): string[]
---@return integer|nil status, mainsequence.Error?
function M.list(session, options, collection, heading, cells)
  local rows, err = session:list(M.path(collection))
  if not rows then return nil, err end
  if options.json then
    cli.out_json(rows)
    return cli.DONE
  end
  local lines = {}
  for position, row in ipairs(rows) do lines[position] = cells(row) end
  cli.out_table(heading, lines)
  return cli.DONE
end

---Opens the endpoint and runs the subcommand.
---@param options table
---@param actions table<string, fun(session: mainsequence.Session, options: table): integer|nil, any>
---@return integer|nil status, any err
function M.run(options, actions)
  local session, err = require("mainsequence.cli.endpoint").open(options)
  if not session then return nil, err end
  return actions[options.subcommand](session, options)
end

return M
