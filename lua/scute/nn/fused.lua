-- The activations that convolutions, norms and squeeze-and-excitation end with as one op (host/ops/activation.h).
local scute = require "scute.core"
local Module = require "scute.nn.module"
local activation = require "scute.nn.activation"

local fused = {}

-- "none" and the names of ops, as conv_bn_act declares them.
for _, argument in ipairs(scute.op_info("conv_bn_act").arguments) do
   if argument.name == "act" then fused.choices = argument.choices end
end

local classes, known, forwards = {}, {}, {}
for _, name in ipairs(fused.choices) do known[name] = true end

--- Notes how a class of the library computes, so that is_own tells what a user has changed since.
function fused.note(class)
   forwards[class] = class.forward
end

for _, class in pairs(activation) do
   if class.op then
      classes[class.op] = class
      fused.note(class)
   end
end

--- Whether a layer computes as that class of the library does: neither it nor a class derived from it has a forward of its own.
function fused.is_own(layer, class)
   return layer.forward == forwards[class] and (getmetatable(layer).class == class or Module.is(layer, class))
end

--- A layer that computes what a choice names; nil for "none".
function fused.layer(name)
   return classes[name] and classes[name]()
end

--- The choice that a layer is; nil if it is none of them, or computes in a way of its own.
function fused.name_of(layer)
   local op = layer.op
   if not (op and known[op] and fused.is_own(layer, classes[op])) then return nil end
   for field, value in pairs(layer.op_needs or {}) do
      if layer[field] ~= value then return nil end
   end
   return op
end

return fused
