-- Comma-separated values as RFC 4180 has them, read and written: fields may be quoted and then hold commas, line breaks and
-- doubled quotes.
local csv = {}

local byte, find, sub = string.byte, string.find, string.sub
local QUOTE, COMMA, CR, LF = byte '"', byte ",", byte "\r", byte "\n"

-- A quoted field from position `at`: its text, the position behind it, and the number of line breaks in it; nil and why.
local function read_quoted(text, at)
   local from, parts = at + 1, {}
   while true do
      local quote = find(text, '"', from, true)
      if not quote then return nil, "a quote that nothing closes" end
      parts[#parts + 1] = sub(text, from, quote - 1)
      if byte(text, quote + 1) ~= QUOTE then
         local field = #parts > 1 and table.concat(parts, '"') or parts[1]
         return field, quote + 1, find(field, "\n", 1, true) and select(2, field:gsub("\n", "")) or 0
      end
      from = quote + 2
   end
end

-- The same of any field.
local function read_field(text, at)
   if byte(text, at) == QUOTE then return read_quoted(text, at) end
   local last = find(text, '[,\r\n"]', at) or #text + 1
   if byte(text, last) == QUOTE then return nil, "a quote in the middle of a field" end
   return sub(text, at, last - 1), last, 0
end

-- The position behind what ends a field at `at`; nil where that is none of a comma, a line's end and the text's.
local function behind_stop(text, at)
   local stop = byte(text, at)
   if stop == CR then return byte(text, at + 1) == LF and at + 2 or at + 1 end
   return (stop == COMMA or stop == LF) and at + 1 or not stop and at or nil
end

-- Any row: it, the position behind it and the number of the line there; nil, message, line.
local function read_row(text, at, line)
   local row = { line = line }
   while true do
      local field, behind, breaks = read_field(text, at)
      if not field then return nil, behind, line end
      row[#row + 1] = field
      line = line + breaks
      at = behind_stop(text, behind)
      if not at then return nil, "something behind a closing quote", line end
      if byte(text, behind) ~= COMMA then return row, at, line + 1 end
      if at > #text then
         row[#row + 1] = ""
         return row, at, line + 1
      end
   end
end

-- The same of a row without quotes, as nearly all are; nil where there are some.
local function read_plain(text, at, line)
   local stop = find(text, "\n", at, true) or #text + 1
   local whole = sub(text, at, byte(text, stop - 1) == CR and stop - 2 or stop - 1)
   if find(whole, '"', 1, true) or find(whole, "\r", 1, true) then return nil end
   local row, n = { line = line }, 0
   for field in whole:gmatch "[^,]*" do
      n = n + 1
      row[n] = field
   end
   return row, stop + 1, line + 1
end

--- A function that returns the rows of a text one after the other, each a list {fields..., line = number of its first line},
-- without empty lines and a byte order mark; behind the last one nil; where it is no CSV nil, message, line.
function csv.reader(text)
   local line = 1
   local at = sub(text, 1, 3) == "\xef\xbb\xbf" and 4 or 1
   return function()
      while at <= #text do
         local row, behind, following = read_plain(text, at, line)
         if not row then row, behind, following = read_row(text, at, line) end
         if not row then return nil, behind, following end
         at, line = behind, following
         if #row > 1 or row[1] ~= "" then return row end
      end
   end
end

--- The rows of a text as a list (see csv.reader); nil, message, line where it is no CSV.
function csv.parse(text)
   local rows, next_row = {}, csv.reader(text)
   while true do
      local row, message, line = next_row()
      if message then return nil, message, line end
      if not row then return rows end
      rows[#rows + 1] = row
   end
end

local function field_of(value)
   if value == nil then return "" end
   if math.type(value) == "float" then return ("%.9g"):format(value) end
   local text = tostring(value)
   return text:find '[,"\r\n]' and '"' .. text:gsub('"', '""') .. '"' or text
end

--- A row of n values as a line, without its end: nil as an empty field, numbers with nine digits.
function csv.line(values, n)
   local fields = {}
   for i = 1, n do fields[i] = field_of(values[i]) end
   return table.concat(fields, ",")
end

return csv
