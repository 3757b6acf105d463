-- mainsequence serve

local catalogs = require("mainsequence.cli.catalog")
local cli = require("mainsequence.cli")

local M = {}

local function size(text)
  local number, unit = text:match("^(%d+)([KMG]?)$")
  local factor = ({ K = 1024, M = 1024 ^ 2, G = 1024 ^ 3 })[unit] or 1
  if not number or number == "0" then return nil, ("'%s' is no size: write bytes, or 64K, 32M"):format(text) end
  return math.tointeger(tonumber(number) * factor)
end

local count = cli.whole_number(1)

local function address(text)
  if text:match("^[^%[%]:]+:%d+$") or text:match("^%[[^%[%]]+%]:%d+$") then return text end
  return nil, ("'%s' is no address: write 127.0.0.1:8765, [::1]:8765, or port 0 for any free one"):format(text)
end

function M.add_to_parser(parser, summary)
  local command = parser:command("serve", summary)
  command:option("--listen", "Where to listen; port 0 takes any free one.", "127.0.0.1:8765"):convert(address)
    :argname("<address:port>")
  command:option("--workers", "Threads that answer requests. Default: 16."):convert(count):argname("<number>")
  command:option("--max-body", "The largest request body. Default: 32M."):convert(size):argname("<size>")
  command:option("--max-connections", "Connections in total. Default: 1000."):convert(count):argname("<number>")
  command:option("--max-connections-per-address", "Connections from one address. Default: 500.")
    :convert(count):argname("<number>")
  command:option("--tls-certificate", "PEM file with the certificate chain: serve HTTPS."):argname("<file>")
  command:option("--tls-key", "PEM file with the certificate's private key."):argname("<file>")
  catalogs.add_options(command)
  cli.add_common(command)
  command:epilog("SIGTERM or SIGINT lets running requests finish and ends with status 0; a second one ends at once.")
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  local core = require("mainsequence.core")
  catalogs.check(options)
  if (options.tls_certificate == nil) ~= (options.tls_key == nil) then
    cli.usage_error("--tls-certificate and --tls-key go together")
  end
  local server, err = core.server {
    home = options.home, catalog = options.catalog, listen = options.listen, workers = options.workers,
    max_body = options.max_body, max_connections = options.max_connections,
    max_connections_per_address = options.max_connections_per_address,
    tls_certificate = options.tls_certificate, tls_key = options.tls_key,
  }
  if not server then return nil, err end
  cli.out(("listening on %s\n"):format(server:address()))
  io.stdout:flush()
  local signal, problem = server:wait()
  if signal then cli.say(("mainsequence: %s: finishing what runs"):format(signal)) end
  server:close()
  if not signal then return nil, problem end
  return cli.DONE
end

return M
