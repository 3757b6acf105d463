-- mainsequence meta-table graph | search

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")
local tables = require("mainsequence.cli.tables")

local M = {}

local text = tables.text

---@param session mainsequence.Session
---@param options table
---@return integer|nil status, any err
function M.graph(session, options)
  local row, class = tables.find(session, options.table)
  if not row then return nil, class end
  local graph, err = class.methods.get_schema_graph(row.uid,
    { depth = options.depth, include_incoming = options.include_incoming or nil })
  if not graph then return nil, err end
  if options.json then
    cli.out_json(graph)
    return cli.DONE
  end
  local names, lines = {}, {}
  for _, node in ipairs(graph.nodes or {}) do
    local name = text(node.physical_table_name or node.identifier)
    names[node.uid] = name ~= "" and name or node.uid
  end
  for position, edge in ipairs(graph.edges or {}) do
    lines[position] = { names[edge.source_uid] or text(edge.source_uid), table.concat(edge.source_columns or {}, ", "),
      names[edge.target_uid] or text(edge.target_uid), table.concat(edge.target_columns or {}, ", "), text(edge.on_delete) }
  end
  if #lines == 0 then
    cli.say(("%s has no foreign keys within %d steps."):format(row.physical_table_name, options.depth))
  else
    cli.out_table({ "table", "columns", "refers to", "columns", "on delete" }, lines)
  end
  if math.type(graph.hidden_edges) == "integer" and graph.hidden_edges > 0 then
    cli.say(("%d more lead to tables that you may not view."):format(graph.hidden_edges))
  end
  return cli.DONE
end

---@param session mainsequence.Session
---@param options table
---@return integer|nil status, any err
function M.search(session, options)
  local words, rows, lines = table.concat(options.words, " "), core.array({}), {}
  if not words:find("%S") then cli.usage_error("there is no word to search for") end
  local method, seen = options.columns and "column_search" or "description_search", {}
  for _, name in ipairs({ "MetaTable", "TimeIndexMetaTable" }) do
    local class = session.classes[name]
    local found, err = class.methods[method](words)
    if not found then return nil, err end
    for _, object in ipairs(found) do
      if not seen[object.uid] then
        seen[object.uid] = true
        rows[#rows + 1] = class.document(object)
        lines[#lines + 1] = { text(object.uid), text(object.identifier), object.physical_table_name, text(object.description) }
      end
    end
  end
  if options.json then
    cli.out_json(rows)
  elseif #lines == 0 then
    cli.say(("No table fits '%s'."):format(words))
  else
    cli.out_table({ "uid", "identifier", "physical table", "description" }, lines)
  end
  return cli.DONE
end

return M
