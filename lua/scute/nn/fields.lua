-- What a module is beside its tensors: what trains, and the plain fields of all its parts. Part of nn.Module.
local Module = require "scute.nn.module"
local is_own = require("scute.nn.plain_fields").is_own

local is_plain = { number = true, string = true, boolean = true }

local function plain_fields(module)
   local fields = {}
   for key, value in next, module do
      if type(key) == "string" and not is_own(key, module) and is_plain[type(value)] then fields[key] = value end
   end
   return fields
end

-- What forward may look at and a hook may change, as plain data: { trains = {parameter = true}, fields = {path = {field =
-- value}}, extra = {path = data} }. Fields are a module's numbers, texts and booleans (p, momentum, fixed, training, yours), as
-- they stand; a module with more state than that defines get_extra_state() -> plain data and set_extra_state(data), as in
-- PyTorch.
function Module:fields()
   local state = { trains = {}, fields = {}, extra = {} }
   for name, tensor in self:named_parameters() do state.trains[name] = tensor.requires_grad or nil end
   for path, module in self:named_modules() do
      state.fields[path] = plain_fields(module)
      if module.get_extra_state then state.extra[path] = module:get_extra_state() end
   end
   return state
end

-- Takes over what fields() gave.
function Module:set_fields(state)
   for name, tensor in self:named_parameters() do
      local trains = state.trains[name] or false
      if tensor.requires_grad ~= trains then tensor:requires_grad_(trains) end
   end
   for path, module in self:named_modules() do
      local saved = state.fields[path] or {}
      for key in pairs(plain_fields(module)) do rawset(module, key, saved[key]) end
      for key, value in pairs(saved) do rawset(module, key, value) end
      if module.set_extra_state and state.extra[path] ~= nil then module:set_extra_state(state.extra[path]) end
   end
end

return Module
