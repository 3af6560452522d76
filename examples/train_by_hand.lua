-- A network of one's own, trained by a loop written out: two spirals that no straight line separates.
-- Run it:  ./scute examples/train_by_hand.lua
local scute = require "scute"
local nn, optim = scute.nn, scute.optim

scute.manual_seed(1)

-- 400 points (x, y) on two spirals, and the class, 1 or 2, of each.
local function spirals(n)
   local points, classes = {}, {}
   for i = 1, n do
      local class, t = i % 2 + 1, math.sqrt(i / n) * 3 * math.pi
      local angle = t + (class - 1) * math.pi
      points[i], classes[i] = { t / 10 * math.cos(angle), t / 10 * math.sin(angle) }, class
   end
   return scute.tensor(points), scute.tensor(classes, { dtype = "i64" })
end

local x, y = spirals(400)
local model = nn.Sequential { nn.Linear { 2, 64 }, nn.ReLU(), nn.Linear { 64, 64 }, nn.ReLU(), nn.Linear { 64, 2 } }
local optimizer = optim.adamw(model:groups { lr = 0.01 }, { weight_decay = 0.001 })
print(model)
print(model:num_parameters() .. " parameters")

for epoch = 1, 300 do
   local scores = model(x) -- (400, 2)
   local loss = scores:cross_entropy(y)
   loss:backward()
   optimizer:step()
   optimizer:zero_grad()
   if epoch % 50 == 0 then
      local right = scores:argmax(2):eq(y):to("f32"):mean():item()
      print(("epoch %3d: loss %.4f, accuracy %.3f"):format(epoch, loss:item(), right))
   end
end
