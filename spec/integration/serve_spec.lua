-- `mainsequence serve` as an operator runs it: a process, its lines, its signals.

local core = require("mainsequence.core")
local temporary = dofile("spec/support/temporary.lua")

local ROOT = require("lfs").currentdir()
local COMMAND = ("lua5.4 '%s/rocks/bin/mainsequence'"):format(ROOT)
local TABLES = "/orm/api/ts_manager/meta_table/"
local TOKENS = "/orm/api/ts_manager/tokens/"

local function read(path)
  local file = io.open(path, "r")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text
end

---Waits until `get` gives something; servers are told apart from hung ones by patience alone.
local function await(get, what)
  local deadline = core.monotonic_ms() + 30000
  repeat
    local value = get()
    if value then return value end
    os.execute("sleep 0.02")
  until core.monotonic_ms() > deadline
  error("waited in vain for " .. what)
end

local function has_program(name)
  return os.execute(("command -v %s >/dev/null 2>&1"):format(name)) == true
end

describe("mainsequence serve", function()
  local folder, running

  before_each(function()
    folder = temporary.folder()
    running = {}
  end)

  after_each(function()
    for _, server in ipairs(running) do os.execute(("kill -9 %s 2>/dev/null"):format(server.pid)) end
    temporary.remove(folder)
  end)

  ---Starts a server on the folder; waits for its line.
  local function start(arguments)
    local name = ("%s/server%d"):format(folder, #running)
    assert(os.execute(([[sh -c 'MAINSEQUENCE_HOME="%s/home" %s serve %s >%s.out 2>%s.err </dev/null & echo $! >%s.pid
      wait $!; echo $? >%s.tmp; mv %s.tmp %s.status' 2>/dev/null &]]):format(folder, COMMAND:gsub("'", '"'),
      arguments or "--listen 127.0.0.1:0", name, name, name, name, name, name)))
    local server = { name = name, pid = await(function() return (read(name .. ".pid") or ""):match("%d+") end, "a pid") }
    running[#running + 1] = server
    server.line = await(function()
      if read(name .. ".status") then error("ended: " .. read(name .. ".err")) end
      return (read(name .. ".out") or ""):match("^(.-)\n")
    end, "the line")
    server.url = server.line:match("^listening on (https?://.*)$")
    return server
  end

  local function signal(server, name)
    assert(os.execute(("kill -%s %s"):format(name, server.pid)))
  end

  local function status_of(server)
    return tonumber(await(function() return read(server.name .. ".status") end, "the end"))
  end

  local function token()
    local here = assert(core.client { endpoint = "local:" .. folder .. "/home" })
    local body = assert(here:call("POST", TOKENS, { body = { name = "spec" } }))
    here:close()
    return body.access
  end

  local function lists(url)
    local client = assert(core.client { endpoint = url, access_token = token() })
    local rows, err = client:list(TABLES)
    client:close()
    return rows, err
  end

  it("answers those with a token, logs a line a request, ends with status 0 when it is told to", function()
    local server = start()
    assert.matches("^http://127%.0%.0%.1:%d+$", server.url)
    assert.are.same({}, assert(lists(server.url)))
    local nobody = assert(core.client { endpoint = server.url, access_token = "nonsense" })
    local rows, err = nobody:list(TABLES)
    nobody:close()
    assert.is_nil(rows)
    assert.are.equal(401, err.status)
    signal(server, "TERM")
    assert.are.equal(0, status_of(server))
    assert.are.equal(server.line .. "\n", read(server.name .. ".out"))
    local statuses = {}
    for line in read(server.name .. ".err"):gmatch("(%b{})\n") do
      local entry = assert(core.json_decode(line))
      assert.is_string(entry.id)
      assert.are.equal("/orm/api/ts_manager/{kind}/", entry.route)
      assert.is_number(entry.ms)
      statuses[#statuses + 1] = entry.status
    end
    assert.are.same({ 200, 401 }, statuses, read(server.name .. ".err"))
  end)

  it("ends on an interrupt, too", function()
    local server = start()
    signal(server, "INT")
    assert.are.equal(0, status_of(server))
  end)

  it("lets a running query finish, and a second signal end it at once", function()
    local here = assert(core.client { endpoint = "local:" .. folder .. "/home" })
    local source = assert(here:session_data_source())
    local row = assert(here:call("POST", TABLES .. "register/", { accept = 201, body = {
      data_source_uid = source.uid, management_mode = "platform_managed", provisioning = { create_table = true },
      table_contract = { physical = { table_name = "demo__item" },
        columns = { { name = "n", data_type = "int64", backend_type = "BIGINT" } } },
    } }))
    here:close()
    local server = start()
    local script = ([[
      local core = require("mainsequence.core")
      local client = assert(core.client { endpoint = %q, access_token = %q })
      io.stderr:write("asking\n")
      print(client:call("POST", %q, { text = [=[%s]=] }))]]):format(server.url, token(),
      TABLES .. row.uid .. "/run_query/",
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
    local file = assert(io.open(folder .. "/ask.lua", "w"))
    file:write(script)
    file:close()
    assert(os.execute(("lua5.4 %s/ask.lua >%s/asked.out 2>%s/asked.err &"):format(folder, folder, folder)))
    await(function() return (read(folder .. "/asked.err") or ""):find("asking") end, "the query")
    os.execute("sleep 0.3")
    signal(server, "TERM")
    await(function() return read(server.name .. ".err"):find("finishing what runs", 1, true) end, "the first signal")
    os.execute("sleep 0.3")
    assert.is_nil(read(server.name .. ".status"))
    signal(server, "TERM")
    assert.are.equal(128 + 15, status_of(server))
  end)

  it("listens on IPv6", function()
    if not read("/proc/net/if_inet6") or read("/proc/net/if_inet6") == "" then pending("no IPv6 here") end
    local server = start("--listen [::1]:0")
    assert.matches("^http://%[::1%]:%d+$", server.url)
    assert.are.same({}, assert(lists(server.url)))
  end)

  it("speaks TLS", function()
    if not has_program("openssl") then pending("no openssl command here") end
    assert(os.execute(([[cd %s && openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem -days 2 \
      -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null]]):format(folder)))
    local server = start(("--listen 127.0.0.1:0 --tls-certificate %s/certificate.pem --tls-key %s/key.pem"):format(folder,
      folder))
    assert.matches("^https://", server.url)
    local rows, err = lists(server.url)
    assert.is_nil(rows)
    assert.matches("certificate", tostring(err))
    local script = ([[local core = require("mainsequence.core")
      local client = assert(core.client { endpoint = %q, access_token = %q })
      print(#assert(client:list(%q)))]]):format(server.url, token(), TABLES)
    local file = assert(io.open(folder .. "/ask.lua", "w"))
    file:write(script)
    file:close()
    assert(os.execute(("MAINSEQUENCE_CA_FILE=%s/certificate.pem lua5.4 %s/ask.lua >%s/asked.out 2>&1"):format(folder, folder,
      folder)), read(folder .. "/asked.out"))
    assert.are.equal("0\n", read(folder .. "/asked.out"))
    signal(server, "TERM")
    assert.are.equal(0, status_of(server))
  end)

  it("serves one catalog from two processes", function()
    local one, two = start(), start()
    local access = token()
    local first = assert(core.client { endpoint = one.url, access_token = access })
    local second = assert(core.client { endpoint = two.url, access_token = access })
    local source = assert(first:list("/orm/api/ts_manager/dynamic_table_data_source/"))[1]
    local row = assert(first:call("POST", TABLES .. "register/", { accept = 201, body = {
      data_source_uid = source.uid, management_mode = "platform_managed",
      table_contract = { physical = { table_name = "demo__both" },
        columns = { { name = "n", data_type = "int64", backend_type = "BIGINT" } } },
    } }))
    assert.are.equal(row.uid, assert(second:list(TABLES))[1].uid)
    first:close()
    second:close()
  end)

  local function fails(status, arguments, words)
    local _, _, got = os.execute(("MAINSEQUENCE_HOME=%s/home %s serve %s >%s/out 2>%s/err </dev/null"):format(folder,
      COMMAND, arguments, folder, folder))
    assert.are.equal(status, got, read(folder .. "/err"))
    assert.are.equal("", read(folder .. "/out"))
    assert.is_truthy(read(folder .. "/err"):find(words, 1, true), read(folder .. "/err"))
  end

  it("says what is wrong", function()
    fails(2, "--listen nowhere", "'nowhere' is no address")
    fails(2, "--listen ::1:80", "'::1:80' is no address")
    fails(2, "--max-body 0", "'0' is no size")
    fails(2, "--max-body many", "'many' is no size")
    fails(2, "--workers 0", "'0' is no whole number of at least 1")
    fails(2, "--tls-key x", "go together")
    fails(2, "--catalog postgresql://a:secret@host/db", "holds a password")
    fails(1, "--listen 127.0.0.1:0 --tls-key /nowhere --tls-certificate /nowhere", "cannot read the certificate '/nowhere'")
    fails(1, "--catalog sqlite:" .. folder .. "/none.sqlite", "does not exist")
    local server = start()
    fails(1, "--listen " .. server.url:match("//(.*)$"), "Address already in use")
  end)
end)
