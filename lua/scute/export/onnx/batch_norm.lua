-- Batch norm with its running statistics: as a node, and as numbers that a convolution takes in.
local core = require "scute.core"

local batch_norm = {}

-- The name of what is 1 or 0 for each channel where it is absent.
local function per_channel(g, names, at, channels, value)
   if names[at] then return names[at] end
   local numbers = {}
   for i = 1, channels do numbers[i] = value end
   return g:numbers(numbers)
end

--- What batch norm makes of `x`. from: the position of its weight among the node's inputs; bias, mean and variance follow.
function batch_norm.normalize(g, node, names, x, from)
   local channels = node.from[from + 2].shape[1]
   local scale, shift = per_channel(g, names, from, channels, 1), per_channel(g, names, from + 1, channels, 0)
   return g:node("BatchNormalization", { x, scale, shift, names[from + 2], names[from + 3] }, { epsilon = node.attrs.eps })
end

--- Batch norm that takes its statistics of the batch depends on what else is in it.
function batch_norm.refuse_training(node)
   if node.attrs.training then
      error("batch norm takes the statistics of each batch in evaluation mode too, which cannot be exported", 0)
   end
end

--- As y = x * scale + shift for each channel, in f64; nil where something of it is no constant. from: as above.
function batch_norm.as_scale(node, from)
   local weight, bias, mean, var = table.unpack(node.from, from, from + 3)
   for _, value in ipairs { weight, bias, mean, var } do
      if value and not value.constant then return nil end
   end
   local function wide(value) return value.constant:to "f64" end
   return core.no_grad(function()
      local scale = 1 / (wide(var) + node.attrs.eps):sqrt()
      if weight then scale = scale * wide(weight) end
      local shift = -wide(mean) * scale
      return scale, bias and shift + wide(bias) or shift
   end)
end

return batch_norm
