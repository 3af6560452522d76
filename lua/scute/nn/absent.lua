-- What reading a name that a module does not have gives. For who uses the module it is an error with the nearest name:
-- m:freez(), m.layer9; and so is a position without a child, m.layer1[0]. A module's own methods may ask whether a field is
-- there (self.downsample), as may the library: they read nil. So does everybody for what other layers have, settings (p, bias,
-- stride), parameters and buffers (weight, running_var), which code that walks a model asks for, and for names that begin with
-- "_". Of other names rawget tells whether they are there, and of children m:child "downsample".
local core = require "scute.core"
local frames = require "scute.base.frames"
local strict = require "scute.base.strict"

local absent = {}

local settings = {} -- names of all options of constructors, and of the parameters and buffers of layers
for name in ("weight bias running_mean running_var num_batches_tracked"):gmatch "%S+" do settings[name] = true end

local MOST_CLASSES = 20 -- of a class and those that it derives from

local function add(list, t)
   for name in next, t do
      if type(name) == "string" and name:find "^%a" then list[#list + 1] = name end
   end
end

local function add_all(list, names)
   table.move(names, 1, #names, #list + 1, list)
end

-- Children come first: of two names that are as near, a part is what was meant.
local function names_of(instance, class)
   local list = {}
   for _, kind in ipairs { "child", "parameter", "buffer" } do add_all(list, rawget(instance, "_" .. kind .. "_names")) end
   add(list, instance)
   for _ = 1, MOST_CLASSES do
      if type(class) ~= "table" then break end
      add(list, class)
      class = (getmetatable(class) or {}).__index
   end
   return list
end

local function hint(instance, class, name)
   local near = core.nearest(name, names_of(instance, class))
   if near then return (", did you mean '%s'?"):format(near) end
   local elsewhere = strict.elsewhere(name)
   if elsewhere then return (", did you mean '%s'?"):format(elsewhere) end
   local children = rawget(instance, "_child_names")
   return #children > 0 and "; its children are " .. table.concat(children, ", ") or ""
end

-- Whether who reads the name, two levels above this function, may ask for what is not there.
local function may_ask(instance)
   local reader = debug.getinfo(3, "S")
   return not reader or reader.what == "C" or frames.is_library(reader) or frames.is_method_of(instance, 3)
end

--- Says that constructors have an option of that name.
function absent.allow(name)
   settings[name] = true
end

--- Returns nil, which ends ipairs, or raises the error, for who reads the child at a position where there is none. To be called
-- last by what __index calls.
function absent.read_position(instance, class, position)
   if may_ask(instance) then return nil end
   local n = #rawget(instance, "_child_names")
   local there = n == 0 and "it has none" or n == 1 and "it has one, child 1" or ("it has %d, counted from 1"):format(n)
   error(("%s: there is no child %s; %s"):format(class.class_name, position, there), 2)
end

--- Returns nil, or raises the error, for who reads `name` of an instance of `class`. To be called last by what __index calls.
function absent.read(instance, class, name)
   if settings[name] or type(name) ~= "string" or name:find "^_" or may_ask(instance) then return nil end
   error(("%s: there is no field, method or child '%s'%s"):format(class.class_name, name, hint(instance, class, name)), 2)
end

-- What a layer of the library is told by: its options and fields, and its parts.
local function settings_of(instance, class)
   local list = {}
   for _, kind in ipairs { "child", "parameter", "buffer" } do add_all(list, rawget(instance, "_" .. kind .. "_names")) end
   add(list, instance)
   if class.declaration then add_all(list, class.declaration.names) end
   return list
end

--- Fails where who uses a layer of the library assigns a name that it does not have and that one which it has is like: a field
-- of one's own is a note that nothing looks at. To be called by what __newindex calls.
function absent.check_assigned(instance, class, name)
   if class._of_user or type(name) ~= "string" or not name:find "^%a" or class[name] ~= nil then return end
   local assigner = debug.getinfo(3, "S")
   if not assigner or assigner.what == "C" or frames.is_library(assigner) then return end
   local names = settings_of(instance, class)
   local near = core.nearest(name, names)
   if near and near ~= name then
      error(("nn.%s has no '%s'; did you mean '%s'?"):format(class.class_name, name, near), 3)
   end
end

return absent
