-- Tables of Markdown.
local markdown = {}

--- A number with so many digits behind the point; "-" where there is none.
function markdown.number(value, digits)
   return value and ("%." .. (digits or 0) .. "f"):format(value) or "-"
end

--- Whether something was reached, in a word; "-" where that is not known.
function markdown.reached(ok)
   if ok == nil then return "-" end
   return ok and "yes" or "**no**"
end

--- heads: texts; those that begin with "#" are of columns of numbers. rows: lists of texts.
function markdown.table(heads, rows)
   local names, rules = {}, {}
   for i, head in ipairs(heads) do
      names[i] = head:gsub("^#", "")
      rules[i] = head:find "^#" and "--:" or "---"
   end
   local lines = { "| " .. table.concat(names, " | ") .. " |", "| " .. table.concat(rules, " | ") .. " |" }
   for _, row in ipairs(rows) do lines[#lines + 1] = "| " .. table.concat(row, " | ") .. " |" end
   return table.concat(lines, "\n") .. "\n"
end

return markdown
