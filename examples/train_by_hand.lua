-- A network of one's own, trained by a loop written out: two spirals that no straight line separates.
-- Run it:  ./scute examples/train_by_hand.lua     or, as several processes that train one network:  ./scute --nproc 2 ...
local scute = require "scute"
local nn, optim, world = scute.nn, scute.optim, scute.world
local say = world.rank == 0 and print or function() end -- one of the processes speaks
local N = 400

scute.manual_seed(1) -- the same in all processes, so they begin with the same weights

-- Those of N points (x, y) on two spirals that are this process's, and the class, 1 or 2, of each. Alone it has all.
local function spirals()
   local points, classes = {}, {}
   for i = N * world.rank // world.size + 1, N * (world.rank + 1) // world.size do
      local class, t = i % 2 + 1, math.sqrt(i / N) * 3 * math.pi
      local angle = t + (class - 1) * math.pi
      table.insert(points, { t / 10 * math.cos(angle), t / 10 * math.sin(angle) })
      table.insert(classes, class)
   end
   return scute.tensor(points), scute.tensor(classes, { dtype = "i64" })
end

local x, y = spirals()
local model = nn.Sequential { nn.Linear { 2, 64 }, nn.ReLU(), nn.Linear { 64, 64 }, nn.ReLU(), nn.Linear { 64, 2 } }
local optimizer = optim.adamw(model:groups { lr = 0.01 }, { weight_decay = 0.001 })
say(model)
say(model:num_parameters() .. " parameters")

for epoch = 1, 300 do
   local scores = model(x) -- (its points, 2)
   local loss = scores:cross_entropy(y) * (#x / N) -- its part of the mean over all points
   loss:backward()
   for _, p in model:named_parameters() do p.grad:copy_(world.all_reduce(p.grad)) end -- so all take the same step
   optimizer:step()
   optimizer:zero_grad()
   if epoch % 50 == 0 then
      local right = world.all_reduce(scores:argmax(2):eq(y):to("f32"):sum()):item() / N
      say(("epoch %3d: loss %.4f, accuracy %.3f"):format(epoch, world.all_reduce(loss:detach()):item(), right))
   end
end
