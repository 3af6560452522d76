-- Comma-separated values as RFC 4180 has them, read and written: fields may be quoted and then hold commas, line breaks and
-- doubled quotes.
local csv = {}

-- One field from position `at`: its text, the position behind it, and the number of line breaks in it; nil and why.
local function read_field(text, at)
   if text:sub(at, at) ~= '"' then
      local last = text:find("[,\r\n]", at) or #text + 1
      local field = text:sub(at, last - 1)
      if field:find('"', 1, true) then return nil, "a quote in the middle of a field" end
      return field, last, 0
   end
   local from, parts = at + 1, {}
   while true do
      local quote = text:find('"', from, true)
      if not quote then return nil, "a quote that nothing closes" end
      parts[#parts + 1] = text:sub(from, quote - 1)
      if text:sub(quote + 1, quote + 1) ~= '"' then
         local field = table.concat(parts, '"')
         return field, quote + 1, select(2, field:gsub("\n", ""))
      end
      from = quote + 2
   end
end

--- The rows of a text: a list of {fields..., line = number of its first line}; empty lines are left out. A byte order mark
-- is passed over. nil, message, line where it is no CSV.
function csv.parse(text)
   local rows, row, line = {}, nil, 1
   local at = text:sub(1, 3) == "\xef\xbb\xbf" and 4 or 1
   while at <= #text do
      local field, behind, breaks = read_field(text, at)
      if not field then return nil, behind, line end
      row = row or { line = line }
      row[#row + 1] = field
      line = line + breaks
      local stop = text:match("^\r?\n", behind) or text:match("^[,\r]", behind) or ""
      at = behind + #stop
      if stop == "," then
         if at > #text then row[#row + 1] = "" end
      elseif stop == "" and at <= #text then
         return nil, "something behind a closing quote", line
      end
      if stop ~= "," or at > #text then
         if #row > 1 or row[1] ~= "" then rows[#rows + 1] = row end
         row, line = nil, line + 1
      end
   end
   return rows
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
