--- The graph of revisions: parents, branches, heads, and the order in which revisions run.
--
-- Edges are of two kinds. A parent (`down_revision`) makes a line of history; a dependency
-- (`depends_on`) only says "not before". Branches, heads and relative steps follow parents; what has
-- been applied, and in which order to apply, follows both.

local core = require("mainsequence.core")
local symbols = require("mainsequence.meta_tables.migrations.symbols")

local M = {}

---@class mainsequence.migrations.Graph
---@field revisions table<string, mainsequence.migrations.Revision>
---@field order string[] all ids, parents before children; the same on every run
---@field heads string[]
---@field bases string[]
---@field labels table<string, string> branch label → id of the revision that declares it
---@field children table<string, string[]>
---@field dependents table<string, string[]>
---@field dependencies table<string, string[]>
local Graph = {}
Graph.__index = Graph

local function fail(message, hint)
  return nil, core.error({ code = "revision_graph", message = message, hint = hint })
end

---Numeric ids by number, others by text.
---@param a string
---@param b string
---@return boolean
function M.before(a, b)
  if a:match("^%d+$") and b:match("^%d+$") and tonumber(a) ~= tonumber(b) then
    return tonumber(a) < tonumber(b)
  end
  return a < b
end

local function where(revision)
  return revision.path and (" (%s)"):format(revision.path) or ""
end

local function index_revisions(list)
  local revisions, ids = {}, {}
  for _, revision in ipairs(list) do
    local other = revisions[revision.revision]
    if other then
      return fail(("revision '%s' exists twice: %s and %s"):format(
        revision.revision, other.path or "?", revision.path or "?"), "give one of them another id")
    end
    revisions[revision.revision] = revision
    ids[#ids + 1] = revision.revision
  end
  table.sort(ids, M.before)
  return revisions, ids
end

local function index_labels(revisions, ids)
  local labels = {}
  for _, id in ipairs(ids) do
    for _, label in ipairs(revisions[id].branch_labels) do
      if revisions[label] then
        return fail(("branch label '%s' of revision '%s' is also the id of a revision"):format(label, id))
      end
      if labels[label] then
        return fail(("branch label '%s' is declared by revision '%s' and by '%s'"):format(label, labels[label], id))
      end
      labels[label] = id
    end
  end
  return labels
end

local function index_edges(graph, ids)
  for _, id in ipairs(ids) do
    graph.children[id], graph.dependents[id], graph.dependencies[id] = {}, {}, {}
  end
  for _, id in ipairs(ids) do
    local revision = graph.revisions[id]
    for _, parent in ipairs(revision.down_revisions) do
      if not graph.revisions[parent] then
        local near = core.nearest(parent, ids)
        return fail(("revision '%s'%s follows '%s', which no file defines"):format(id, where(revision), parent),
          near and ("did you mean '%s'?"):format(near) or "restore the missing file or correct down_revision")
      end
      table.insert(graph.children[parent], id)
    end
    for _, name in ipairs(revision.depends_on) do
      local dependency = graph.labels[name] or name
      if not graph.revisions[dependency] then
        return fail(("revision '%s'%s depends on '%s', which no file defines"):format(id, where(revision), name))
      end
      table.insert(graph.dependencies[id], dependency)
      table.insert(graph.dependents[dependency], id)
    end
  end
  return true
end

-- Parents of both kinds, in the order of their ids.
local function predecessors(graph, id)
  local list = { table.unpack(graph.revisions[id].down_revisions) }
  for _, dependency in ipairs(graph.dependencies[id]) do
    list[#list + 1] = dependency
  end
  table.sort(list, M.before)
  return list
end

-- Depth first, parents before children. Fails on a cycle, naming its members.
local function sort_graph(graph, ids)
  local state, order, trail = {}, {}, {}
  local cycle
  local function visit(id)
    if state[id] == "done" then
      return true
    end
    trail[#trail + 1] = id
    if state[id] == "open" then
      cycle = id
      return false
    end
    state[id] = "open"
    for _, parent in ipairs(predecessors(graph, id)) do
      if not visit(parent) then
        return false
      end
    end
    trail[#trail] = nil
    state[id] = "done"
    order[#order + 1] = id
    return true
  end
  for _, id in ipairs(ids) do
    if not visit(id) then
      local first = 1
      while trail[first] ~= cycle do
        first = first + 1
      end
      return fail(("the revisions form a cycle: %s"):format(table.concat(trail, " → ", first)),
        "a revision cannot come after itself; correct down_revision or depends_on")
    end
  end
  return order
end

---@param list mainsequence.migrations.Revision[]
---@return mainsequence.migrations.Graph|nil, mainsequence.Error?
function M.new(list)
  local revisions, ids = index_revisions(list)
  if not revisions then
    return nil, ids
  end
  local labels, label_error = index_labels(revisions, ids)
  if not labels then
    return nil, label_error
  end
  local graph = setmetatable({
    revisions = revisions, labels = labels, children = {}, dependents = {}, dependencies = {},
    heads = {}, bases = {},
  }, Graph)
  local ok, edge_error = index_edges(graph, ids)
  if not ok then
    return nil, edge_error
  end
  local order, order_error = sort_graph(graph, ids)
  if not order then
    return nil, order_error
  end
  graph.order = order
  for _, id in ipairs(ids) do
    if #graph.children[id] == 0 then
      table.insert(graph.heads, id)
    end
    if #revisions[id].down_revisions == 0 then
      table.insert(graph.bases, id)
    end
  end
  return graph
end

-- Everything reachable from `ids` (themselves included) by `step`, as a set.
local function reach(ids, step)
  local seen, pending = {}, { table.unpack(ids) }
  while #pending > 0 do
    local id = table.remove(pending)
    if not seen[id] then
      seen[id] = true
      for _, following in ipairs(step(id)) do
        pending[#pending + 1] = following
      end
    end
  end
  return seen
end

---The revisions a database at `ids` has, themselves included.
---@param ids string[]
---@return table<string, true>
function Graph:ancestors(ids)
  return reach(ids, function(id)
    return predecessors(self, id)
  end)
end

---What would have to go if `ids` went, themselves included.
---@param ids string[]
---@return table<string, true>
function Graph:descendants(ids)
  return reach(ids, function(id)
    local list = { table.unpack(self.children[id]) }
    for _, dependent in ipairs(self.dependents[id]) do
      list[#list + 1] = dependent
    end
    return list
  end)
end

---The members of a branch, which a branch label or any revision of it names: its line of history in
---both directions, without dependencies.
---@param id string a revision's id
---@return table<string, true>
function Graph:lineage(id)
  local members = reach({ id }, function(member)
    return self.revisions[member].down_revisions
  end)
  for member in pairs(reach({ id }, function(member)
    return self.children[member]
  end)) do
    members[member] = true
  end
  return members
end

---Of `ids`, those in `set` (nil: all), in the order of `ids`.
---@param ids string[]
---@param set table<string, true>?
---@return string[]
function Graph.filter(ids, set)
  local list = {}
  for _, id in ipairs(ids) do
    if set == nil or set[id] then
      list[#list + 1] = id
    end
  end
  return list
end

---Fails when the database names a revision that no file defines.
---@param current string[] the rows of the version table
---@return true|nil, mainsequence.Error?
function Graph:check_current(current)
  for _, id in ipairs(current) do
    if not self.revisions[id] then
      return nil, core.error({
        code = "unknown_revision",
        message = ("the database is at revision '%s', which no file here defines"):format(id),
        hint = "run with the code that has this revision, or, if its schema is known to match, `stamp --purge` the right one",
      })
    end
  end
  return true
end

---The revisions to run, in order, to have `targets` in a database at `current`.
---@param targets string[]
---@param current string[]
---@return mainsequence.migrations.Revision[]
function Graph:upgrade_plan(targets, current)
  local wanted, present = self:ancestors(targets), self:ancestors(current)
  local plan = {}
  for _, id in ipairs(self.order) do
    if wanted[id] and not present[id] then
      plan[#plan + 1] = self.revisions[id]
    end
  end
  return plan
end

---The revisions to take back, in order, to bring a database at `current` down to the target.
---@param target { id: string?, branch: string? } id nil: base
---@param current string[]
---@return mainsequence.migrations.Revision[]|nil, mainsequence.Error?
function Graph:downgrade_plan(target, current)
  local members = target.branch and self:lineage(target.branch)
  local roots = target.id and self.children[target.id] or self.bases
  -- what depends on the target goes with its children
  local going = self:descendants(self.filter(roots, members))
  local present = self:ancestors(current)
  local plan = {}
  for position = #self.order, 1, -1 do
    local id = self.order[position]
    if going[id] and present[id] then
      plan[#plan + 1] = self.revisions[id]
    end
  end
  if #plan == 0 and target.id and not present[target.id] then
    return nil, core.error({
      code = "revision_range",
      message = ("revision '%s' is not below the database's %s, so it is no target to downgrade to"):format(
        target.id, #current == 0 and "base" or table.concat(current, ", ")),
      hint = "use upgrade to go to a newer revision",
    })
  end
  return plan
end

---The rows of the version table after a step.
---@param current string[]
---@param id string
---@param downgrade boolean
---@return string[] rows sorted
function Graph:rows_after(current, id, downgrade)
  local rows = {}
  if downgrade then
    for _, row in ipairs(current) do
      if row ~= id then
        rows[#rows + 1] = row
      end
    end
    local implied = self:ancestors(rows)
    for _, parent in ipairs(predecessors(self, id)) do
      -- of two parents one may be an ancestor of the other through a dependency
      local others = {}
      for _, other in ipairs(predecessors(self, id)) do
        if other ~= parent then
          others[#others + 1] = other
        end
      end
      if not implied[parent] and not self:ancestors(others)[parent] then
        rows[#rows + 1] = parent
      end
    end
  else
    local covered = self:ancestors({ id })
    for _, row in ipairs(current) do
      if not covered[row] then
        rows[#rows + 1] = row
      end
    end
    rows[#rows + 1] = id
  end
  table.sort(rows, M.before)
  return rows
end

---What a symbol such as "head", "0001", "branch@head" or "0001+2" names, without a database.
---@param symbol string
---@return string[]|nil ids, mainsequence.Error?
function Graph:resolve(symbol)
  return symbols.resolve(self, symbol)
end

---The targets of `upgrade symbol` for a database at `current`.
---@return string[]|nil ids, mainsequence.Error?
function Graph:upgrade_targets(symbol, current)
  return symbols.upgrade_targets(self, symbol, current)
end

---The target of `downgrade symbol` for a database at `current`.
---@return { id: string?, branch: string? }|nil, mainsequence.Error?
function Graph:downgrade_target(symbol, current)
  return symbols.downgrade_target(self, symbol, current)
end

---The single head, for commands that continue one line of history.
---@return string|nil head nil when there are no revisions
---@return mainsequence.Error?
function Graph:single_head()
  if #self.heads > 1 then
    return nil, symbols.several_heads(self.heads, "head")
  end
  return self.heads[1]
end

---The next sequential id: four digits or more, the largest numeric id plus one.
---@return string|nil id, mainsequence.Error?
function Graph:next_id()
  for _, head in ipairs(self.heads) do
    if not head:match("^%d%d%d%d+$") then
      return nil, core.error({
        code = "usage",
        message = ("head '%s' is no sequential id, so the next one cannot be counted"):format(head),
        hint = "name the new revision with --rev-id",
      })
    end
  end
  local largest = 0
  for _, id in ipairs(self.order) do
    if id:match("^%d%d%d%d+$") then
      largest = math.max(largest, tonumber(id))
    end
  end
  return ("%04d"):format(largest + 1)
end

return M
