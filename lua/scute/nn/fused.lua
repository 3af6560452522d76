-- The activations that convolutions, norms and squeeze-and-excitation end with as one op (host/ops/activation.h).
local scute = require "scute.core"
local activation = require "scute.nn.activation"

local fused = {}

-- "none" and the names of ops, as conv_bn_act declares them.
for _, argument in ipairs(scute.op_info("conv_bn_act").arguments) do
   if argument.name == "act" then fused.choices = argument.choices end
end

local classes, known = {}, {}
for _, name in ipairs(fused.choices) do known[name] = true end
for _, class in pairs(activation) do
   if class.op then classes[class.op] = class end
end

--- A layer that computes what a choice names; nil for "none".
function fused.layer(name)
   return classes[name] and classes[name]()
end

--- The choice that a layer is; nil if it is none of them.
function fused.name_of(layer)
   local op = layer.op
   for field, value in pairs(op and layer.op_needs or {}) do
      if layer[field] ~= value then return nil end
   end
   return known[op] and op or nil
end

return fused
