-- mainsequence contract FILE

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")

local M = {}

function M.add_to_parser(parser, summary)
  local command = parser:command("contract", summary)
  command:argument("file", "A Lua file that returns models, or a JSON file with a contract (- for standard input).")
    :argname("<file>")
  command:option("--model", "Only this model (class name or table name); --json then prints the contract itself.")
    :argname("<name>")
  command:option("--include", "Put this part into the contracts, too: indexes or foreign_keys. May be repeated.")
    :choices({ "indexes", "foreign_keys" }):count("*")
  cli.add_common(command)
end

local function read(path)
  if path == "-" then return io.read("a") end
  local file, reason = io.open(path, "rb")
  if not file then cli.usage_error(("cannot read '%s': %s"):format(path, (reason:gsub("^.-: ", "")))) end
  local text, problem = file:read("a")
  file:close()
  if not text then cli.usage_error(("cannot read '%s': %s"):format(path, problem)) end
  return text
end

local function check_document(path)
  local document, err = core.json_decode(read(path))
  if err then
    err.message = ("%s: %s"):format(path, err.message)
    return nil, err
  end
  local ok, normalized = pcall(core.normalize_contract, document)
  if not ok then
    if core.is_error(normalized) then normalized.message = ("%s: %s"):format(path, normalized.message) end
    return nil, normalized
  end
  cli.out_json(normalized)
  return cli.DONE
end

local function text(value)
  if value == nil or value == core.null then return "" end
  return tostring(value)
end

local function show(model)
  local registry = require("mainsequence.schema.registry")
  local contract = registry.table_of(model):contract()
  local definition = registry.definition(model)
  local meta = definition.description.meta
  cli.out(("%s: table %s%s\n"):format(definition.class_name, definition.tablename,
    meta.identifier and ", identifier " .. meta.identifier or ""))
  local rows = {}
  for position, column in ipairs(contract.columns) do
    rows[position] = { "  " .. column.name, column.data_type, text(column.backend_type),
      column.nullable and "" or "not null", column.primary_key and "primary key" or column.unique and "unique" or "",
      text(column.label or column.description) }
  end
  cli.out_table({ "  column", "data type", "backend type", "", "", "" }, rows)
  if meta.namespace then
    cli.out(("  fingerprint %s\n"):format(require("mainsequence.meta_tables").compute_metatable_contract_hash(model)))
  end
  cli.out("\n")
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  if options.file:find("%.json$") or options.file == "-" then
    if options.model or #options.include > 0 then
      cli.usage_error((options.model and "--model" or "--include") .. " is for files of models")
    end
    return check_document(options.file)
  end
  local files = require("mainsequence.cli.models")
  local registry = require("mainsequence.schema.registry")
  local models = files.of_file(options.file, options.model)
  local include = #options.include > 0 and options.include or nil
  local function contract(model) return registry.table_of(model):contract({ include = include }) end
  if options.json then
    cli.out_json(options.model and contract(models[1]) or files.by_class_name(models, contract))
  else
    for _, model in ipairs(models) do show(model) end
  end
  return cli.DONE
end

return M
