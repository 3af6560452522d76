-- Tables of text.
local columns = {}

-- 1234567 -> "1,234,567"
function columns.thousands(n)
   local text = tostring(math.tointeger(n) or n)
   local more
   repeat text, more = text:gsub("^(%-?%d+)(%d%d%d)", "%1,%2") until more == 0
   return text
end

-- Lines of rows of cells (strings), in columns two blanks apart: those whose numbers are in `left` begin at the same
-- place, the others end there.
function columns.text(rows, left)
   local flush, widths, lines = {}, {}, {}
   for _, i in ipairs(left) do flush[i] = true end
   for _, row in ipairs(rows) do
      for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, utf8.len(cell)) end
   end
   for _, row in ipairs(rows) do
      local cells = {}
      for i, cell in ipairs(row) do
         local gap = (" "):rep(widths[i] - utf8.len(cell))
         cells[i] = flush[i] and cell .. gap or gap .. cell
      end
      lines[#lines + 1] = (table.concat(cells, "  "):gsub("%s+$", ""))
   end
   return table.concat(lines, "\n")
end

return columns
