-- Shapes of what stands in FROM, and of statements. Loaded by shape.lua, which hands itself over.

local selectable = require("mainsequence.sql.selectable")

local From = selectable.From

---@param M table mainsequence.sql.shape
local function install(M)
  local signers, sign, sign_list, sign_maybe, sign_name = M.signers, M.sign, M.sign_list, M.sign_maybe, M.sign_name
  local text, count, flag, met, new_mark = M.text, M.count, M.flag, M.met, M.new_mark

  -- ---- FROM ---------------------------------------------------------------------------------------

  ---The columns of a result.
  local function sign_columns(s, list)
    local outer = s.naming
    s.naming = true
    sign_list(s, list)
    s.naming = outer
  end

  local function sign_from(s, from)
    if from.kind == "table" then
      local mark = from.mark
      if not mark then
        mark = new_mark("T")
        rawset(from, "mark", mark)
      end
      s[#s + 1] = mark
    elseif not met(s, from) then
      return sign(s, from)
    end
  end
  M.sign_from = sign_from
  selectable.methods.mark = false

  signers.alias = function(s, from)
    s[#s + 1] = "alias"
    sign_name(s, from.name)
    return sign_from(s, from.element)
  end

  signers.subquery = function(s, from)
    s[#s + 1] = "subquery"
    sign_name(s, from.name)
    return sign(s, from.element)
  end

  signers.cte = function(s, from)
    s[#s + 1] = from.recursive and "recursive" or "cte"
    flag(s, from.nesting)
    sign_name(s, from.name)
    if from.restates or from.cte_alias or from.prefixes or from.suffixes then s.unknown = true end
    return sign(s, from.element)
  end

  signers.join = function(s, from)
    s[#s + 1] = from.full and "full" or from.isouter and "outer" or "join"
    sign_from(s, from.left)
    sign_from(s, from.right)
    return sign(s, from.onclause)
  end

  signers.from_grouping = function(s, from)
    s[#s + 1] = "(from"
    return sign_from(s, from.element)
  end

  -- ---- SELECT -------------------------------------------------------------------------------------

  local function sign_froms(s, list)
    count(s, #list)
    for position = 1, #list do sign_from(s, list[position]) end
  end

  local function sign_setup(s, setup)
    if not setup then
      s[#s + 1] = "-"
      return
    end
    count(s, #setup)
    for position = 1, #setup do
      local entry = setup[position]
      s[#s + 1] = entry.full and "full" or entry.isouter and "outer" or "join"
      if entry.left then
        s[#s + 1] = "from"
        sign_from(s, entry.left)
      end
      sign_from(s, entry.right)
      sign_maybe(s, entry.onclause)
    end
  end

  -- What statements seldom have, and what writes it; a statement with anything else has no shape.
  local RARE = {
    { "distinct", flag }, { "distinct_on", sign_list }, { "label_style", text }, { "no_auto_correlation", flag },
    { "correlate", sign_froms }, { "correlate_except", sign_froms },
  }

  local function sign_rare(s, more)
    if next(more) == nil then
      s[#s + 1] = "-"
      return
    end
    local known = 0
    for position = 1, #RARE do
      local value = more[RARE[position][1]]
      if value ~= nil then
        known = known + 1
        count(s, position)
        RARE[position][2](s, value)
      end
    end
    s[#s + 1] = "."
    for _ in next, more do known = known - 1 end
    if known ~= 0 then s.unknown = true end
  end

  local function sign_tail(s, statement)
    if not (statement.grouping or statement.ordering or statement.limiting or statement.skipping or statement.fetching) then
      s[#s + 1] = "."
      return
    end
    sign_list(s, statement.grouping)
    sign_list(s, statement.ordering)
    sign_maybe(s, statement.limiting)
    sign_maybe(s, statement.skipping)
    local fetch = statement.fetching
    flag(s, fetch)
    if fetch then
      flag(s, fetch.percent)
      flag(s, fetch.with_ties)
      sign(s, fetch.count)
    end
  end

  signers.select = function(s, statement)
    s[#s + 1] = "select"
    local list, outer = statement.list, s.naming
    s.naming = true
    count(s, #list)
    for position = 1, #list do
      local item = list[position]
      if getmetatable(item) == From then
        s[#s + 1] = "*"
        sign_from(s, item)
      else
        sign(s, item)
      end
    end
    s.naming = false
    sign_froms(s, statement.sources)
    sign_setup(s, statement.setup)
    sign_list(s, statement.criteria)
    sign_list(s, statement.filtering)
    sign_tail(s, statement)
    sign_rare(s, statement.more)
    s.naming = outer
  end

  signers.compound = function(s, statement)
    s[#s + 1] = statement.keyword
    count(s, #statement.selects)
    for _, item in ipairs(statement.selects) do
      flag(s, item.parentheses)
      sign(s, item.statement)
    end
    sign_tail(s, statement)
    sign_rare(s, statement.more)
  end

  -- ---- INSERT, UPDATE, DELETE ---------------------------------------------------------------------

  ---What a column is set to.
  local function sign_assigned(s, value)
    if value.kind ~= "literal_value" then return sign(s, value) end
    s[#s + 1] = "v"
    s.slots[#s.slots + 1] = value
  end

  ---Values of columns, in the order of the table.
  local function sign_row(s, columns, row)
    local known = 0
    for position = 1, #columns do
      local value = row[columns[position]]
      if value ~= nil then
        count(s, position)
        sign_assigned(s, value)
        known = known + 1
      end
    end
    s[#s + 1] = "."
    for _ in next, row do known = known - 1 end
    if known ~= 0 then s.unknown = true end
  end

  ---Rows; those with literal values for the columns of the first one are written as one word.
  local function sign_rows(s, columns, rows)
    count(s, #rows)
    local first, filled, slots = rows[1], {}, s.slots
    for position = 1, #columns do
      if first[columns[position]] ~= nil then filled[#filled + 1] = columns[position] end
    end
    sign_row(s, columns, first)
    for index = 2, #rows do
      local row, known = rows[index], #slots
      for position = 1, #filled do
        local value = row[filled[position]]
        if not value or value.kind ~= "literal_value" then break end
        slots[known + position] = value
      end
      local members = 0
      for _ in next, row do members = members + 1 end
      if members == #filled and #slots == known + members then
        s[#s + 1] = "="
      else
        for position = #slots, known + 1, -1 do slots[position] = nil end
        sign_row(s, columns, row)
      end
    end
  end

  local function sign_conflict(s, conflict, columns)
    if not conflict then
      s[#s + 1] = "-"
      return
    end
    s[#s + 1] = conflict.set and "update" or "nothing"
    local target = conflict.target
    if not target then
      s[#s + 1] = "-"
    elseif target.constraint then
      s[#s + 1] = "on"
      text(s, target.constraint)
    else
      count(s, #target.elements)
      for _, element in ipairs(target.elements) do
        s[#s + 1] = "i"
        if type(element) == "string" then text(s, element) else sign(s, element) end
      end
      sign_maybe(s, target.where)
    end
    if not conflict.set then return end
    sign_row(s, columns, conflict.set)
    count(s, #conflict.others)
    for _, other in ipairs(conflict.others) do
      text(s, other.name)
      sign(s, other.value)
    end
    return sign_maybe(s, conflict.where)
  end

  local function sign_returned(s, statement)
    local list = statement.returned
    flag(s, list)
    if list then sign_columns(s, statement:result_columns()) end
  end

  ---The signer of a change: what all have before and behind what is its own.
  local function sign_change(keyword, own)
    signers[keyword] = function(s, statement)
      s[#s + 1] = keyword
      local outer = s.naming
      s.naming = false
      sign_from(s, statement.target)
      own(s, statement)
      sign_returned(s, statement)
      sign_rare(s, statement.more)
      s.naming = outer
    end
  end

  sign_change("insert", function(s, statement)
    local columns = statement.target.list
    if statement.source then
      s[#s + 1] = statement.include_defaults and "from+" or "from"
      sign_list(s, statement.names)
      sign(s, statement.source)
    elseif statement.rows then
      s[#s + 1] = "rows"
      sign_rows(s, columns, statement.rows)
    else
      flag(s, statement.assignments)
      if statement.assignments then sign_row(s, columns, statement.assignments) end
    end
    sign_conflict(s, statement.conflict, columns)
    flag(s, statement.inline_)
    if statement.return_defaults_ then
      s[#s + 1] = "defaults"
      sign_list(s, statement.return_defaults_)
    end
  end)

  sign_change("update", function(s, statement)
    if statement.ordered then sign_list(s, statement.ordered) else s[#s + 1] = "-" end
    flag(s, statement.assignments)
    if statement.assignments then sign_row(s, selectable.list_of(statement.target.c), statement.assignments) end
    if statement.return_defaults_ then s.unknown = true end
    sign_list(s, statement.criteria)
  end)

  sign_change("delete", function(s, statement)
    if statement.return_defaults_ then s.unknown = true end
    sign_list(s, statement.criteria)
  end)
end

return install
