-- A sampler of one's own: an epoch is half as long as the data, has as many photos of each class, and no photo twice.
-- Run it:  ./scute examples/custom_sampler.lua PHOTOS     where PHOTOS has a folder for each class; without it shapes are drawn
local scute = require "scute"
local data, models, optim, train = scute.data, scute.models, scute.optim, scute.train
scute.manual_seed(1)

local half = { name = "half of the photos" }

-- The numbers of the photos of one epoch, in their order; draw follows from seed and epoch alone.
function half.indices(_, draw, part)
   local order, left = {}, {}
   for class in ipairs(part.classes) do left[class] = part.n // (2 * #part.classes) end
   local all = {}
   for i = 1, part.n do all[i] = i end
   for _, i in ipairs(draw:shuffle(all)) do
      local class = part.labels[i]
      if left[class] > 0 then
         order[#order + 1], left[class] = i, left[class] - 1
      end
   end
   return order
end

local set = data.open(arg[1] or require("shapes").draw("shapes", 40))
local model = models.create("baseline_cnn", { classes = set.classes, image_size = 64 })
train.fit(model, set, { sampler = half, optimizer = optim.adamw(model:groups { lr = 0.001 }), epochs = 4, batch_size = 16,
   hooks = { { on_epoch_end = function(run) print(("epoch %d: %d photos"):format(run.epoch, run.confusion.total)) end } } })
