-- What a part of a run is called in an account for people: a loss, a schedule, a list of hooks, an augmentation, ... Such a
-- part may say it itself, with describe() -> text or a field `name`; of a function it is told where it stands.
local sorted_keys = require "scute.base.sorted_keys"

local part_text = {}

local DEPTH = 6 -- of tables in tables; a part may hold itself
local MOST = 24 -- entries of a table that are told

--- Where a function stands: "my.lua:12", or what else there is to say of it.
function part_text.place(f)
   local info = debug.getinfo(f, "S")
   if info.what == "C" then return "in C" end
   local file = info.source:match "^@(.*)"
   return file and ("%s:%d"):format(file, info.linedefined) or info.short_src
end

local function of_function(f)
   return ("a function (%s)"):format(part_text.place(f))
end

local function field(value, name)
   local ok, found = pcall(function() return value[name] end) -- strict tables raise
   return ok and found or nil
end

local function called(value)
   local meta = getmetatable(value)
   local call = type(meta) == "table" and rawget(meta, "__call")
   return type(call) == "function" and call or nil
end

-- What a part says of itself; nil where it says nothing.
local function own_words(value)
   local describe, name, call = field(value, "describe"), field(value, "name"), called(value)
   if type(describe) == "function" then
      local text = describe(value)
      if type(text) ~= "string" then
         error(("describe(): expected a text, found %s (%s)"):format(tostring(text), part_text.place(describe)), 0)
      end
      local says_name = type(name) ~= "string" or text:sub(1, #name) == name
      return says_name and text or name .. " " .. text
   end
   if type(name) ~= "string" then return call and of_function(call) end
   return call and ("%s (%s)"):format(name, part_text.place(call)) or name
end

local function of_number(value)
   local text = ("%.9g"):format(value)
   return tonumber(text) == value and text or ("%.17g"):format(value)
end

local text_of

local function of_table(value, depth)
   if depth > DEPTH then return "{...}" end
   local keys, parts, listed = sorted_keys(value), {}, #value
   for i = 1, math.min(#keys, MOST) do
      local key, text = keys[i], text_of(value[keys[i]], depth + 1)
      local is_listed = math.type(key) == "integer" and key >= 1 and key <= listed
      parts[i] = is_listed and text or ("%s = %s"):format(tostring(key), text)
   end
   if #keys > MOST then parts[MOST + 1] = ("... %d in all"):format(#keys) end
   return "{" .. table.concat(parts, ", ") .. "}"
end

function text_of(value, depth)
   local kind = type(value)
   if kind == "function" then return of_function(value) end
   if kind == "number" then return math.type(value) == "integer" and tostring(value) or of_number(value) end
   if kind ~= "table" and kind ~= "userdata" then return tostring(value) end
   return own_words(value) or kind == "table" and of_table(value, depth) or (tostring(value):gsub(":?\n.*$", ""))
end

--- One line about any value.
function part_text.of(value)
   return (text_of(value, 1):gsub("%s*\n%s*", " "))
end

return part_text
