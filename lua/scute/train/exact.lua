-- Plain values as JSON that reads back bit for bit: JSON's own numbers lose the last digits of a float and whole numbers
-- above 2^53, so numbers are written as text: "#12", "#0x1.8p+1", "#nan". A text that begins with # gets a second one, and
-- one that is no UTF-8 (the name of a file may be anything) is written byte by byte: "#bff". A table that is neither a list nor
-- has texts only as keys is written as its pairs: {"#": [[key, value], ...]}.
local cjson = require "cjson"
local scute = require "scute.core"

local exact = {}

local ROOM = 1 << 24 -- bytes, more than a state takes: lua-cjson ends the program where its text cannot grow

local function pack_number(value)
   if math.type(value) == "integer" then return ("#%d"):format(value) end
   if value ~= value then return "#nan" end
   if value == math.huge then return "#inf" end
   if value == -math.huge then return "#-inf" end
   return ("#%a"):format(value)
end

local function pack_text(text)
   if not utf8.len(text) then return "#b" .. text:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end) end
   return text:sub(1, 1) == "#" and "#" .. text or text
end

-- How JSON can say a table: "list" (1 to n without a gap), "map" (texts as keys), or neither.
local function shape_of(value)
   local n, texts = 0, true
   for key in pairs(value) do
      n = n + 1
      texts = texts and type(key) == "string" and key ~= "#" and utf8.len(key) ~= nil
   end
   if n > 0 and n == #value and not texts then
      for i = 1, n do
         if value[i] == nil then return nil end
      end
      return "list"
   end
   return texts and "map" or nil
end

local pack

-- where: names of the tables around it, for messages; around: those tables.
local function pack_table(value, where, around)
   if around[value] then error(("cannot save a table that holds itself (%s)"):format(where), 0) end
   around[value] = true
   local shape, packed = shape_of(value), {}
   for key, entry in pairs(value) do
      local place = ("%s%s%s"):format(where, where == "" and "" or ".", tostring(key))
      if shape then
         packed[key] = pack(entry, place, around)
      else
         packed[#packed + 1] = { pack(key, place, around), pack(entry, place, around) }
      end
   end
   around[value] = nil
   return shape and packed or { ["#"] = packed }
end

function pack(value, where, around)
   local kind = type(value)
   if kind == "number" then return pack_number(value) end
   if kind == "string" then return pack_text(value) end
   if kind == "boolean" then return value end
   if kind == "table" then return pack_table(value, where, around) end
   error(("cannot save a %s%s; plain tables, texts, numbers and booleans only"):format(kind,
      where == "" and "" or " (" .. where .. ")"), 0)
end

local special = { nan = 0 / 0, inf = math.huge, ["-inf"] = -math.huge }

local function unpack_text(text)
   local kind = text:sub(2, 2)
   if kind == "#" then return text:sub(2) end
   if kind == "b" then
      return (text:sub(3):gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end))
   end
   local number = special[text:sub(2)] or tonumber(text:sub(2))
   if not number then error(("'%s' is no number"):format(text), 0) end
   return number
end

local function unpack_value(value)
   if type(value) == "table" then
      local plain = {}
      if value["#"] ~= nil then
         for _, pair in ipairs(value["#"]) do plain[unpack_value(pair[1])] = unpack_value(pair[2]) end
         return plain
      end
      for key, entry in pairs(value) do plain[key] = unpack_value(entry) end
      return plain
   end
   return type(value) == "string" and value:sub(1, 1) == "#" and unpack_text(value) or value
end

--- Fails where a value is not made of tables (with texts, numbers and booleans as keys), texts, numbers and booleans alone.
function exact.check(value)
   pack(value, "", {})
end

--- The JSON text of such a value.
function exact.encode(value)
   local packed = pack(value, "", {})
   scute.make_room(ROOM)
   return cjson.encode(packed)
end

--- The value of such a text.
function exact.decode(text)
   return unpack_value(cjson.decode(text))
end

return exact
