-- A differentiable function with its own backward: rounding, whose slope is zero almost everywhere, learns with the slope of a
-- straight line (Bengio et al. 2013). So a network can train weights that are whole numbers.
-- Run it:  ./scute examples/custom_function.lua
local scute = require "scute"
scute.manual_seed(1)

local round = scute.func {
   name = "round",
   forward = function(ctx, x, low, high)
      ctx.low, ctx.high = low, high
      ctx:save_for_backward(x)
      return x:maximum(low):minimum(high):add(0.5 - low):to("i64"):to("f32") + low -- to("i64") cuts the fraction off
   end,
   backward = function(ctx, grad) -- a gradient for x; none for low and high, which are numbers
      local x = ctx.saved_tensors[1]
      local inside = x:ge(ctx.low):to("f32") * x:le(ctx.high):to("f32")
      return grad * inside
   end,
}

-- y = 3 a - 2 b + 1, learned with weights that are rounded to -4 ... 4.
local x = scute.randn(200, 2)
local y = x:matmul(scute.tensor { { 3 }, { -2 } }) + 1
local w, b = scute.zeros(2, 1):requires_grad_(), scute.zeros(1):requires_grad_()
local optimizer = scute.optim.adam({ w, b }, { lr = 0.05 })
for step = 1, 200 do
   optimizer:zero_grad()
   local loss = (x:matmul(round(w, -4, 4)) + round(b, -4, 4) - y):pow(2):mean()
   loss:backward()
   optimizer:step()
   if step % 50 == 0 then print(("step %d: loss %.4f"):format(step, loss:item())) end
end
print("weights", table.unpack(round(w, -4, 4):values()))
