-- The unmodified Python SDK as a user of `mainsequence serve` with a PostgreSQL data source. Runs only where the
-- package `mainsequence` is importable: by MSEQ_INTEROP_PYTHON (an interpreter), else by python3.
-- Tried with the versions 4.4.0 and 4.4.32:
--   python3 -m venv venv && venv/bin/pip install 'mainsequence==4.4.32' 'psycopg[binary]'
--   MSEQ_INTEROP_PYTHON=venv/bin/python spec/run.sh

local command = require("spec.support.command")
local postgresql = dofile("spec/support/postgresql.lua")
local serve = require("spec.support.serve")
local temporary = require("spec.support.temporary")

local ROOT = io.popen("pwd"):read("l")
local PYTHON = os.getenv("MSEQ_INTEROP_PYTHON") or "python3"
local PROVIDER = "sdk_interop.migrations:migration"

local function importable()
  return os.execute(("'%s' -c 'import mainsequence.meta_tables, psycopg' >/dev/null 2>&1"):format(PYTHON)) == true
end

describe("the Python SDK on mainsequence serve", function()
  if not importable() then
    pending("needs the Python packages mainsequence and psycopg; MSEQ_INTEROP_PYTHON names the interpreter", function() end)
    return
  end

  local admin, server, environment, other

  setup(function()
    admin = command.new()
    assert(os.execute(("cp -r '%s/spec/interop/sdk_interop' '%s/sdk_interop'"):format(ROOT, admin.folder)))
    local uri_file = admin.folder .. "/uri"
    temporary.write(uri_file, postgresql.database() .. "\n")
    assert(os.execute(("chmod 600 '%s'"):format(uri_file)))
    admin:json(("manager data-source add --class postgresql --uri-file '%s' --name interop --default"):format(uri_file))
    other = admin:json("manager user add alice --no-password")
    local token = admin:json("manager token create sdk")
    server = serve.start(admin.folder, ("--home '%s/home'"):format(admin.folder))
    local project = admin:json("project list")[1]
    environment = ("MAINSEQUENCE_ENDPOINT='%s' MAINSEQUENCE_ACCESS_TOKEN='%s' MAIN_SEQUENCE_PROJECT_UID='%s' "
      .. "PYTHONPATH=. HOME='%s'"):format(server.url, token.access, project.uid, admin.folder)
  end)

  teardown(function()
    if server then server:stop() end
    if admin then admin:remove() end
  end)

  ---Runs Python in the project's folder; gives what it printed.
  local function python(arguments)
    local ok, _, status = os.execute(("cd '%s' && env -u MAINSEQUENCE_AUTH_MODE %s '%s' %s >out 2>&1 </dev/null")
      :format(admin.folder, environment, PYTHON, arguments))
    local out = temporary.read(admin.folder .. "/out")
    assert(ok, ("%s: status %s\n%s"):format(arguments, status, out))
    return out
  end

  local function migrations(arguments)
    return python("-m mainsequence migrations " .. arguments)
  end

  it("makes its migrations package and a first revision", function()
    migrations("scaffold --package sdk_interop --namespace sdk-interop --metadata sdk_interop.models:Base.metadata "
      .. "--models sdk_interop.models:models --module sdk_interop.migrations --source-root .")
    assert.matches("revision: 0001", migrations(("revision --provider %s -m initial --autogenerate"):format(PROVIDER)))
  end)

  it("upgrades, twice", function()
    assert.matches("finalized_count: 3", migrations(("upgrade --provider %s head"):format(PROVIDER)))
    local again = migrations(("upgrade --provider %s head"):format(PROVIDER))
    assert.matches("ok: True", again)
    assert.matches("active_count: 4", again)
  end)

  it("executes, finds, labels and shares", function()
    assert.matches("all calls done", python(("'%s/spec/interop/calls.py' %d %s"):format(ROOT, other.id, other.uid)))
  end)

  it("downgrades to nothing and upgrades again", function()
    assert.matches("reserved_count: 3", migrations(("downgrade --provider %s base"):format(PROVIDER)))
    assert.matches("active_count: 4", migrations(("upgrade --provider %s head"):format(PROVIDER)))
  end)
end)
