-- A grid of learning rates and augmentations, searched by successive halving: all begin, the poor ones are stopped early, the
-- good ones go on from their checkpoints. report.html has a map of the grid and says which were stopped when.
-- Run it:  ./scute examples/grid_halving.lua PHOTOS   where PHOTOS has a folder for each class; without it shapes are drawn
local scute = require "scute"
local data, models, optim, train = scute.data, scute.models, scute.optim, scute.train

local trial = scute.experiment {
   name = "grid", set = data.open(arg[1] or require("shapes").draw("shapes", 40)), budget = "epochs=4",
   seeds = math.tointeger(arg[2]) or 3, search = "halving",
   grid = { lr = { 1e-4, 1e-3, 1e-2 }, augment = { "none", "light" } },
   run = function(variant, context)
      local model = models.create("baseline_cnn", { classes = context.set.classes, image_size = 32, log = false })
      return train.fit(model, context.set, { augment = variant.augment, batch_size = 8,
         optimizer = optim.adamw(model:groups { lr = variant.lr }) })
   end,
}
print(trial)
local best = trial.best
print(("the choice: lr %g, augmentation %s"):format(best.options.lr, best.options.augment))
