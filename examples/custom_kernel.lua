-- An activation of one's own, written in C for each element: compiled at its first use, differentiable, and as fast as those
-- that scute has. The same text serves the CPU and a GPU: scute examples/custom_kernel.lua cuda
local scute = require "scute"
local nn, optim = scute.nn, scute.optim
local device = arg[1] or "cpu"

local mish = scute.kernel {
   name = "mish", inputs = "x", output = "y",
   forward = "y = x * tanh(log1p(exp(x)));",
   backward = [[
      float t = tanh(log1p(exp(x)));
      gx = gy * (t + x * (1 - t * t) * sigmoid(x));
   ]],
}

-- Whether the backward belongs to the forward: a wrong one is an error that says where.
scute.manual_seed(1)
print("gradients are right:", scute.gradcheck(mish, scute.randn(2, 5):to(device):detach():requires_grad_()))
local x = scute.randn(64, 1):to(device)
print(("it differs from the same by ops by %.6f"):format((mish(x) - x * x:softplus():tanh()):abs():max():item()))

-- In a network it is called like any op.
local Net = nn.Module:extend "Net"
function Net:build()
   self.first, self.last = nn.Linear { 1, 16 }, nn.Linear { 16, 1 }
end
function Net:forward(input)
   return self.last(mish(self.first(input)))
end

local net, wanted = Net {}:to(device), x:mul(2):sin()
local optimizer = optim.adamw(net:parameters(), { lr = 0.05 })
for step = 1, 60 do
   local loss = (net(x) - wanted):pow(2):mean()
   optimizer:zero_grad()
   loss:backward()
   optimizer:step()
   if step % 20 == 0 then print(("step %d: loss %.4f"):format(step, loss:item())) end
end
