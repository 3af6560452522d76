-- A tensor whose gradient is checked: its numbers are moved one by one, and put back bit for bit.
local scute = require "scute"
local core = require "scute.core"

local leaves = {}

-- A number as the dtype holds it, so that a difference is divided by the step that was really taken.
local function held(dtype, x)
   return dtype == "f32" and string.unpack("f", string.pack("f", x)) or x
end

--- name: what messages call it.
function leaves.new(tensor, name)
   return { tensor = tensor, name = name, values = tensor:values(), saved = tensor:clone(), gradient = tensor.grad }
end

function leaves.write(self, values)
   scute.no_grad(function()
      local flat <close> = scute.tensor(values, { dtype = self.tensor.dtype })
      local shaped <close> = flat:reshape(self.tensor.shape)
      self.tensor:copy_(shaped)
   end)
end

--- What the numbers are with directions[i] times a step of size eps (relative for those above 1) added, for all i.
function leaves.moved(self, directions, eps)
   local values = {}
   for i, value in ipairs(self.values) do
      local direction = directions[i] or 0
      values[i] = direction == 0 and value or held(self.tensor.dtype, value + direction * eps * math.max(1, math.abs(value)))
   end
   return values
end

--- The gradient as it was found.
function leaves.restore_gradient(self)
   if not self.tensor.requires_grad then return end -- a buffer
   self.tensor:zero_grad()
   if self.gradient then self.tensor:backward(self.gradient) end -- of a leaf: it becomes its gradient
end

--- Numbers and gradient as they were found.
function leaves.restore(self)
   scute.no_grad(function() self.tensor:copy_(self.saved) end)
   leaves.restore_gradient(self)
end

--- Whatever else gets a gradient from an output, as a layer's parameters do that f closes over: { tensor, gradient }.
function leaves.reached(output)
   local list = {}
   for i, tensor in ipairs(core.tape_leaves(output)) do list[i] = { tensor = tensor, gradient = tensor.grad } end
   return list
end

--- The gradient that a backward left, as a list; nil where it left none.
function leaves.take_gradient(self)
   local gradient = self.tensor.grad
   local values = gradient and gradient:values()
   self.tensor:zero_grad()
   return values
end

return leaves
