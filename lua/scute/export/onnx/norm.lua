-- Batch norm on its own; what follows a convolution is folded into that (see conv.lua).
local activate = require "scute.export.onnx.activate"
local batch_norm = require "scute.export.onnx.batch_norm"

local norm = {}

function norm.batch_norm(g, node, names)
   batch_norm.refuse_training(node)
   local y, residual = batch_norm.normalize(g, node, names, names[1], 2), names[6]
   if residual then y = g:node("Add", { y, residual }) end
   return activate(g, node.attrs.act, y)
end

return norm
