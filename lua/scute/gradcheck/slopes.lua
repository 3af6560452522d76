-- Derivatives of outputs by inputs, from differences and from backward. Both are lists over the outputs of lists over their
-- elements; differences are of doubles, made of what the outputs hold.
local scute = require "scute"
local Module = require "scute.nn.module"
local leaves = require "scute.gradcheck.leaf"

local slopes = {}

local SEED = 2 -- no 1, so that a backward that forgets the gradient that comes to it, or squares it, is found out

--- The float outputs of f(...), with their places among what it returns.
function slopes.outputs(f, inputs)
   local all, outputs = table.pack(scute.autocast("f32", f, table.unpack(inputs, 1, inputs.n))), {}
   if all.n == 0 then error("gradcheck: f returned nothing; expected a tensor", 0) end
   for i = 1, all.n do
      local y = all[i]
      if not Module.is_tensor(y) then
         error(("gradcheck: f: output %d: expected a tensor, found %s"):format(i, tostring(y)), 0)
      end
      if y.dtype == "f16" or y.dtype == "bf16" then
         error(("gradcheck: f: output %d is %s, too coarse for differences; compute in f32"):format(i, y.dtype), 0)
      end
      if y.dtype == "f32" or y.dtype == "f64" then
         outputs[#outputs + 1] = { tensor = y, place = i, shape = y.shape, numel = y:numel() }
      end
   end
   return outputs
end

--- What f(...) gives, as a list of numbers for each float output.
function slopes.values(f, inputs)
   return scute.no_grad(function()
      local lists = {}
      for i, output in ipairs(slopes.outputs(f, inputs)) do lists[i] = output.tensor:values() end
      return lists
   end)
end

--- What f gives with the numbers of a leaf replaced by others.
function slopes.at(f, inputs, leaf, numbers)
   leaves.write(leaf, numbers)
   local lists = slopes.values(f, inputs)
   leaves.write(leaf, leaf.values)
   return lists
end

-- A gradient of SEED times the weights for an output, its other elements 0.
local function seed_of(output, weights)
   local list = {}
   for j = 1, output.numel do list[j] = SEED * (weights[j] or 0) end
   local flat = scute.tensor(list, { dtype = output.tensor.dtype, device = output.tensor.device })
   return flat:reshape(output.shape)
end

--- The gradients that the leaves of a list get where each output k has the gradient weights[k] (nil: none): a list for each
-- leaf, nil where there is none.
function slopes.backward(outputs, weights, list)
   for _, leaf in ipairs(list) do leaf.tensor:zero_grad() end
   for k, output in ipairs(outputs) do
      if weights[k] and output.tensor.requires_grad then
         output.tensor:backward(seed_of(output, weights[k]), { retain = true })
      end
   end
   local gradients = {}
   for i, leaf in ipairs(list) do
      local gradient = leaves.take_gradient(leaf)
      for j in ipairs(gradient or {}) do gradient[j] = gradient[j] / SEED end
      gradients[i] = gradient
   end
   return gradients
end

return slopes
