-- JSON that people read: keys in order, one to a line. The values themselves are lua-cjson's.
local cjson = require "cjson"

local function sorted_keys(map)
   local keys = {}
   for key in pairs(map) do keys[#keys + 1] = key end
   table.sort(keys)
   return keys
end

local function encode(value, indent)
   if type(value) ~= "table" or #value > 0 or value == cjson.empty_array then
      if value ~= value or value == math.huge or value == -math.huge then return "null" end
      return (cjson.encode(value):gsub("\\/", "/"))
   end
   local lines = {}
   for _, key in ipairs(value._order or sorted_keys(value)) do
      if value[key] ~= nil then
         lines[#lines + 1] = ("%s  %s: %s"):format(indent, cjson.encode(key), encode(value[key], indent .. "  "))
      end
   end
   if #lines == 0 then return "{}" end
   return "{\n" .. table.concat(lines, ",\n") .. "\n" .. indent .. "}"
end

--- The JSON text of a table: keys sorted, or as listed in its field _order; lists in one line; NaN and infinity as null.
return function(value)
   return encode(value, "") .. "\n"
end
