-- Random statements over account, asset and price_history of tables.json that PostgreSQL and SQLite both can run, and
-- that have one right answer: a total order where there is a limit, no division by zero, no overflow.

local sql = require("mainsequence.sql")
local types = require("mainsequence.schema").types

local M = {}

---A generator of its own (xorshift), so that a seed gives the same statements everywhere.
---@param seed integer
---@return fun(limit: integer): integer  1 to limit
function M.random(seed)
  local state = (seed * 2654435761) & 0x7fffffff | 1
  return function(limit)
    state = state ~ (state << 13) & 0x7fffffff
    state = state ~ (state >> 17)
    state = state ~ (state << 5) & 0x7fffffff
    return state % limit + 1
  end
end

---@param t table<string, table> models
---@param random fun(limit: integer): integer
---@return fun(): any next_statement
function M.generator(t, random)
  local function pick(list) return list[random(#list)] end
  local function chance(percent) return random(100) <= percent end
  local number, text, condition

  -- Columns by kind, of each place in FROM.
  local function account(from)
    return { from = from, key = from.uid, numbers = { from.rank }, texts = { from.name, from.email }, flags = { from.is_active } }
  end
  local function asset(from)
    return { from = from, key = from.uid, owner = from.account_uid, numbers = { from.quantity, from.price },
      texts = { from.symbol, from.asset_class }, flags = {} }
  end

  local function columns(sources, kind)
    local list = {}
    for _, source in ipairs(sources) do table.move(source[kind], 1, #source[kind], #list + 1, list) end
    return list
  end

  local WORDS = { "x", "alpha", "BTC", "crypto", "a%", "B", "e" }

  function number(sources, depth)
    local list = columns(sources, "numbers")
    if depth == 0 or chance(30) then
      if #list > 0 and chance(80) then return pick(list) end
      return sql.literal(random(9), types.Integer {})
    end
    local next_depth = depth - 1
    return pick({
      function() return number(sources, next_depth) + number(sources, next_depth) end,
      function() return number(sources, next_depth) - random(5) end,
      function() return random(5) - number(sources, next_depth) end,
      function() return number(sources, next_depth) * random(3) end,
      function() return -number(sources, next_depth) end,
      function() return sql.func.coalesce(number(sources, next_depth), random(4)) end,
      function() return sql.func.abs(number(sources, next_depth)) end,
      function() return sql.func.length(text(sources, next_depth)) end,
      function()
        return sql.case({ condition(sources, next_depth), number(sources, next_depth) }, { else_ = number(sources, next_depth) })
      end,
    })()
  end

  function text(sources, depth)
    local list = columns(sources, "texts")
    if depth == 0 or chance(40) then
      if #list > 0 and chance(85) then return pick(list) end
      return sql.literal(pick(WORDS), types.String {}):cast(types.String {})
    end
    local next_depth = depth - 1
    return pick({
      function() return sql.func.lower(text(sources, next_depth)) end,
      function() return sql.func.upper(text(sources, next_depth)) end,
      function() return text(sources, next_depth) .. pick(WORDS) end,
      function() return sql.func.coalesce(text(sources, next_depth), pick(WORDS)) end,
      function() return sql.func.replace(text(sources, next_depth), "a", "b") end,
      function() return sql.func.substr(text(sources, next_depth), 1, random(3)) end,
    })()
  end

  local function subselect(sources)
    local inner = asset(sql.aliased(t.asset))
    local outer = sources[1]
    local query = sql.select(inner.numbers[1]):where(condition({ inner }, 1))
    if not outer.owner then query = query:where(inner.owner:eq(outer.key)) end
    return query, inner
  end

  function condition(sources, depth)
    local next_depth = math.max(depth - 1, 0)
    local leaf = {
      function()
        local comparison = pick { "eq", "ne", "lt", "le", "gt", "ge", "is_distinct_from" }
        local left = number(sources, next_depth)
        return left[comparison](left, chance(50) and random(9) or number(sources, next_depth))
      end,
      function()
        local left, comparison = text(sources, next_depth), pick { "eq", "ne", "lt", "ge", "is_not_distinct_from" }
        return left[comparison](left, chance(50) and pick(WORDS) or text(sources, next_depth))
      end,
      function()
        local left = text(sources, next_depth)
        local search = pick { "like", "ilike", "not_like", "startswith", "endswith", "contains", "icontains" }
        return left[search](left, pick(WORDS))
      end,
      function() return number(sources, next_depth):between(random(3), random(9)) end,
      function()
        local members = {}
        for position = 1, random(4) - 1 do members[position] = random(9) end
        local left = number(sources, 0)
        return chance(50) and left:in_(members) or left:not_in(members)
      end,
      function() return chance(50) and text(sources, 0):is_(sql.null) or number(sources, 0):is_not(sql.null) end,
      function()
        local flags = columns(sources, "flags")
        return #flags > 0 and pick(flags) or sql.true_()
      end,
    }
    if depth == 0 then return pick(leaf)() end
    return pick({
      pick(leaf), pick(leaf), pick(leaf),
      function() return condition(sources, next_depth) & condition(sources, next_depth) end,
      function() return condition(sources, next_depth) | condition(sources, next_depth) end,
      function() return ~condition(sources, next_depth) end,
      function() return sql.exists((subselect(sources))) end,
      function() return number(sources, 0):in_((subselect(sources))) end,
    })()
  end

  local function sources_and_select(make)
    local one, two = account(t.account), asset(t.asset)
    local how = random(5)
    if how == 1 then return { one }, sql.select(table.unpack(make { one })) end
    if how == 2 then return { two }, sql.select(table.unpack(make { two })) end
    if how == 3 then
      local other = account(sql.aliased(t.account, "other"))
      return { other }, sql.select(table.unpack(make { other }))
    end
    local both = { two, one }
    local query = sql.select(table.unpack(make(both))):select_from(t.asset)
    if how == 4 then return both, query:join(t.account) end
    return both, query:outerjoin(t.account, t.account.uid:eq(t.asset.account_uid))
  end

  local function plain()
    local count = random(3)
    local sources, query = sources_and_select(function(sources)
      local list = {}
      for position = 1, count do
        local value = chance(50) and number(sources, 2) or text(sources, 2)
        list[position] = value:label("v" .. position)
      end
      return list
    end)
    for _ = 1, random(3) - 1 do query = query:where(condition(sources, 2)) end
    if chance(30) then query = query:distinct() end
    if chance(40) then
      local order = {}
      for position = 1, count do
        local name = "v" .. position
        order[position] = chance(50) and sql.desc(name) or name
      end
      query = query:order_by(table.unpack(order))
      if chance(50) then query = query:limit(random(3)) end
      if chance(30) then query = query:offset(random(2)) end
    end
    return query
  end

  local function grouped()
    local key
    local sources, query = sources_and_select(function(sources)
      key = text(sources, 1):label("k")
      return { key, sql.func.count():label("n"), sql.func.max(number(sources, 1)):label("m"),
        sql.func.count():filter(condition(sources, 1)):label("f") }
    end)
    if chance(50) then query = query:where(condition(sources, 1)) end
    query = query:group_by("k")
    if chance(40) then query = query:having(sql.func.count():gt(1)) end
    return query
  end

  local function windowed()
    local _, query = sources_and_select(function(sources)
      local value = number(sources, 1)
      return { sources[1].key, sql.func.row_number():over { order_by = { value, sources[1].key } }:label("n"),
        sql.func.sum(value):over { partition_by = text(sources, 0), order_by = { sources[1].key }, rows = { sql.null, 0 } }
          :label("s") }
    end)
    return query
  end

  local function combined()
    local one, two = account(t.account), asset(t.asset)
    local first = sql.select(text({ one }, 1):label("v")):where(condition({ one }, 1))
    local second = sql.select(text({ two }, 1):label("v")):where(condition({ two }, 1))
    local query = sql[pick { "union", "union_all", "intersect", "except_" }](first, second)
    return chance(50) and query:order_by("v") or query
  end

  local function nested()
    local inner = plain()
    local from = chance(50) and inner:subquery("q") or inner:cte("q")
    return sql.select(from.c.v1, sql.func.count():label("n")):group_by(from.c.v1)
  end

  local function change()
    local one = account(t.account)
    local how = random(3)
    if how == 1 then
      return sql.update(t.account):values { rank = sql.func.coalesce(t.account.rank, 0) + random(5) }:where(condition({ one }, 2))
        :returning(t.account.uid, t.account.rank)
    elseif how == 2 then
      return sql.delete(t.price_history):where(t.price_history.close:gt(random(4))):returning(t.price_history.close)
    end
    local insert = sql.insert(t.account):values { uid = one.key and "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", name = pick(WORDS),
      is_active = chance(50), rank = random(9) }
    return insert:on_conflict_do_update { index_elements = { "uid" }, set_ = { name = insert.excluded.name,
      rank = insert.excluded.rank + t.account.rank } }:returning(t.account.name, t.account.rank)
  end

  local KINDS = { plain, plain, plain, grouped, windowed, combined, nested, change }
  return function() return pick(KINDS)() end
end

return M
