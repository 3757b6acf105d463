--- The revision files of a provider, read into a graph.

local lfs = require("lfs")

local core = require("mainsequence.core")
local graphs = require("mainsequence.meta_tables.migrations.graph")
local locations = require("mainsequence.meta_tables.migrations.location")
local revisions = require("mainsequence.meta_tables.migrations.revision")

local M = {}

---@class mainsequence.migrations.Scripts
---@field path string the script folder
---@field versions string[] the folders of revision files
---@field version_path string the folder that new revisions go to
---@field graph mainsequence.migrations.Graph

---Revision files of a folder, by name. A folder that does not exist has none: git keeps no empty ones.
local function files_of(folder)
  if not locations.is_directory(folder) then
    return {}
  end
  local ok, iterator, state = pcall(lfs.dir, folder)
  if not ok then
    return nil, core.error({ code = "filesystem", message = ("cannot read the folder %s: %s"):format(folder, iterator) })
  end
  local names = {}
  for name in iterator, state do
    if name:match("%.lua$") and name ~= "init.lua" and name:sub(1, 1) ~= "." then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

---@param folders string[]
---@return mainsequence.migrations.Graph|nil, mainsequence.Error?
function M.read_graph(folders)
  local list = {}
  for _, folder in ipairs(folders) do
    local names, err = files_of(folder)
    if not names then
      return nil, err
    end
    for _, name in ipairs(names) do
      local revision, load_error = revisions.load(locations.join(folder, name))
      if not revision then
        return nil, load_error
      end
      list[#list + 1] = revision
    end
  end
  return graphs.new(list)
end

---@param provider mainsequence.migrations.Provider
---@return { path: string, versions: string[], version_path: string }|nil, mainsequence.Error?
function M.folders(provider)
  local path, err = locations.resolve(provider.script_location)
  if not path then
    return nil, err
  end
  local versions = {}
  for position, location in ipairs(provider.version_locations) do
    local folder, location_error = locations.resolve(location)
    if not folder then
      return nil, location_error
    end
    versions[position] = folder
  end
  local version_path, version_error = locations.resolve(provider.version_path)
  if not version_path then
    return nil, version_error
  end
  return { path = path, versions = versions, version_path = version_path }
end

---@param provider mainsequence.migrations.Provider
---@return mainsequence.migrations.Scripts|nil, mainsequence.Error?
function M.load(provider)
  local folders, err = M.folders(provider)
  if not folders then
    return nil, err
  end
  local graph, graph_error = M.read_graph(folders.versions)
  if not graph then
    return nil, graph_error
  end
  folders.graph = graph
  return folders
end

return M
