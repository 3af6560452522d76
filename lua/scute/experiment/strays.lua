-- What somebody has put into the tables of Lua and of the library: `function table.map() ... end`, `math.rate = 0.25`,
-- `function scute.nn.Linear:twice() ... end`. It is the user's, wherever it hangs.
local core = require "scute.core"
local known = require "scute.experiment.known"

local strays = {}

local LUA = { string = {}, table = {}, os = {}, io = {}, coroutine = {}, debug = {}, utf8 = { charpattern = true },
   math = { pi = true, huge = true, maxinteger = true, mininteger = true } } -- values that are no functions

local texts = {} -- of the library's files, by module

local function text_of(module)
   if not texts[module] then
      local file = io.open(core.module_file(module), "rb")
      texts[module] = file and file:read "a" or ""
      if file then file:close() end
   end
   return texts[module]
end

local PASSED_OVER = { _G = true, package = true, ["scute.core"] = true } -- the last is in scute

local PLAIN = { number = true, string = true, boolean = true, table = true }

-- Whether a table is a class or holds functions that are nobody's own.
local function is_made_by_library(value)
   if type(value) ~= "table" then return false end
   for _, entry in next, value do
      if type(entry) == "function" and known.is_foreign(entry) then return true end
   end
   return debug.getmetatable(value) ~= nil
end

-- Whether a plain value is of a family of the library: its file speaks of it, or a part has added it.
local function is_of_family(module, key, value)
   local is_family = module == "scute" or module:find "^scute%.[^.]+$"
   return not is_family or is_made_by_library(value) or core.module_file(module .. "." .. key) ~= nil
      or text_of(module):find(("%%f[%%w_]%s%%f[^%%w_]"):format(key)) ~= nil
end

-- Whether a field of a module has come from elsewhere.
local function is_stray(module, key, value)
   if type(value) == "function" then return not known.is_foreign(value) end
   if not PLAIN[type(value)] or not key:find "^%a[%w_]*$" then return false end
   if LUA[module] then return not LUA[module][key] end
   return core.module_file(module) ~= nil and not is_of_family(module, key, value)
end

local function add(found, name, key, value)
   found[key] = found[key] or {}
   table.insert(found[key], { name = ("%s.%s"):format(name, key), value = value })
end

-- Methods that were added to a class.
local function add_methods(found, name, class)
   for _, key in ipairs(known.sorted_names(class)) do
      local value = rawget(class, key)
      if type(value) == "function" and not known.is_foreign(value) then add(found, name, key, value) end
   end
end

local function add_of_module(found, module, fields, names)
   for _, key in ipairs(known.sorted_names(fields)) do
      local value = rawget(fields, key)
      if is_stray(module, key, value) then
         add(found, module, key, value)
         names[value] = nil
      elseif type(value) == "table" and not package.loaded[module .. "." .. key] then
         add_methods(found, ("%s.%s"):format(module, key), value)
      end
   end
end

--- All of them: key -> list of { name, value }, as { map = { { name = "table.map", value = f } } }. names: of what is nobody's
-- own (see scute.experiment.known); they are taken out of it.
function strays.of(names)
   local found = {}
   for _, module in ipairs(known.sorted_names(package.loaded)) do
      local fields = package.loaded[module]
      if type(fields) == "table" and names[fields] and not PASSED_OVER[module] then
         add_of_module(found, module, fields, names)
      end
   end
   for _, meta in next, debug.getregistry() do
      local name = type(meta) == "table" and rawget(meta, "__name")
      local methods = type(name) == "string" and (rawget(meta, "methods") or rawget(meta, "__index"))
      if type(methods) == "table" then add_methods(found, name, methods) end
   end
   return found
end

return strays
