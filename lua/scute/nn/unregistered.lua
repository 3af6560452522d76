-- What a module of the user's holds and would not train: tensors that are no parameters, and modules and parameters in plain
-- tables. Neither an optimizer nor a file would know of them.
local scute = require "scute.core"
local sorted_keys = require "scute.base.sorted_keys"

local unregistered = {}

local tensor_type = getmetatable(scute.zeros(1))

local function is_module(value)
   return type(value) == "table" and rawget(value, "_children") ~= nil
end

local function wants_gradient(value)
   return type(value) == "userdata" and getmetatable(value) == tensor_type and value.requires_grad
end

-- Everything in a module that is known by a name.
local function registered(self)
   local known = {}
   for _, module in self:named_modules() do known[module] = true end
   for _, tensor in self:named_parameters() do known[tensor] = true end
   for _, tensor in self:named_buffers() do known[tensor] = true end
   return known
end

local ON_PURPOSE = "under a name that begins with _ it is kept out on purpose"
local TENSOR = "%s: the tensor '%s' wants a gradient and is no parameter, so that it would neither train nor be saved: "
   .. "self.%s = nn.Parameter(tensor)"
local MODULES = "%s: '%s' is a plain table with modules in it, which would neither train nor be saved: "
   .. "self.%s = nn.Sequential(list) holds them, or self:add(name, module) each; " .. ON_PURPOSE
local PARAMETERS = "%s: '%s' is a plain table with parameters in it, which would neither train nor be saved: "
   .. "self:register_parameter(name, tensor) each; " .. ON_PURPOSE

-- What is wrong with a field's value, as a message to be filled in; nil: nothing.
local function fault(value, known)
   if wants_gradient(value) then return not known[value] and TENSOR or nil end
   if type(value) ~= "table" or getmetatable(value) then return nil end
   for _, entry in next, value do
      if is_module(entry) and not known[entry] then return MODULES end
      if wants_gradient(entry) and not known[entry] then return PARAMETERS end
   end
   return nil
end

--- Fails where a module that has just been built holds such a thing, for who builds it.
function unregistered.check(self)
   local known
   for _, key in ipairs(sorted_keys(self)) do
      local value = rawget(self, key)
      if type(key) == "string" and not key:find "^_" and (type(value) == "table" or type(value) == "userdata") then
         known = known or registered(self)
         local message = fault(value, known)
         if message then error(message:format(self.class_name, key, key), 3) end
      end
   end
end

return unregistered
