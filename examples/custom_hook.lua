-- A hook of one's own: the backbone joins when the head alone gets no further. What a hook may do: scute/train/hooks.lua.
-- Run it:  ./scute examples/custom_hook.lua PHOTOS     where PHOTOS has a folder for each class; without it shapes are drawn
local scute = require "scute"
local data, models, optim, train = scute.data, scute.models, scute.optim, scute.train
scute.manual_seed(1)

local best, stalled = math.huge, false
local join = {
   name = "join when it stalls", -- with save and load a resumed run goes on where this one stopped
   save = function() return { best = best, stalled = stalled } end,
   load = function(_, state) best, stalled = state.best, state.stalled end,
   on_epoch_end = function(run)
      stalled = stalled or run.row.val_loss > 0.98 * best -- less than 2 % better
      best = math.min(best, run.row.val_loss)
   end,
   on_epoch_begin = function(run)
      if not stalled or not run.model:is_backbone_frozen() then return end
      run.model:unfreeze "backbone"
      print(("epoch %d: the backbone joins"):format(run.epoch))
   end,
}

local set = data.open(arg[1] or require("shapes").draw("shapes", 40))
local model = models.create("resnet18", { classes = set.classes, image_size = 64 }):freeze "backbone"
local optimizer = optim.adamw(model:groups { lr = { backbone = 0.0003, head = 0.003 } })
train.fit(model, set, { optimizer = optimizer, epochs = 8, batch_size = 16, hooks = { join } })
