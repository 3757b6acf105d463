-- mainsequence login | logout | whoami, against a server

local commands = require("spec.support.command")
local core = require("mainsequence.core")
local serve = require("spec.support.serve")
local temporary = require("spec.support.temporary")

local PASSWORD = "correct horse battery staple"

describe("logins", function()
  local folder, server, command, environment

  setup(function()
    folder = temporary.folder()
    server = serve.start(folder)
    local admin <close> = assert(core.client { endpoint = "local:" .. server.home })
    assert(admin:call("POST", "/orm/api/ts_manager/users/", { body = { username = "ada", password = PASSWORD } }))
  end)
  teardown(function()
    if server then server:stop() end
    temporary.remove(folder)
  end)
  before_each(function()
    command = commands.new()
    environment = { XDG_CONFIG_HOME = command.folder .. "/config", MAINSEQUENCE_ENDPOINT = server.url }
    temporary.write(command.folder .. "/password", PASSWORD .. "\nsecond line\n")
  end)
  after_each(function() command:remove() end)

  local function store()
    return temporary.read(command.folder .. "/config/mainsequence/auth.json")
  end

  it("log in with a password file, say who, and log out", function()
    local login = command:json("login --username ada --password-file password", environment)
    assert.are.same({ endpoint = server.url, username = "ada" }, { endpoint = login.endpoint, username = login.username })
    local stored = core.json_decode(store())
    assert.are.equal(2, stored.version)
    assert.are.equal("ada", stored.by_backend[server.url].username)
    local mode = io.popen(("stat -c %%a '%s/config/mainsequence/auth.json'"):format(command.folder)):read("l")
    assert.are.equal("600", mode)

    environment.MAINSEQUENCE_ENDPOINT = nil -- the login says where
    local who = command:json("whoami", environment)
    assert.are.equal("ada", who.username)
    assert.are.equal(server.url, who.endpoint)
    assert.are.same({}, command:json("meta-table list", environment))

    assert.is_true(command:json("logout", environment).revoked)
    local deleted = io.open(command.folder .. "/config/mainsequence/auth.json")
    assert.is_nil(deleted)
    environment.MAINSEQUENCE_ENDPOINT = server.url
    command:fails(1, "whoami", environment, "401 nobody is logged in to " .. server.url, "mainsequence login")
    command:fails(1, "logout", environment, "nobody is logged in to " .. server.url)
  end)

  it("take the password from the environment or from standard input", function()
    environment.MAINSEQUENCE_PASSWORD, environment.MAINSEQUENCE_USERNAME = PASSWORD, "ada"
    local status, out = command:run("login", environment)
    assert.are.equal(0, status)
    assert.are.equal(("logged in to %s as ada\n"):format(server.url), out)
    environment.MAINSEQUENCE_PASSWORD = nil
    local piped = ("cd '%s' && env XDG_CONFIG_HOME=config MAINSEQUENCE_ENDPOINT=%s lua5.4 '%s/rocks/bin/mainsequence' login "
      .. "--username ada --password-file - <password"):format(command.folder, server.url, io.popen("pwd"):read("l"))
    local process = io.popen(piped)
    assert.are.equal(out, process:read("a"))
    assert.is_true(process:close())
  end)

  it("never show or take a password on the command line", function()
    temporary.write(command.folder .. "/wrong", "wrong-password\n")
    local err = command:fails(1, "login --username ada --password-file wrong", environment, "401 POST", "/auth/jwt-token/token/")
    assert.is_nil(err:find("wrong-password", 1, true))
    command:fails(2, "login --username ada --password x", environment, "--password")
    temporary.write(command.folder .. "/empty", "\n")
    command:fails(2, "login --username ada --password-file empty", environment, "the first line of empty is empty")
    command:fails(2, "login --username ada --password-file missing", environment, "missing")
    command:fails(2, "login --password-file password", environment, "no user was named")
  end)

  it("need a server", function()
    environment.MAINSEQUENCE_ENDPOINT = nil
    command:fails(2, "login --username ada --password-file password", environment, "needs no login", "--endpoint")
    command:fails(2, "logout", environment, "needs no login")
    assert.are.equal("local", command:json("whoami", environment).username)
    command:fails(1, "login --username ada --password-file password --endpoint http://ada:secret@host", environment,
      "holds a user or a password")
  end)

  it("stand behind the environment's credentials, which go to their own server only", function()
    assert.are.equal(0, (command:run("login --username ada --password-file password", environment)))
    environment.MAINSEQUENCE_ACCESS_TOKEN = "not-a-token"
    command:fails(1, "whoami", environment, "401")
    local _, _, err = command:run("login --username ada --password-file password", environment)
    assert.is_truthy(err:find("MAINSEQUENCE_ACCESS_TOKEN is set and goes before", 1, true))
    environment.MAINSEQUENCE_ENDPOINT = "https://elsewhere.example"
    assert.are.equal("ada", command:json("whoami --endpoint " .. server.url, environment).username)
  end)

  it("are refreshed when they end, and the new tokens stored", function()
    assert.are.equal(0, (command:run("login --username ada --password-file password", environment)))
    local before = core.json_decode(store())
    local login = before.by_backend[server.url]
    -- {"exp": 1}
    login.access = "e30.eyJleHAiOiAxfQ.x"
    assert(core.write_file(command.folder .. "/config/mainsequence/auth.json", core.json_encode(before)))
    assert.are.equal("ada", command:json("whoami", environment).username)
    local after = core.json_decode(store()).by_backend[server.url]
    assert.are_not.equal(login.access, after.access)
    assert.are_not.equal(login.refresh, after.refresh)
    assert.are.equal("ada", after.username)
  end)

  it("serve parallel look-ups", function()
    local client <close> = assert(core.client { endpoint = server.url })
    local calls = { { path = "/healthz" }, { path = "/orm/api/ts_manager/meta_table/" } }
    local results = assert(client:parallel(calls))
    assert.are.equal(2, #results)
    assert.are.equal("authentication", results[2].error.code)

    local login <close> = assert(core.client { endpoint = server.url, access_token = "x" })
    assert(login:call("POST", "/auth/jwt-token/token/", { body = { username = "ada", password = PASSWORD } }))
    local tokens = login:call("POST", "/auth/jwt-token/token/", { body = { username = "ada", password = PASSWORD } })
    local user <close> = assert(core.client { endpoint = server.url, access_token = tokens.access })
    local many = {}
    for number = 1, 50 do
      many[number] = number % 10 == 0 and { path = ("/no/such/%d/"):format(number) }
        or { path = "/orm/api/ts_manager/meta_table/", query = { identifier = "x" .. number } }
    end
    for number, result in ipairs(assert(user:parallel(many))) do
      if number % 10 == 0 then assert.are.equal(404, result.error.status) else assert.are.equal(0, #result.body.results) end
    end
    assert.has_error(function() user:parallel { {} } end)
  end)
end)
