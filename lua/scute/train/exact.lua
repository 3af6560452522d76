-- Plain values as JSON that reads back bit for bit: JSON's own numbers lose the last digits of a float and whole numbers
-- above 2^53, so numbers are written as text: "#12", "#0x1.8p+1", "#nan". A text that begins with # gets a second one, and
-- one that is no UTF-8 (the name of a file may be anything) is written byte by byte: "#bff".
local cjson = require "cjson"

local exact = {}

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

local function pack(value)
   local kind = type(value)
   if kind == "number" then return pack_number(value) end
   if kind == "string" then return pack_text(value) end
   if kind == "boolean" then return value end
   if kind ~= "table" then error(("cannot save a %s; plain tables, texts, numbers and booleans only"):format(kind), 0) end
   local packed = {}
   for key, entry in pairs(value) do packed[key] = pack(entry) end
   return packed
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
      for key, entry in pairs(value) do plain[key] = unpack_value(entry) end
      return plain
   end
   return type(value) == "string" and value:sub(1, 1) == "#" and unpack_text(value) or value
end

--- The JSON text of tables (lists, or with text keys), texts, numbers and booleans.
function exact.encode(value)
   return cjson.encode(pack(value))
end

--- The value of such a text.
function exact.decode(text)
   return unpack_value(cjson.decode(text))
end

return exact
