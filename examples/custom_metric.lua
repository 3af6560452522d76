-- A metric of one's own: what the mistakes cost, where a square taken for a circle is five times as bad as the other way round.
-- Run it:  ./scute examples/custom_metric.lua PHOTOS   where PHOTOS has a folder for each class; without it shapes are drawn
local scute = require "scute"
local data, models, optim, train = scute.data, scute.models, scute.optim, scute.train
scute.manual_seed(1)

-- seen: what the model said of the photos that validate. The cost of a photo, on average.
local function cost(seen)
   local sum = 0
   for i, truth in ipairs(seen.truth) do
      if seen.predicted[i] ~= truth then sum = sum + (truth == 2 and 5 or 1) end
   end
   return sum / #seen.truth
end

local set = data.open(arg[1] or require("shapes").draw("shapes", 40))
local model = models.create("baseline_cnn", { classes = set.classes, image_size = 64 })
local result = train.fit(model, set, {
   metrics = { "f1", cost = { f = cost, lower = true } }, best_by = "cost", early_stop = { metric = "f1", patience = 5 },
   optimizer = optim.adamw(model:groups { lr = 0.001 }), epochs = 5, batch_size = 16,
})
for _, row in ipairs(result.history) do print(("epoch %d: cost %.4f"):format(row.epoch, row.cost)) end
print(("epoch %d is the cheapest: %.4f"):format(result.best.epoch, result.best.cost))
