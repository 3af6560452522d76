-- The kinds of layers that a model file may name: classes of the library that can be built again from the options that they
-- declare, and nn.Sequential. Found where they are and not in a list; a class of one's own is none.

local sorted_keys = require "scute.base.sorted_keys"

local kinds = {}

local by_name = {}

-- A class that declares its options itself, or a sequence of others.
local function is_kind(name, class)
   return type(class) == "table" and rawget(class, "class_name") == name
      and (rawget(class, "declaration") ~= nil or name == "Sequential")
end

--- Adds those of a table of classes by name.
function kinds.add(classes)
   for name, class in pairs(classes) do
      if is_kind(name, class) then by_name[name] = class end
   end
end

--- The name of a module's kind, nil where it is of none.
function kinds.of(module)
   local class = getmetatable(module).class
   return by_name[class.class_name] == class and class.class_name or nil
end

--- The class of a kind, or nil.
function kinds.class(name)
   return by_name[name]
end

--- The names of all kinds.
function kinds.names()
   return sorted_keys(by_name)
end

-- ---- what a module was built with ----

local function dtype_of(module)
   local _, first = module:named_parameters()()
   return first and first.dtype
end

-- The value of an option now: a field that has its name, of a flag whether there is a parameter or a child of that name, a
-- child where a module may be given, or what was given.
local function value_now(module, name)
   if name == "dtype" then return dtype_of(module) end
   local entry = module.declaration.by_name[name]
   if entry.flag and (rawget(module, "_parameters")[name] or module:child(name)) then return true end
   local value = rawget(module, name)
   if value == nil and not (entry.flag or entry.whole or entry.number) then value = module:child(name) end
   if value == nil then value = (rawget(module, "_given") or {})[name] end
   return value
end

--- The options with which a module like this one is built, by name; children among them are modules. Where it lies is none.
function kinds.options(module)
   local values = {}
   for _, name in ipairs(module.declaration and module.declaration.names or {}) do
      if name ~= "device" then values[name] = value_now(module, name) end
   end
   return values
end

return kinds
