-- Tables that the library hands out and that know their fields (the state of a run, its result, a row of its history, a data
-- set): reading one that is not there is an error with the nearest name. The library itself and functions of C may ask, as may
-- everybody for fields that may be missing, for names that begin with "_" and with rawget.
local core = require "scute.core"
local frames = require "scute.base.frames"
local options = require "scute.base.options"

local known_fields = {}

local readers = setmetatable({}, { __mode = "k" })

--- Whether an __index is one of those made here: its table holds all that there is.
function known_fields.is_reading(index)
   return readers[index] ~= nil
end

-- Whether the code that uses the field, two levels above this function, is the user's.
local function is_users()
   local info = debug.getinfo(3, "S")
   return info ~= nil and info.what ~= "C" and not frames.is_library(info)
end

-- Those of t that are none of `known`, too.
local function add_names(names, t, known)
   for name in next, t do
      if type(name) == "string" and name:find "^%a" and not (known and known[name]) then names[#names + 1] = name end
   end
   table.sort(names)
   return names
end

--- The names in a text as a set.
function known_fields.set(text)
   local set = {}
   for name in text:gmatch "%S+" do set[name] = true end
   return set
end

--- An __index: what: how the table is called in messages; optional: the names of fields that may be missing, a set.
function known_fields.reading(what, optional)
   local function read(t, name)
      if optional[name] or type(name) ~= "string" or name:find "^_" or not is_users() then return nil end
      error(("%s has no '%s'%s"):format(what, name, options.hint(name, add_names(add_names({}, t, optional), optional))), 2)
   end
   readers[read] = true
   return read
end

-- ---- tables that take fields of one's own ----

local function near_hint(name, known)
   local near = core.nearest(name, add_names({}, known))
   return near and ("; did you mean '%s'?"):format(near)
end

--- An __index and a __newindex of a table in which fields of one's own are welcome where no known name is near; they are nil
-- until they are set. known: all names for users, which may be missing, a set.
function known_fields.open(what, known)
   local function read(_, name)
      if known[name] or type(name) ~= "string" or name:find "^_" or not is_users() then return nil end
      local hint = near_hint(name, known)
      if hint then error(("%s has no '%s'%s"):format(what, name, hint), 2) end
   end
   local function write(t, name, value)
      local hint = not known[name] and type(name) == "string" and is_users() and near_hint(name, known)
      if hint then error(("%s has no '%s'%s"):format(what, name, hint), 2) end
      rawset(t, name, value)
   end
   return read, write
end

return known_fields
