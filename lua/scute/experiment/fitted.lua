-- Tables whose columns are declared: as lines of text that fit a terminal, as Markdown, as a page takes them.
--
-- A column is { title, text of an entry, left = whether it stands to the left, first = whether people look for it first }. The
-- first two of all tell what a row is about.
local columns_text = require("scute.base.columns").text

local fitted = {}

local KEYS = 2 -- columns that begin each part

local function cells(columns, entries)
   local rows = {}
   for i, entry in ipairs(entries) do
      rows[i] = {}
      for k, column in ipairs(columns) do rows[i][k] = column[2](entry) end
   end
   return rows
end

-- The numbers of the columns with what people look for first in front: what a phone or a small terminal shows.
local function important_first(columns)
   local order = {}
   for k = 1, KEYS do order[k] = k end
   for k = KEYS + 1, #columns do if columns[k].first then order[#order + 1] = k end end
   for k = KEYS + 1, #columns do if not columns[k].first then order[#order + 1] = k end end
   return order
end

--- As a page takes it: list of {title, numeric} and rows of texts; with what people look for first in front.
function fitted.cells(columns, entries)
   local order, titles, rows = important_first(columns), {}, {}
   for i, k in ipairs(order) do titles[i] = { columns[k][1], not columns[k].left } end
   for n, row in ipairs(cells(columns, entries)) do
      rows[n] = {}
      for i, k in ipairs(order) do rows[n][i] = row[k] end
   end
   return titles, rows
end

-- Some columns, by number, as lines of text.
local function part_of(columns, rows, chosen)
   local shown, left = {}, {}
   for i, k in ipairs(chosen) do left[#left + 1] = columns[k].left and i or nil end
   for n, row in ipairs(rows) do
      shown[n] = {}
      for i, k in ipairs(chosen) do shown[n][i] = row[k] end
   end
   return columns_text(shown, left)
end

local function widest(text)
   local most = 0
   for line in text:gmatch "[^\n]+" do most = math.max(most, utf8.len(line)) end
   return most
end

-- In parts that fit, one below the other.
local function in_parts(columns, rows, width)
   local order, parts, chosen = important_first(columns), {}, { 1, 2 }
   for i = KEYS + 1, #order do
      chosen[#chosen + 1] = order[i]
      if #chosen > KEYS + 1 and widest(part_of(columns, rows, chosen)) > width then
         chosen[#chosen] = nil
         parts[#parts + 1], chosen = part_of(columns, rows, chosen), { 1, 2, order[i] }
      end
   end
   -- Why something has no rank is said below the table as well: no table for that alone.
   if chosen[KEYS + 1] ~= #columns then parts[#parts + 1] = part_of(columns, rows, chosen) end
   return table.concat(parts, "\n\n")
end

--- As lines of text. width: of the terminal, in letters, where there is one: columns that find no room stand in a further table
-- below, with what the rows are about again.
function fitted.text(columns, entries, width)
   local rows, titles, all = cells(columns, entries), {}, {}
   for k, column in ipairs(columns) do titles[k], all[k] = column[1], k end
   table.insert(rows, 1, titles)
   local whole = part_of(columns, rows, all)
   if not width or widest(whole) <= width then return whole end
   return in_parts(columns, rows, width)
end

local function escaped(row)
   local list = {}
   for i, cell in ipairs(row) do list[i] = cell:gsub("|", "\\|"):gsub("\n", " ") end
   return "| " .. table.concat(list, " | ") .. " |"
end

--- As lines of Markdown, a list.
function fitted.markdown(columns, entries)
   local titles, marks = {}, {}
   for k, column in ipairs(columns) do titles[k], marks[k] = column[1], column.left and ":--" or "--:" end
   local lines = { escaped(titles), "|" .. table.concat(marks, "|") .. "|" }
   for _, row in ipairs(cells(columns, entries)) do lines[#lines + 1] = escaped(row) end
   return lines
end

return fitted
