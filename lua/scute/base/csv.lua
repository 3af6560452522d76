-- Comma-separated values as RFC 4180 has them, read and written: fields may be quoted and then hold commas, line breaks and
-- doubled quotes.
local csv = {}

local byte, find, match, sub = string.byte, string.find, string.match, string.sub
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

-- Any row: it, the position behind it, the number of the line there, and a word with a letter for each field, q where it is
-- quoted; nil, message, line.
local function read_row(text, at, line)
   local row, kinds = {}, {}
   while true do
      local field, behind, breaks = read_field(text, at)
      if not field then return nil, behind, line end
      kinds[#row + 1] = byte(text, at) == QUOTE and "q" or "p"
      row[#row + 1] = field
      line = line + breaks
      at = behind_stop(text, behind)
      if not at then return nil, "something behind a closing quote", line end
      local is_last = byte(text, behind) ~= COMMA
      if not is_last and at > #text then
         kinds[#row + 1] = "p"
         row[#row + 1], is_last = "", true
      end
      if is_last then return row, at, line + 1, table.concat(kinds) end
   end
end

local MOST = 31 -- fields that a pattern has captures for, beside the position behind them
local FIELDS = { p = '([^,\r\n"]*)', q = '"([^"\n]*)"' }

-- A pattern for rows whose fields are quoted like those of another one: it gives the fields and the position behind the row. A
-- row that has line breaks or quotes inside of a field does not fit.
local function pattern_of(kinds)
   if #kinds > MOST then return nil end
   local parts = {}
   for i = 1, #kinds do parts[i] = FIELDS[kinds:sub(i, i)] end
   return "^" .. table.concat(parts, ",") .. "\r?\n()"
end

--- A function that returns the rows of a text one after the other, without empty lines and a byte order mark: a list of fields
-- and the number of its first line; behind the last one nil; where it is no CSV nil, message, line. Rows that look like the one
-- before, as nearly all do, are read at once.
function csv.reader(text)
   local line, width, pattern, patterns = 1, 0, nil, {}
   local at = sub(text, 1, 3) == "\xef\xbb\xbf" and 4 or 1
   return function()
      while at <= #text do
         local row, first = pattern and { match(text, pattern, at) }, line
         local behind = row and row[width + 1]
         if behind then
            row[width + 1], at, line = nil, behind, line + 1
         else
            local kinds
            row, behind, line, kinds = read_row(text, at, line)
            if not row then return nil, behind, line end
            patterns[kinds] = patterns[kinds] or pattern_of(kinds)
            at, width, pattern = behind, #row, patterns[kinds]
         end
         if width > 1 or row[1] ~= "" then return row, first end
      end
   end
end

--- The rows of a text as a list of {fields..., line = number of its first line} (see csv.reader); nil, message, line
-- where it is no CSV.
function csv.parse(text)
   local rows, next_row = {}, csv.reader(text)
   while true do
      local row, at, line = next_row()
      if line then return nil, at, line end
      if not row then return rows end
      row.line = at
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
