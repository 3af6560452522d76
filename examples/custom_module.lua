-- A layer and a network of one's own: a small residual network that tells horizontal from vertical stripes.
-- Run it:  ./scute examples/custom_module.lua
local scute = require "scute"
local nn, optim = scute.nn, scute.optim
scute.manual_seed(1)

-- A module says what it is made of in build and what it computes in forward. Assigning a module registers it.
local Residual = nn.Module:extend("Residual", { { "channels" } })
function Residual:build(o)
   self.conv = nn.Conv2d { o.channels, o.channels, 3, padding = 1, bias = false }
   self.bn = nn.BatchNorm2d { o.channels }
end
function Residual:forward(x)
   return (x + self.bn(self.conv(x))):relu()
end

-- Noisy 16 x 16 pictures, and their classes: 1 has horizontal stripes, 2 vertical ones.
local wave = {}
for i = 1, 16 do wave[i] = math.sin(1.5 * i) end
local across = scute.tensor(wave):reshape(1, 1, 16, 1) -- broadcasts over columns
local function pictures(n)
   local list, classes = {}, {}
   for i = 1, n do
      classes[i] = i % 2 + 1
      list[i] = (classes[i] == 1 and across or across:permute(1, 2, 4, 3)) + scute.randn(1, 1, 16, 16) * 0.5
   end
   return scute.concat(list, 1), scute.tensor(classes, { dtype = "i64" })
end

local net = nn.Sequential { nn.Conv2d { 1, 8, 3 }, Residual { 8 }, nn.AdaptiveAvgPool2d { 1 }, nn.Flatten(), nn.Linear(8, 2) }
print(net)
local optimizer = optim.sgd(net:groups { lr = 0.05 }, { momentum = 0.9 })
for step = 1, 30 do
   local x, classes = pictures(32)
   optimizer:zero_grad()
   local loss = net(x):cross_entropy(classes)
   loss:backward()
   optimizer:step()
   if step % 10 == 0 then print(("step %d: loss %.4f"):format(step, loss:item())) end
end
