-- Clients check a server's certificate, with the authorities of MAINSEQUENCE_CA_FILE where it is set.

local commands = require("spec.support.command")
local serve = require("spec.support.serve")
local temporary = require("spec.support.temporary")

local has_openssl = os.execute("command -v openssl >/dev/null 2>&1") == true

describe("HTTPS", function()
  if not has_openssl then
    pending("needs the command openssl to make certificates")
    return
  end

  local folder, server, command

  local CERTIFY = [[cd '{folder}' && {
    openssl req -x509 -newkey rsa:2048 -nodes -subj '/CN={name} authority' -days 2 -keyout {name}-ca.key -out {name}-ca.pem
    openssl req -newkey rsa:2048 -nodes -subj '/CN={name}' -keyout {name}.key -out {name}.csr
    echo 'subjectAltName={host}' >{name}.ext
    openssl x509 -req -in {name}.csr -CA {name}-ca.pem -CAkey {name}-ca.key -CAcreateserial -days 2 -extfile {name}.ext \
      -out {name}.pem
  } >openssl.log 2>&1]]

  -- A certificate for a host, signed by an authority of its own.
  local function certify(name, host)
    local script = CERTIFY:gsub("{(%l+)}", { folder = folder, name = name, host = host })
    assert(os.execute(script), "openssl failed")
  end

  local function serve_as(name)
    return ("--tls-certificate '%s/%s.pem' --tls-key '%s/%s.key'"):format(folder, name, folder, name)
  end

  setup(function()
    folder = temporary.folder()
    certify("good", "IP:127.0.0.1,DNS:localhost")
    certify("other", "DNS:elsewhere.example")
    server = serve.start(folder, serve_as("good"))
  end)
  teardown(function()
    if server then server:stop() end
    temporary.remove(folder)
  end)
  before_each(function() command = commands.new() end)
  after_each(function() command:remove() end)

  local function environment(authority)
    return {
      MAINSEQUENCE_ENDPOINT = server.url, MAINSEQUENCE_ACCESS_TOKEN = "secret-token",
      MAINSEQUENCE_CA_FILE = authority and ("%s/%s-ca.pem"):format(folder, authority), no_proxy = "*",
    }
  end

  it("reaches a server whose authority is named", function()
    assert.is_truthy(server.url:find("^https://"))
    command:fails(1, "whoami", environment("good"), "401 GET " .. server.url) -- that far it came
  end)

  it("sends nothing to a server that it cannot trust", function()
    for _, authority in ipairs({ false, "other" }) do
      local err = command:fails(1, "whoami", environment(authority), server.url, "certificate", "MAINSEQUENCE_CA_FILE")
      assert.is_nil(err:find("secret-token", 1, true))
    end
  end)

  it("wants a certificate for the host", function()
    local wrong = serve.start(command.folder, serve_as("other"))
    local settings = environment("other")
    settings.MAINSEQUENCE_ENDPOINT = wrong.url
    local _, _, err = command:run("whoami", settings)
    wrong:stop()
    assert.is_truthy(err:find("certificate", 1, true), err)
  end)

  it("says when the file of authorities is missing", function()
    local settings = environment()
    settings.MAINSEQUENCE_CA_FILE = folder .. "/missing.pem"
    command:fails(1, "whoami", settings, "missing.pem")
  end)

  it("is not taken for HTTP", function()
    local settings = environment("good")
    settings.MAINSEQUENCE_ENDPOINT = server.url:gsub("^https", "http")
    command:fails(1, "whoami", settings, settings.MAINSEQUENCE_ENDPOINT)
  end)
end)
