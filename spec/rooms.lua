-- Checks that the code keeps to the rooms: reads the table of ARCHITECTURE.md and compares it with every
-- #include "…" under core/ and every require("mainsequence.…") under lua/. Exit 1 names each breach.

local breaches = {}
local checked = 0

local function read(path)
  local file = assert(io.open(path, "r"))
  local text = file:read("a")
  file:close()
  return text
end

local function files(pattern)
  local pipe = assert(io.popen("git ls-files '" .. pattern .. "'"))
  local list = {}
  for path in pipe:lines() do list[#list + 1] = path end
  pipe:close()
  return list
end

-- room → set of rooms it may use, from rows such as: | `core/ddl` | what | schema, naming, base | never |
local allowed = {}
for room, uses in read("ARCHITECTURE.md"):gmatch("\n| `core/(%a+)` |[^|]*|([^|]*)|") do
  allowed[room] = { [room] = true, version = true }
  for name in uses:gmatch("%a+") do allowed[room][name] = true end
end
assert(allowed.base and allowed.manager, "ARCHITECTURE.md has no table of rooms")

local function breach(path, text)
  breaches[#breaches + 1] = path .. ": " .. text
end

for _, path in ipairs(files("core/*.[ch]")) do
  local room = path:match("^core/include/mainsequence/(%a+)%.h$") or path:match("^core/(%a+)/")
  if room ~= "include" and room ~= "mainsequence" and room ~= "version" then
    local may = allowed[room]
    if not may then
      breach(path, "room '" .. tostring(room) .. "' is not in ARCHITECTURE.md")
    else
      for include in read(path):gmatch('#%s*include%s+"([^"]+)"') do
        checked = checked + 1
        local used = include:match("^mainsequence/(%a+)%.h$")
        if used and not may[used] and not (room == "lua" and used ~= "mainsequence") then
          breach(path, "includes " .. include .. ", which room '" .. room .. "' may not use")
        elseif not used and include:find("/", 1, true) then
          breach(path, "includes another room's private header " .. include)
        end
      end
      -- Drivers and sockets have a file of their own.
      for header, only in pairs({ ["sqlite3.h"] = "^core/database/", ["libpq-fe.h"] = "^core/database/",
        ["curl/curl.h"] = "^core/transport/", ["microhttpd.h"] = "^core/server/",
        ["lua.h"] = "^core/lua/", ["jansson.h"] = "^core/base/", ["pg_query.h"] = "^core/sql/" }) do
        if read(path):find("#include <" .. header .. ">", 1, true) and not path:find(only) then
          breach(path, "includes <" .. header .. ">")
        end
      end
    end
  end
end

-- The front end: which module families a module may require (longest prefix wins).
local front = {
  { "mainsequence.schema", { "mainsequence.core", "mainsequence.schema", "mainsequence.sql" } },
  { "mainsequence.sql", { "mainsequence.core", "mainsequence.schema", "mainsequence.sql" } },
  { "mainsequence.client", { "mainsequence.core", "mainsequence.schema", "mainsequence.client" } },
  { "mainsequence.meta_tables", { "mainsequence.core", "mainsequence.schema", "mainsequence.sql",
    "mainsequence.client", "mainsequence.meta_tables" } },
  { "mainsequence.cli", { "mainsequence" } },
  { "mainsequence.meta", {} },
  { "mainsequence", { "mainsequence.core", "mainsequence.client" } },
}
local function family(module)
  for _, row in ipairs(front) do
    if module == row[1] or module:sub(1, #row[1] + 1) == row[1] .. "." then return row end
  end
end
for _, path in ipairs(files("lua/*.lua")) do
  local module = path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
  local row = family(module)
  for required in read(path):gmatch("require%(?%s*[\"'](mainsequence[%w_.]*)[\"']") do
    checked = checked + 1
    local good = required == module
    for _, prefix in ipairs(row and row[2] or {}) do
      if required == prefix or required:sub(1, #prefix + 1) == prefix .. "." then good = true end
    end
    if not good then breach(path, "requires " .. required) end
  end
end

assert(checked > 50, "the check saw almost no includes: it is broken")
for _, text in ipairs(breaches) do print(text) end
print(("%d uses checked, %d breaches"):format(checked, #breaches))
os.exit(#breaches == 0 and 0 or 1)
