--- Finalization: telling the catalog that the revisions have run, and binding the models to what it says.

local core = require("mainsequence.core")
local meta_tables = require("mainsequence.client.meta_table")
local progress = require("mainsequence.meta_tables.migrations.progress")
local registry = require("mainsequence.schema.registry")

local M = {}

local function failure(code, format, ...)
  return nil, core.error({ code = code, message = format:format(...) })
end

-- ---- Finalization ------------------------------------------------------------------------------

---The uids that finalization names: the version table first, then the models in their order.
---@param context mainsequence.migrations.Context
---@return string[]
function M.uids(context)
  local uids, seen = core.array({}), {}
  local function add(uid)
    if not seen[uid] then
      seen[uid] = true
      uids[#uids + 1] = uid
    end
  end
  add(context.registry_row.uid)
  for _, model in ipairs(context.provider.metatable_models) do
    add(context.rows[model].uid)
  end
  return uids
end

local COUNTS = { "finalized_count", "active_count", "reserved_count", "failed_count" }

local function check_result(result, path)
  if type(result) ~= "table" or type(result.ok) ~= "boolean" or not core.is_array(result.tables) then
    return failure("transport", "POST %s: the reply is no finalization result: %s", path, core.json_encode(result))
  end
  for _, name in ipairs(COUNTS) do
    if math.type(result[name]) ~= "integer" then
      return failure("transport", "POST %s: the reply has no %s", path, name)
    end
  end
  return true
end

local function has_failed(entry)
  return entry.provisioning_status ~= "active" or entry.physical_table_exists ~= true or progress.has_error(entry.error)
end

local function failed_text(entry)
  local text = ("%s(%s):status=%s:physical_table_exists=%s:finalized=%s"):format(
    progress.given(entry.identifier) and entry.identifier or tostring(entry.meta_table_uid),
    progress.given(entry.physical_table_name) and entry.physical_table_name or "no-physical-table",
    tostring(entry.provisioning_status), progress.word(entry.physical_table_exists), progress.word(entry.finalized))
  if progress.has_error(entry.error) then
    text = text .. ":error=" .. core.json_encode(entry.error, { sorted = true })
  end
  return text
end

local function model_of(context, entry)
  for _, model in ipairs(context.provider.metatable_models) do
    if progress.given(entry.physical_table_name) and entry.physical_table_name == registry.definition(model).tablename then
      return model
    end
  end
  for _, model in ipairs(context.provider.metatable_models) do
    if entry.meta_table_uid == context.rows[model].uid then
      return model
    end
  end
end

local function tell_result(context, path, result)
  progress.say(context, "Finalize-managed response ok=%s finalized=%d active=%d reserved=%d failed=%d.", progress.word(result.ok),
    result.finalized_count, result.active_count, result.reserved_count, result.failed_count)
  for _, entry in ipairs(result.tables) do
    if has_failed(entry) then
      progress.say(context, "Finalize-managed table failed identifier=%s physical_table=%s provisioning_status=%s"
        .. " physical_table_exists=%s finalized=%s%s",
        progress.word(entry.identifier), progress.word(entry.physical_table_name), progress.word(entry.provisioning_status),
        progress.word(entry.physical_table_exists), progress.word(entry.finalized),
        progress.has_error(entry.error) and " error=" .. core.json_encode(entry.error, { sorted = true }) or "")
    end
  end
  for _, entry in ipairs(result.tables) do
    local model = model_of(context, entry)
    if model then
      local action = has_failed(entry) and "finalize-failed" or entry.finalized and "finalized" or "active"
      context.report(progress.row(path, action, entry, registry.definition(model).class_name))
    end
  end
end

---Binds models to their rows where the table is there, and releases them where it is gone.
---@return table[]|nil bound, mainsequence.Error?
local function bind_models(context, result)
  local bound = {}
  for _, entry in ipairs(result.tables) do
    local model = model_of(context, entry)
    if model then
      local class = registry.definition(model).kind == "time_index" and context.classes.TimeIndexMetaTable
        or context.classes.MetaTable
      if has_failed(entry) then
        registry.set_binding(model, nil)
      else
        local row, err = class.instance(context.rows[model], "finalize-managed")
        if not row then
          return nil, err
        end
        row.provisioning_status = entry.provisioning_status
        registry.set_binding(model, row)
        bound[#bound + 1] = row
      end
    end
  end
  return bound
end

local function physical_state_error(context, result)
  local missing = {}
  for _, entry in ipairs(result.tables) do
    if entry.provisioning_status ~= "active" or entry.physical_table_exists ~= true then
      missing[#missing + 1] = failed_text(entry)
    end
  end
  return core.error({
    code = "physical_state",
    message = ("provider %s: not every table is active after finalization: active=%d reserved=%d failed=%d missing=[%s]"):format(
      context.provider.migration_provider_key, result.active_count, result.reserved_count, result.failed_count,
      table.concat(missing, ", ")),
    hint = "compare the models with the revisions: a table that no revision creates stays reserved",
  })
end

local function run_hook(context, bound)
  local hook = context.provider.after_register_metatables
  if not hook or #bound == 0 then
    return true
  end
  local ok, err = pcall(hook, {
    package = context.provider.package, migration_namespace = context.provider.migration_namespace,
    registered_metatables = bound, reserved_policy = "reconcile", metatable_models = context.provider.metatable_models,
  })
  if not ok then
    return nil, core.is_error(err) and err or core.error({
      code = "hook", message = "after_register_metatables failed: " .. tostring(err),
    })
  end
  return true
end

---Tells the catalog what became of the tables; binds the models and runs the provider's hook.
---@param context mainsequence.migrations.Context
---@param verb "upgrade"|"downgrade"
---@param target string the target as the caller wrote it
---@return table|nil result, mainsequence.Error?
function M.finalize(context, verb, target)
  local provider = context.provider
  local path = meta_tables.META_TABLE_PATH .. "finalize-managed/"
  progress.say(context, "Finalizing MetaTable catalog after %s...", verb)
  local body = core.object("meta_table_uids", M.uids(context), "migration_package", provider.package,
    "migration_namespace", provider.migration_namespace, "migration_provider_key", provider.migration_provider_key,
    "alembic_version_meta_table_uid", context.registry_row.uid, "alembic_revision", target)
  local result, err = progress.post(context, path, body, 409)
  if result == nil then
    return nil, err
  end
  local ok, check_error = check_result(result, path)
  if not ok then
    return nil, check_error
  end
  tell_result(context, path, result)
  local bound, bind_error = bind_models(context, result)
  if not bound then
    return nil, bind_error
  end
  if not result.ok then
    return nil, physical_state_error(context, result)
  end
  local hooked, hook_error = run_hook(context, bound)
  if not hooked then
    return nil, hook_error
  end
  progress.say(context, "MetaTable catalog finalization finished.")
  return result
end

return M
