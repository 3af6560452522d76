-- The activation that an op ends with, by its choice: "none", or the name of an op of its own.
local activation = require "scute.export.onnx.activation"

return function(g, act, x)
   if act == "none" then return x end
   local write = activation[act] or error(("the activation '%s' has no counterpart in ONNX"):format(act), 0)
   return write(g, { attrs = {}, from = { { dtype = "f32" } } }, { x })
end
