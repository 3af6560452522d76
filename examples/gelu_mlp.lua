-- What follows the attention of a transformer: a norm, and two layers with GELU between them. It tells a ring from what is
-- inside it. Run it:  ./scute examples/gelu_mlp.lua
local scute = require "scute"
local nn, optim = scute.nn, scute.optim

local MLP = nn.Module:extend("MLP", { { "inputs" }, { "hidden" }, { "outputs" } })
function MLP:build(o)
   self.norm = nn.LayerNorm(o.inputs)
   self.fc1 = nn.Linear(o.inputs, o.hidden)
   self.fc2 = nn.Linear(o.hidden, o.outputs)
end
function MLP:forward(x)
   return self.fc2(self.fc1(self.norm(x)):gelu())
end

if (... or ""):find "gelu_mlp$" then return MLP end -- for who requires this file

scute.manual_seed(1)
local points = scute.randn(400, 2)
local classes = (points * points):sum(2):gt(1.4):to "i64" + 1 -- 1 inside, 2 outside
local net = nn.Sequential { nn.Linear(2, 16), MLP { 16, 64, 2 } }
local optimizer = optim.adamw(net:groups { lr = 0.01 })
for step = 1, 60 do
   optimizer:zero_grad()
   local scores = net(points)
   local loss = scores:cross_entropy(classes)
   loss:backward()
   optimizer:step()
   if step % 20 == 0 then
      local right = scores:argmax(2):eq(classes):to("f32"):mean():item()
      print(("step %d: loss %.4f, accuracy %.3f"):format(step, loss:item(), right))
   end
end
