-- The pure rooms from Lua: names, requests, fingerprints of the models of examples/account_asset.
--
--   lua5.4 spec/bench/core.lua [SECONDS]     microseconds of CPU a call, the best of five rounds
--
-- SECONDS (default 0.5) is the time spent on each line. The same from C: bench_core.c.

package.path = "examples/account_asset/?.lua;examples/account_asset/?/init.lua;" .. package.path
local meta_tables = require("mainsequence.meta_tables")
local models = require("sdk_examples.models")

local SECONDS = tonumber(arg[1]) or 0.5
local ROUNDS = 5
local DATA_SOURCE = { data_source_uid = "00000000-0000-4000-8000-000000000001" }
local list = { models.Account, models.Asset, models.AccountHoldings }

local cases = {
  { "schema_table_name", function() return meta_tables.schema_table_name("sdk_examples", "account_holdings") end },
  { "fingerprint", function(model) return meta_tables.compute_metatable_contract_hash(model) end },
  { "registration request", function(model) return meta_tables.build_registration_request(model, DATA_SOURCE) end },
}

---Seconds of one call: the best of some rounds.
local function measure(call)
  local function took(count)
    local start = os.clock()
    for index = 1, count do call(list[index % #list + 1]) end
    return os.clock() - start
  end
  local count = 100
  count = math.max(count, math.floor(count * SECONDS / ROUNDS / math.max(took(count), 1e-6)))
  local best = math.huge
  for _ = 1, ROUNDS do best = math.min(best, took(count) / count) end
  return best
end

for _, case in ipairs(cases) do
  print(("%10.2f us  %s"):format(measure(case[2]) * 1e6, case[1]))
end
