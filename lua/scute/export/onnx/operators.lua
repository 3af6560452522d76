-- What each op is in ONNX: op name -> function(g, node, names) -> names of the node's outputs, in their order.
--
-- g is the file that is built (scute.export.onnx_file); node is one of scute.export.trace, with two lists of values more:
-- `from` those of its inputs (false where one is absent) and `to` those of its outputs, each { shape, grows, dtype, constant =
-- its tensor on the CPU, and its name, where it is one }. names[i] is the name of input i in the file (false where absent);
-- asking for it brings a constant into the file, so who folds one into another asks for the tensor alone. What cannot be said
-- in ONNX is an error of one line, which gets the layer's path in front.
local FAMILIES = { "activation", "arithmetic", "choose", "conv", "group", "norm", "pool", "product", "rearrange", "reduction",
   "resize" }

local operators = {}
for _, family in ipairs(FAMILIES) do
   for op, write in pairs(require("scute.export.onnx." .. family)) do
      if operators[op] then error(("export: the op '%s' is mapped twice"):format(op)) end
      operators[op] = write
   end
end

return operators
