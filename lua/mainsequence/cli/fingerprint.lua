-- mainsequence fingerprint FILE.lua

local cli = require("mainsequence.cli")

local M = {}

function M.add_to_parser(parser, summary)
  local command = parser:command("fingerprint", summary)
  command:argument("file", "A Lua file that returns models."):argname("<file.lua>")
  command:option("--model", "Only this model (class name or table name)."):argname("<name>")
  command:option("--namespace", "Instead of the models' own."):argname("<namespace>")
  command:option("--schema", "Instead of the tables' own."):argname("<schema>")
  command:option("--hash-namespace", "Kept apart from other fingerprints by this word."):argname("<word>")
  command:flag("--no-table-name", "Leave the physical table name out.")
  command:flag("--canonical", "Show the text that is hashed, too.")
  cli.add_common(command)
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  local files = require("mainsequence.cli.models")
  local meta_tables = require("mainsequence.meta_tables")
  local registry = require("mainsequence.schema.registry")
  local models = files.of_file(options.file, options.model)
  local arguments = { namespace = options.namespace, schema = options.schema, hash_namespace = options.hash_namespace,
    include_table_name = not options.no_table_name }
  local fingerprints, texts, rows = {}, {}, {}
  for position, model in ipairs(models) do
    fingerprints[model], texts[model] = meta_tables.compute_metatable_contract_hash(model, arguments)
    rows[position] = { registry.definition(model).class_name, fingerprints[model] }
  end
  if options.json then
    cli.out_json(files.by_class_name(models, function(model)
      if not options.canonical then return fingerprints[model] end
      return require("mainsequence.core").object("fingerprint", fingerprints[model], "canonical_text", texts[model])
    end))
    return cli.DONE
  end
  for position, model in ipairs(models) do
    cli.out(("%s  %s\n"):format(rows[position][2], rows[position][1]))
    if options.canonical then cli.out(("  %s\n"):format(texts[model])) end
  end
  return cli.DONE
end

return M
