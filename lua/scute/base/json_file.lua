-- JSON files as they are read back: whole numbers are whole again, and what is damaged is told in one line.
local cjson = require "cjson"

local json_file = {}

-- JSON does not tell 3 from 3.0; Lua does.
local function with_integers(value)
   if type(value) ~= "table" then return math.type(value) == "float" and math.tointeger(value) or value end
   for key, entry in pairs(value) do value[key] = with_integers(entry) end
   return value
end

--- The value of a JSON text.
function json_file.decode(text)
   return with_integers(cjson.decode(text))
end

--- The table in a JSON file; nil and what is wrong with it.
function json_file.read(path)
   local file, why = io.open(path, "rb")
   if not file then return nil, why end
   local text = file:read "a"
   file:close()
   local ok, value = pcall(cjson.decode, text or "")
   if ok and type(value) == "table" then return with_integers(value) end
   return nil, ("%s is damaged or was cut off (%s)"):format(path, ok and "no table in it" or value)
end

return json_file
