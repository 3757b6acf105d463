-- Prints rows as a table, columns in the order of the statement.

local core = require("mainsequence.core")

return function(rows)
  if #rows == 0 then
    print("  (no rows)")
    return
  end
  local names = core.keys(rows[1])
  local lines, widths = { names }, {}
  for _, row in ipairs(rows) do
    local line = {}
    for position, name in ipairs(names) do
      line[position] = row[name] == core.null and "NULL" or tostring(row[name])
    end
    lines[#lines + 1] = line
  end
  for position in ipairs(names) do
    widths[position] = 0
    for _, line in ipairs(lines) do widths[position] = math.max(widths[position], utf8.len(line[position]) or #line[position]) end
  end
  for number, line in ipairs(lines) do
    local cells, rule = {}, {}
    for position, text in ipairs(line) do
      local width = utf8.len(text) or #text
      cells[position] = text .. (" "):rep(widths[position] - width)
      rule[position] = ("-"):rep(widths[position])
    end
    print("  " .. (table.concat(cells, "  "):gsub("%s+$", "")))
    if number == 1 then print("  " .. table.concat(rule, "  ")) end
  end
end
