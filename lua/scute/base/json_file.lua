-- JSON files as they are read back: whole numbers are whole again, null is nil, and what is damaged is told in one line.
local cjson = require "cjson"

local json_file = {}

-- JSON does not tell 3 from 3.0, and Lua has no value for what there is not. NaN and infinity are no numbers of JSON.
local function plain(value)
   if value == cjson.null then return nil end
   if type(value) == "number" and (value ~= value or math.abs(value) == math.huge) then error("a number in it is none", 0) end
   if type(value) ~= "table" then return math.type(value) == "float" and math.tointeger(value) or value end
   for key, entry in pairs(value) do value[key] = plain(entry) end
   return value
end

--- The table in a JSON text; nil and what is wrong with it.
function json_file.decode(text)
   local ok, value = pcall(cjson.decode, text)
   if ok and type(value) == "table" then ok, value = pcall(plain, value) end
   if ok and type(value) == "table" then return value end
   return nil, ok and "no table in it" or value
end

--- The table in a JSON file; nil and what is wrong with it.
function json_file.read(path)
   local file, why = io.open(path, "rb")
   if not file then return nil, why end
   local text = file:read "a"
   file:close()
   local value, problem = json_file.decode(text or "")
   if value then return value end
   return nil, ("%s is damaged or was cut off (%s)"):format(path, problem)
end

return json_file
