-- The block of ConvNeXt (Liu et al. 2022), and a small network of such blocks that tells horizontal from vertical stripes.
-- Run it:  ./scute examples/convnext_block.lua
local scute = require "scute"
local nn, optim = scute.nn, scute.optim

local Block = nn.Module:extend("Block", { { "channels" }, { "layer_scale", 1e-6 }, { "drop", 0 } })
function Block:build(o)
   local n = o.channels
   self.block = nn.Sequential { nn.Conv2d { n, n, 7, padding = 3, groups = n }, nn.LayerNorm2d { n, eps = 1e-6 },
      nn.Conv2d { n, 4 * n, 1 }, nn.GELU(), nn.Conv2d { 4 * n, n, 1 } } -- 1 x 1: a Linear for each pixel
   self.layer_scale = nn.Parameter(scute.full({ n, 1, 1 }, o.layer_scale))
   self.stochastic_depth = nn.StochasticDepth(o.drop)
end
function Block:forward(x)
   return self.stochastic_depth(self.block(x) * self.layer_scale, x)
end

local function network(n, classes, layer_scale, drop)
   return nn.Sequential { nn.Conv2d { 3, n, 4, stride = 4 }, nn.LayerNorm2d { n, eps = 1e-6 }, Block { n, layer_scale },
      nn.LayerNorm2d { n, eps = 1e-6 }, nn.Conv2d { n, 2 * n, 2, stride = 2 }, Block { 2 * n, layer_scale, drop },
      nn.AdaptiveAvgPool2d(1), nn.LayerNorm2d { 2 * n, eps = 1e-6 }, nn.Flatten(), nn.Linear(2 * n, classes) }
end
if (... or ""):find "convnext_block$" then return network end -- for who requires this file

scute.manual_seed(1)
local rows = (scute.arange(0, 31) * 0.7):sin():reshape(1, 1, 32, 1)
local classes = scute.tensor({ 1, 2, 1, 2, 1, 2, 1, 2 }, { dtype = "i64" })
local net = network(16, 2, 0.1, 0.1)
local optimizer = optim.adamw(net:groups { lr = 0.002 })
for step = 1, 20 do
   local pictures = {}
   for i = 1, 8 do pictures[i] = (i % 2 == 1 and rows or rows:transpose(3, 4)) + scute.randn(1, 3, 32, 32) end
   optimizer:zero_grad()
   local loss = net(scute.concat(pictures)):cross_entropy(classes)
   loss:backward()
   optimizer:step()
   if step % 10 == 0 then print(("step %d: loss %.4f"):format(step, loss:item())) end
end
