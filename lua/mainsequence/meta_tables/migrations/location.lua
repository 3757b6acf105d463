--- Where migration scripts live: "module.path:folder" names a folder beside a Lua module, anything
--- without a colon a folder of the file system.

local lfs = require("lfs")

local core = require("mainsequence.core")

local M = {}

local HERE = "./?.lua;./?/init.lua"

---Puts the current directory on the path of Lua modules, before everything else, as the command
---`mainsequence migrations` looks for providers there.
function M.search_current_directory()
  if package.path:sub(1, #HERE + 1) ~= HERE .. ";" and package.path ~= HERE then
    package.path = HERE .. ";" .. package.path
  end
end

---@param path string
---@return string absolute
function M.absolute(path)
  path = path:gsub("^%./+", "")
  if path == "" or path == "." then
    return lfs.currentdir()
  end
  if path:sub(1, 1) == "/" then
    return path
  end
  return (lfs.currentdir():gsub("/$", "")) .. "/" .. path
end

---@param folder string
---@param name string
---@return string
function M.join(folder, name)
  if name == "" then
    return folder
  end
  return (folder:gsub("/+$", "")) .. "/" .. name
end

---@param path string
---@return boolean
function M.is_directory(path)
  return lfs.attributes(path, "mode") == "directory"
end

---Makes a directory and what is missing above it.
---@param path string absolute
---@return true|nil, mainsequence.Error?
function M.make_directory(path)
  local made = ""
  for part in path:gmatch("[^/]+") do
    made = made .. "/" .. part
    if not M.is_directory(made) then
      local ok, reason = lfs.mkdir(made)
      -- another process may have made it meanwhile
      if not ok and not M.is_directory(made) then
        return nil, core.error({ code = "filesystem", message = ("cannot make the folder %s: %s"):format(made, reason) })
      end
    end
  end
  return true
end

-- The folder of a module: that of its init.lua, else the one that holds its submodules.
local function module_folder(name)
  local file = package.searchpath(name, package.path)
  if not file then
    return nil
  end
  file = M.absolute(file)
  return file:match("^(.*)/init%.lua$") or (file:gsub("%.lua$", ""))
end

---The absolute folder that a location names; it need not exist yet.
---@param location string
---@return string|nil folder, mainsequence.Error?
function M.resolve(location)
  local module, relative = location:match("^([^:/]+):(.*)$")
  if not module then
    return M.absolute((location:gsub("/+$", "")))
  end
  local folder = module_folder(module)
  if not folder then
    return nil, core.error({
      code = "usage",
      message = ("location '%s': there is no Lua module '%s' on package.path"):format(location, module),
      hint = "run the command in the project's folder, or put the folder on LUA_PATH",
    })
  end
  return M.join(folder, (relative:gsub("^/+", ""):gsub("/+$", "")))
end

return M
