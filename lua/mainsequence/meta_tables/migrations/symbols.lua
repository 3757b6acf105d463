--- Revision symbols: what "head", "+1", "branch@base" or "0001" mean.
--
--   [branch@] head | heads | base | id | prefix of at least 4 characters
--   [branch@] +N | -N            from where the database is
--   [branch@] id+N | id-N        from a revision
--
-- A branch is named by a branch label or by any of its revisions.

local core = require("mainsequence.core")

local M = {}

local MIN_PREFIX = 4

local function failure(code, message, hint)
  return core.error({ code = code, message = message, hint = hint })
end

---@param heads string[]
---@param symbol string
---@return mainsequence.Error
function M.several_heads(heads, symbol)
  return failure("multiple_heads",
    ("there are %d heads (%s), so '%s' does not name one revision"):format(#heads, table.concat(heads, ", "), symbol),
    "name one of them, use 'heads' for all, or join them with a revision that has both as down_revision")
end

local function not_found(graph, name)
  local near = core.nearest(name, graph.order)
  return failure("revision_not_found", ("there is no revision '%s'"):format(name),
    near and ("did you mean '%s'?"):format(near) or nil)
end

-- A revision's id from an id, a label or a prefix.
local function find(graph, name, members)
  if graph.revisions[name] then
    return name
  end
  if graph.labels[name] then
    return graph.labels[name]
  end
  if #name >= MIN_PREFIX then
    local matches = {}
    for _, id in ipairs(graph.order) do
      if id:sub(1, #name) == name and (members == nil or members[id]) then
        matches[#matches + 1] = id
      end
    end
    if #matches == 1 then
      return matches[1]
    end
    if #matches > 1 then
      return nil, failure("ambiguous_revision",
        ("'%s' is the beginning of several revisions: %s"):format(name, table.concat(matches, ", ")))
    end
  end
  return nil, not_found(graph, name)
end

---@class mainsequence.migrations.Symbol
---@field text string as written
---@field branch string? id of a revision of the branch
---@field members table<string, true>? the branch's revisions
---@field name string "head", "heads", "base", an id …; "" for a step from the database
---@field steps integer? relative step

---@return mainsequence.migrations.Symbol|nil, mainsequence.Error?
local function parse(graph, symbol)
  if type(symbol) ~= "string" or symbol == "" then
    return nil, failure("usage", "a revision is a non-empty string, such as 'head', 'base', '0001', '+1'")
  end
  local parsed = { text = symbol, name = symbol }
  local branch, rest = symbol:match("^([^@]+)@([^@]+)$")
  if branch then
    local id, err = find(graph, branch)
    if not id then
      return nil, failure("revision_not_found", ("there is no branch '%s'"):format(branch), err.hint)
    end
    parsed.branch, parsed.members, parsed.name = id, graph:lineage(id), rest
  elseif symbol:find("@", 1, true) then
    return nil, failure("usage", ("'%s' is no revision symbol; a branch is written branch@revision"):format(symbol))
  end
  local name, sign, steps = parsed.name:match("^(.-)([+-])(%d+)$")
  if name then
    parsed.name, parsed.steps = name, tonumber(sign .. steps)
  end
  return parsed
end

local function overrun(parsed, got)
  return failure("relative_revision", ("'%s' asks for %d steps, but there are only %d"):format(
    parsed.text, math.abs(parsed.steps), got))
end

local function fork(parsed, from, ways)
  return failure("relative_revision", ("'%s' is ambiguous: from %s there is a way to each of %s"):format(
    parsed.text, from and ("'%s'"):format(from) or "base", table.concat(ways, ", ")),
    "name the revision or the branch (branch@…)")
end

-- Walks |steps| along parents or children. `from` nil is base, both as start and as result.
local function walk(graph, parsed, from)
  local up = parsed.steps > 0
  for step = 1, math.abs(parsed.steps) do
    local ways
    if up then
      ways = from and graph.children[from] or graph.bases
    elseif from == nil then
      return nil, overrun(parsed, step - 1)
    else
      ways = graph.revisions[from].down_revisions
    end
    ways = graph.filter(ways, parsed.members)
    if #ways > 1 then
      return nil, fork(parsed, from, ways)
    end
    if #ways == 0 and up then
      return nil, overrun(parsed, step - 1)
    end
    from = ways[1]
  end
  return { id = from }
end

-- The one revision that an absolute name stands for: { id = nil } for base.
local function single(graph, parsed)
  if parsed.name == "base" then
    return { id = nil }
  end
  if parsed.name == "head" or parsed.name == "heads" then
    local heads = graph.filter(graph.heads, parsed.members)
    if #heads > 1 then
      return nil, M.several_heads(heads, parsed.text)
    end
    return { id = heads[1] }
  end
  local id, err = find(graph, parsed.name, parsed.members)
  if not id then
    return nil, err
  end
  if parsed.members and not parsed.members[id] then
    return nil, failure("revision_not_found", ("revision '%s' is not on the branch of '%s'"):format(id, parsed.text))
  end
  return { id = id }
end

-- Absolute symbols and steps from a revision: the ids they name; base names none.
local function absolute(graph, parsed)
  if parsed.name == "heads" and not parsed.steps then
    return graph.filter(graph.heads, parsed.members)
  end
  local found, err = single(graph, parsed)
  if found and parsed.steps then
    found, err = walk(graph, parsed, found.id)
  end
  if not found then
    return nil, err
  end
  return { found.id }
end

-- The one row of the version table a step starts from; { id = nil } for an empty database.
local function start(graph, parsed, current)
  local rows = graph.filter(current, parsed.members)
  if #rows > 1 then
    return nil, failure("relative_revision",
      ("'%s' is ambiguous: the database is at %s"):format(parsed.text, table.concat(rows, ", ")),
      "name the branch (branch@…)")
  end
  return { id = rows[1] }
end

---@param graph mainsequence.migrations.Graph
---@param symbol string
---@return string[]|nil ids, mainsequence.Error?
function M.resolve(graph, symbol)
  local parsed, err = parse(graph, symbol)
  if not parsed then
    return nil, err
  end
  if parsed.name == "" then
    return nil, failure("usage", ("'%s' counts from where a database is; name a revision"):format(symbol))
  end
  return absolute(graph, parsed)
end

---@param graph mainsequence.migrations.Graph
---@param symbol string
---@param current string[]
---@return string[]|nil ids, mainsequence.Error?
function M.upgrade_targets(graph, symbol, current)
  local parsed, err = parse(graph, symbol)
  if not parsed then
    return nil, err
  end
  if parsed.name ~= "" then
    return absolute(graph, parsed)
  end
  if parsed.steps < 0 then
    return nil, failure("usage", ("'%s' goes down; upgrade takes +N"):format(symbol), "use downgrade")
  end
  local from, start_error = start(graph, parsed, current)
  if not from then
    return nil, start_error
  end
  local found, walk_error = walk(graph, parsed, from.id)
  if not found then
    return nil, walk_error
  end
  return { found.id }
end

---@param graph mainsequence.migrations.Graph
---@param symbol string
---@param current string[]
---@return { id: string?, branch: string? }|nil target, mainsequence.Error?
function M.downgrade_target(graph, symbol, current)
  local parsed, err = parse(graph, symbol)
  if not parsed then
    return nil, err
  end
  if parsed.name ~= "" then
    local ids, absolute_error = absolute(graph, parsed)
    if not ids then
      return nil, absolute_error
    end
    return { id = ids[1], branch = parsed.branch }
  end
  if parsed.steps > 0 then
    return nil, failure("usage", ("'%s' goes up; downgrade takes -N"):format(symbol), "use upgrade")
  end
  local from, start_error = start(graph, parsed, current)
  if not from then
    return nil, start_error
  end
  local found, walk_error = walk(graph, parsed, from.id)
  if not found then
    return nil, walk_error
  end
  -- down to base means: to the base of the branch that the database is on
  return { id = found.id, branch = parsed.branch or from.id }
end

return M
