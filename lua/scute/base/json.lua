-- JSON that people read: keys in order, one to a line. The values themselves are lua-cjson's.
local cjson = require "cjson"
local scute = require "scute.core"
local sorted_keys = require "scute.base.sorted_keys"

-- File names are bytes, JSON is UTF-8: what is no UTF-8 becomes the replacement character.
local function valid(text)
   local parts, at = {}, 1
   while true do
      local good, bad = utf8.len(text, at)
      if good then break end
      parts[#parts + 1] = text:sub(at, bad - 1) .. "\u{FFFD}"
      at = bad + 1
   end
   return table.concat(parts) .. text:sub(at)
end

local function is_finite(value)
   return value == value and value ~= math.huge and value ~= -math.huge
end

local function valid_everywhere(value)
   if type(value) == "string" then return valid(value) end
   if type(value) == "number" and not is_finite(value) then return cjson.null end
   if type(value) ~= "table" or value == cjson.empty_array then return value end
   local copy = {}
   for key, entry in pairs(value) do copy[valid_everywhere(key)] = valid_everywhere(entry) end
   return copy
end

-- Of a table the keys come in any order.
local function plain(value)
   return (cjson.encode(valid_everywhere(value)):gsub("\\/", "/"))
end

local function is_map(value)
   return type(value) == "table" and #value == 0 and value ~= cjson.empty_array and next(value) ~= nil
end

-- A value in one line.
local function line(value)
   local parts = {}
   if is_map(value) then
      for i, key in ipairs(sorted_keys(value)) do parts[i] = plain(tostring(key)) .. ":" .. line(value[key]) end
      return "{" .. table.concat(parts, ",") .. "}"
   elseif type(value) == "table" and type(value[1]) == "table" then
      for i, entry in ipairs(value) do parts[i] = line(entry) end
      return "[" .. table.concat(parts, ",") .. "]"
   end
   return plain(value)
end

local function encode(value, indent)
   if type(value) ~= "table" or #value > 0 or value == cjson.empty_array then return line(value) end
   local lines = {}
   for _, key in ipairs(value._order or sorted_keys(value)) do
      if value[key] ~= nil then
         lines[#lines + 1] = ("%s  %s: %s"):format(indent, line(key), encode(value[key], indent .. "  "))
      end
   end
   if #lines == 0 then return "{}" end
   return "{\n" .. table.concat(lines, ",\n") .. "\n" .. indent .. "}"
end

local ROOM = 1 << 20 -- bytes, more than a text takes: lua-cjson ends the program where its text cannot grow

--- json(table): its JSON text, keys sorted, or as listed in its field _order; lists in one line; NaN and infinity as null.
-- json.line(value): all in one line, keys sorted. json.valid(text): the text as UTF-8.
return setmetatable({
   line = function(value)
      scute.make_room(ROOM)
      return line(value)
   end,
   valid = valid,
}, {
   __call = function(_, value)
      scute.make_room(ROOM)
      return encode(value, "") .. "\n"
   end,
})
