-- Folders of tests: made for one test, removed after it.

local lfs = require("lfs")

local M = {}

function M.folder()
  local name = os.tmpname()
  os.remove(name)
  assert(lfs.mkdir(name))
  return name
end

function M.remove(path)
  if lfs.symlinkattributes(path, "mode") == "directory" then
    lfs.touch(path)
    os.execute(("chmod u+rwx '%s'"):format(path))
    for name in lfs.dir(path) do
      if name ~= "." and name ~= ".." then
        M.remove(path .. "/" .. name)
      end
    end
    lfs.rmdir(path)
  else
    os.remove(path)
  end
end

function M.write(path, text)
  local made = ""
  for part in path:match("^(.*)/"):gmatch("[^/]+") do
    made = made .. "/" .. part
    lfs.mkdir(made)
  end
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

function M.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

return M
