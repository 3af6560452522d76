-- MobileNetV2 of which only the last group trains, from photo files to weights, every epoch with new random crops: photos a
-- second over whole epochs (training and validation), the best but the first.
-- Usage: scute tests/bench/last_group.lua FOLDER PRECISION WORKERS [EPOCHS [BATCH [MODEL]]]
local scute = require "scute"
local folder, precision, workers = arg[1], arg[2], tonumber(arg[3])
local epochs, batch, name = tonumber(arg[4] or 3), tonumber(arg[5] or 32), arg[6] or "mobilenet_v2"
require("scute.base.console").quiet = true

local set = scute.data.open(folder)
local model = scute.models.create(name, { classes = set.classes, pretrained = "none" })
local groups = model:group_paths()
model:freeze():unfreeze(groups[#groups][1])

local best, start = math.huge, nil
local watch = {
   on_epoch_begin = function() start = scute.clock() end,
   on_epoch_end = function(run)
      if run.epoch > 1 then best = math.min(best, scute.clock() - start) end
   end,
}
scute.train.fit(model, set, { optimizer = scute.optim.adamw(model:groups { lr = 1e-3 }), epochs = epochs, batch_size = batch,
   augment = "standard", cache_features = "off", precision = precision, workers = workers, hooks = { watch } })
print(("%.1f photos a second"):format((#set.train.paths + #set.val.paths) / best))
