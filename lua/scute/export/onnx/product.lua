-- Products of matrices; linear layers and convolutions are in conv.lua.
local dtypes = require "scute.export.onnx.dtypes"

local product = {}

function product.matmul(g, node, names)
   local dtype = node.to[1].dtype
   return g:node("MatMul", { dtypes.input(g, node, names, 1, dtype), dtypes.input(g, node, names, 2, dtype) })
end

return product
