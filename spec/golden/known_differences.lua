-- Where we differ from the reference on purpose. Each rule is a predicate on the case, the reason, and the
-- result that we do give, which the runner checks in place of the golden one. Text of DDL and SQL has no
-- such rules except those that an issue names.

local M = {}

local function authored_in_lua(_, expected)
  local copy = {}
  for key, value in pairs(expected) do copy[key] = value end
  local contract = {}
  for key, value in pairs(expected.table_contract) do contract[key] = value end
  local authoring = {}
  for key, value in pairs(contract.authoring) do authoring[key] = value end
  authoring.table_model = { kind = "lua", module = authoring.table_model.module, qualname = authoring.table_model.qualname }
  contract.authoring = authoring
  copy.table_contract = contract
  return copy
end

M.rules = {
  {
    suite = "contracts",
    reason = "a model written in Lua says so: authoring.table_model.kind is \"lua\"",
    applies = function(_, what)
      return what == "registration_request" or what == "reservation_row" or what == "external_registration_request"
    end,
    result = authored_in_lua,
  },
}

for _, name in ipairs({ "known_operations", "known_autogenerate", "known_statements",
  "known_reflection", "known_wire" }) do
  for _, rule in ipairs(require(name).rules) do M.rules[#M.rules + 1] = rule end
end

---The rule for one expectation of one case, or nil.
---@param suite string
---@param case table
---@param what string  the expectation's name in the suite
---@param expected any  the golden result
function M.find(suite, case, what, expected)
  for _, rule in ipairs(M.rules) do
    if rule.suite == suite and rule.applies(case, what, expected) then return rule end
  end
end

return M
