-- A first tensor and a first gradient. Run it:  ./scute examples/first_tensor.lua
local scute = require "scute"

-- Tensors come from tables or from a shape; indices and dimensions start at 1.
local x = scute.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
print(x)
print("second row, third column:", x[2][3])
print("last row:", x[-1])
print("mean of each column:", x:mean(1))

-- Arithmetic works element by element; a smaller shape is repeated where it fits (broadcasting).
print(x * 10 + scute.tensor { 0.1, 0.2, 0.3 })

-- Where does f(w) = (w - 3)^2 + 1 have its minimum? Follow the gradient 2 (w - 3) downhill.
local w = scute.tensor(0):requires_grad_()
for step = 1, 25 do
   local f = (w - 3) ^ 2 + 1
   f:backward() -- fills w.grad
   if step % 5 == 0 then
      print(("step %2d: w = %.4f, f = %.4f, slope = %.4f"):format(step, w:item(), f:item(), w.grad:item()))
   end
   scute.no_grad(function() w:copy_(w - 0.2 * w.grad) end)
   w:zero_grad()
end
