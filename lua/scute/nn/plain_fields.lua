-- Which fields of a module its file tells as plain data: one word for who writes a file and for who reads one.
local exact = require "scute.train.exact"
local kinds = require "scute.nn.kinds"
local Module = require "scute.nn.module"

local plain_fields = {}

local function set_of(names)
   local set = {}
   for name in names:gmatch "%S+" do set[name] = true end
   return set
end

-- What a module keeps of itself, and what a class does.
local OWN = set_of "_parameters _parameter_names _buffers _buffer_names _children _child_names _given _name"
local OF_CLASS = set_of "class_name declaration options instance"

-- What says nothing about what a model computes, or what its file has elsewhere.
local OF_MODEL = set_of "arch head_init declared_groups classes preprocessing weights precision"

-- Classes by name whose `fixed` says what trains; whose `synchronised` says how processes do.
local MAY_BE_FIXED = set_of "BatchNorm2d StochasticDepth"
local MAY_BE_SYNCHRONISED = set_of "BatchNorm2d"

local function class_of(module)
   return getmetatable(module).class
end

-- Whether a module is of one of these classes of the library, or of one derived from it.
local function is_of(module, classes)
   local class = class_of(module)
   while class do
      if classes[class.class_name] and kinds.class(class.class_name) == class then return true end
      class = (getmetatable(class) or {}).__index
   end
   return false
end

--- Whether a name is of what a module keeps of itself.
function plain_fields.is_own(name, module)
   return OWN[name] == true or name == "synchronised" and is_of(module, MAY_BE_SYNCHRONISED)
end

--- Whether a file says nothing of a field, or has it elsewhere: options of a kind are told as such.
function plain_fields.are_elsewhere(module, name)
   if plain_fields.is_own(name, module) or name == "training" then return true end
   if OF_MODEL[name] and class_of(module).describe_model then return true end
   if name == "fixed" and is_of(module, MAY_BE_FIXED) then return true end
   local left = class_of(module)._left_by_forward -- names of fields that say what it saw last, as a set
   if left and left[name] then return true end
   return kinds.of(module) ~= nil and module.declaration ~= nil and module.declaration.by_name[name] ~= nil
end

local is_plain = { number = true, string = true, boolean = true }

--- Whether a value is one that a file could hold.
function plain_fields.is_data(value)
   return is_plain[type(value)] or type(value) == "table" and not Module.is_module(value) and (pcall(exact.check, value))
end

--- Whether a file may say a field of that name: it is told nowhere else, and no method, layer or tensor has its name.
function plain_fields.may_have(module, name)
   if type(name) ~= "string" or OF_CLASS[name] or plain_fields.are_elsewhere(module, name) then return false end
   local default = class_of(module)[name]
   if default ~= nil and not plain_fields.is_data(default) then return false end
   return module:child(name) == nil and rawget(module, "_parameters")[name] == nil and rawget(module, "_buffers")[name] == nil
end

return plain_fields
