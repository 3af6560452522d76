-- How the session shows a value: tensors and models as they print themselves, tables with their entries.
local show = {}

local WIDTH, MOST, INNER = 100, 40, 8 -- columns; entries of a table; entries of a table inside it

local function has_tostring(value)
   local meta = debug.getmetatable(value)
   return type(value) ~= "string" and type(meta) == "table" and (meta.__tostring or meta.__name) ~= nil
end

local function number_text(value)
   if math.type(value) == "integer" then return tostring(value) end
   local short = ("%.7g"):format(value)
   if tonumber(short) == value then return tostring(value) end
   return ("%.14g"):format(value)
end

-- "tensor f32 cpu (2, 3)" of a tensor that would take several lines.
local function first_line(text)
   local line = text:match "^[^\n]*"
   return line == text and text or line:gsub("[%s:{]*$", "") .. " …"
end

local function key_text(key)
   if type(key) == "string" and key:find "^[%a_][%w_]*$" then return key end
   if type(key) == "string" then return ("[%q]"):format(key) end
   return "[" .. tostring(key) .. "]"
end

local function by_name(a, b)
   if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then return a < b end
   return type(a) < type(b) or (type(a) == type(b) and tostring(a) < tostring(b))
end

-- Keys beyond 1..#t, sorted.
local function other_keys(t)
   local keys, n = {}, #t
   for key in next, t do
      if not (math.type(key) == "integer" and key >= 1 and key <= n) then keys[#keys + 1] = key end
   end
   table.sort(keys, by_name)
   return keys
end

local entry_text

local function entries(t, most, depth)
   local list, n, keys = {}, #t, other_keys(t)
   for i = 1, math.min(n, most) do list[i] = entry_text(t[i], depth) end
   for i = 1, math.min(#keys, most - #list) do
      list[#list + 1] = key_text(keys[i]) .. " = " .. entry_text(rawget(t, keys[i]), depth)
   end
   local left = n + #keys - #list
   if left > 0 then list[#list + 1] = ("… %d more"):format(left) end
   return list
end

function entry_text(value, depth)
   if type(value) == "string" then
      local short = #value > 60 and value:sub(1, 57) .. "…" or value
      return '"' .. short:gsub('[%c"\\]', function(c) return ("%q"):format(c):sub(2, -2) end) .. '"'
   end
   if type(value) == "number" then return number_text(value) end
   if has_tostring(value) then return first_line(tostring(value)) end
   if type(value) ~= "table" then return type(value) == "function" and "function" or tostring(value) end
   if next(value) == nil then return "{}" end
   if depth == 0 then return "{…}" end
   return "{ " .. table.concat(entries(value, INNER, depth - 1), ", ") .. " }"
end

local function table_text(t)
   if next(t) == nil then return "{}" end
   local list = entries(t, MOST, 1)
   local line = "{ " .. table.concat(list, ", ") .. " }"
   if utf8.len(line) and utf8.len(line) <= WIDTH then return line end
   return "{\n   " .. table.concat(list, ",\n   ") .. "\n}"
end

--- The text of a value: a string as it is, a table entry by entry, anything else through tostring.
function show.text(value)
   if type(value) == "table" and not has_tostring(value) then return table_text(value) end
   if type(value) == "number" then return number_text(value) end
   return tostring(value)
end

--- The text of several results on a line, or one below the other where one of them needs several lines.
function show.results(results)
   local texts, several = {}, false
   for i = 1, results.n do
      texts[i] = show.text(results[i])
      several = several or texts[i]:find("\n", 1, true) ~= nil
   end
   return table.concat(texts, several and "\n" or "\t")
end

return show
