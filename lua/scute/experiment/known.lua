-- What is nobody's own: functions and tables of Lua, of the library and of what is installed, by their names. Results do not
-- hang on their text, but on which of them is meant.
local core = require "scute.core"
local frames = require "scute.base.frames"

local known = {}

local function is_installed(path)
   return path:find("/share/lua/5.", 1, true) ~= nil -- where LuaRocks installs, too
end

-- The file of a module of the user's own, or false: it was loaded from a file that is neither the library's nor installed.
local function is_own(name)
   local path = not core.module_file(name) and core.loaded_file(name)
   return path and not is_installed(path) and path or false
end

--- The files of the modules of the user's own that are loaded: a list of { name, path }, sorted.
function known.own_modules()
   local list = {}
   for name in next, package.loaded do
      local path = type(name) == "string" and is_own(name)
      if path then list[#list + 1] = { name, path } end
   end
   table.sort(list, function(a, b) return a[1] < b[1] end)
   return list
end

local function add(map, value, name)
   if (type(value) == "function" or type(value) == "table") and not map[value] then map[value] = name end
end

local function is_c(f)
   return debug.getinfo(f, "S").what == "C"
end

--- The keys of a table that are texts, sorted; whatever its metatable says.
function known.sorted_names(t)
   local names = {}
   for name in next, t do
      if type(name) == "string" then names[#names + 1] = name end
   end
   table.sort(names)
   return names
end

--- A map from such values to their names.
function known.map()
   local map = {}
   for _, value in next, debug.getregistry() do -- metatables of C's types
      if type(value) == "table" and type(rawget(value, "__name")) == "string" then add(map, value, rawget(value, "__name")) end
   end
   for _, name in ipairs(known.sorted_names(package.loaded)) do -- of several names always the same one
      local module = package.loaded[name]
      local is_users = is_own(name)
      if not is_users then add(map, module, name) end
      for _, key in ipairs(not is_users and type(module) == "table" and known.sorted_names(module) or {}) do
         local value = rawget(module, key)
         local is_users_global = name == "_G" and (type(value) == "table" or type(value) == "function" and not is_c(value))
         if not is_users_global then add(map, value, ("%s.%s"):format(name, key)) end
      end
   end
   return map
end

--- Whether a function is one in Lua of the library's or of what is installed.
function known.is_librarys(f)
   local info = debug.getinfo(f, "S")
   return frames.is_library(info) or is_installed(info.source)
end

--- Whether a function is not the user's: C's, the library's, or of what is installed.
function known.is_foreign(f)
   return is_c(f) or known.is_librarys(f)
end

-- ---- what the functions of a file share ----

local MOST_VARIABLES = 250 -- of a function

-- Classes hold functions that nobody else knows.
local function is_class(t)
   return rawget(t, "__index") ~= nil or rawget(t, "class_name") ~= nil
end

local visit

local function visit_value(value, ids, seen)
   if type(value) == "function" then return visit(value, ids, seen) end
   if type(value) ~= "table" or seen[value] or not is_class(value) then return end
   seen[value] = true
   for _, inner in next, value do
      if type(inner) == "function" then visit(inner, ids, seen) end
   end
end

function visit(f, ids, seen)
   if seen[f] or not known.is_librarys(f) then return end
   seen[f] = true
   for i = 1, MOST_VARIABLES do
      local key, value = debug.getupvalue(f, i)
      if not key then return end
      ids[debug.upvalueid(f, i)] = true
      visit_value(value, ids, seen)
   end
end

--- The variables (as debug.upvalueid tells them) that functions of the library know from their file: a set. Others are of the
-- call that made a function. map: see known.map.
function known.shared(map)
   local ids, seen = {}, {}
   for value in next, map do visit_value(value, ids, seen) end
   return ids
end

return known
