-- naming.json: {fn, args, kwargs?, result | error}. Messages are plain English about the user's input, so
-- ours must state the same facts: the words of the golden message that are not filler must all be in ours.

local core = require("mainsequence.core")

local M = {}

local function unpack_arguments(args)
  local list = {}
  for position = 1, #args do
    local value = args[position]
    if value == core.null then value = nil end
    list[position] = value
  end
  return table.unpack(list, 1, #args)
end

local CALLS = {
  slugify_identifier = function(args) return core.slugify_identifier(args[1]) end,
  normalize_identifier_part = function(args) return core.normalize_identifier_part(args[1]) end,
  bounded_identifier = function(args, kwargs) return core.bounded_identifier(args, kwargs.max_length) end,
  schema_table_name = function(args, kwargs)
    local app, concept, suffix = unpack_arguments(args)
    if suffix == nil and kwargs.suffix ~= core.null then suffix = kwargs.suffix end
    return core.schema_table_name(app, concept, suffix)
  end,
  parse_schema_table_name = function(args)
    local parts = core.parse_schema_table_name(args[1])
    return core.object("app", parts.app, "concept", parts.concept, "suffix", parts.suffix or core.null)
  end,
  schema_index_name = function(args, kwargs) return core.schema_index_name(args[1], args[2], kwargs.unique) end,
  schema_foreign_key_name = function(args)
    return core.schema_foreign_key_name(args[1], args[2], args[3], args[4])
  end,
  schema_primary_key_name = function(args) return core.schema_primary_key_name(args[1]) end,
  schema_unique_constraint_name = function(args) return core.schema_unique_constraint_name(args[1], args[2]) end,
  schema_check_constraint_name = function(args)
    return core.schema_check_constraint_name(unpack_arguments(args))
  end,
  namespace_version_slug = function(args) return core.namespace_version_slug(unpack_arguments(args)) end,
  namespace_version_location = function(args, kwargs)
    return core.namespace_version_location(args[1], kwargs.prefix)
  end,
  build_meta_table_storage_hash = function(_, kwargs) return core.build_meta_table_storage_hash(kwargs) end,
  build_meta_table_configured_storage_hash = function(_, kwargs)
    return core.build_meta_table_configured_storage_hash(kwargs)
  end,
}

local FILLER = { a = 1, an = 1, the = 1, is = 1, to = 1, of = 1, for_ = 1, must = 1, be = 1, use = 1, cannot = 1,
  at = 1, ["for"] = 1, build = 1, convention = 1, contain = 1, ["or"] = 1 }

---Whether `message` says what `golden` says: every telling word of it is there.
function M.same_facts(golden, message)
  local ours = message:lower()
  for word in golden:lower():gmatch("[%w_]+") do
    if not FILLER[word] and not ours:find(word, 1, true) then return false, word end
  end
  return true
end

function M.run(case, expect)
  local call = CALLS[case.fn]
  if not call then error("no such function in this suite: " .. tostring(case.fn)) end
  local ok, result = pcall(call, case.args, case.kwargs or {})
  if case.error then
    if ok then error("expected the error " .. case.error.message .. ", got " .. core.json_encode(result)) end
    if not core.is_error(result) then error(result) end
    local same, word = M.same_facts(case.error.message, result.message)
    if not same then error(("our message %q lacks %q of %q"):format(result.message, word, case.error.message)) end
  else
    if not ok then error(result, 0) end
    expect(case.result, result, "result")
  end
end

return M
