-- Is it worth to train the whole network? A frozen backbone against one that trains with its head, on the same folds: every
-- photo validates once. Compared by the loss, of which less is better.
-- Run it:  ./scute examples/frozen_or_tuned.lua PHOTOS   where PHOTOS has a folder for each class; without it shapes are drawn
local scute = require "scute"
local data, models, optim, train = scute.data, scute.models, scute.optim, scute.train

local trial = scute.experiment {
   name = "tuning", set = data.open(arg[1] or require("shapes").draw("shapes", 40)),
   folds = math.tointeger(arg[2]) or 5, budget = "epochs=3", metric = "loss",
   variants = { { "frozen", unfreeze = "none", lr = 0.01 }, { "tuned", unfreeze = "all", lr = 0.001 } },
   run = function(variant, context)
      local model = models.create("mobilenet_v2", { classes = context.set.classes, image_size = 32, log = false })
      return train.fit(model, context.set, { unfreeze = variant.unfreeze, batch_size = 8,
         optimizer = optim.adamw(model:groups { lr = variant.lr }) })
   end,
}
print(trial)
local pair = trial.pairs[1]
print(("%s and %s %s: %.4f (%.4f to %.4f)"):format(pair.first.name, pair.second.name,
   pair.apart and "differ" or "cannot be told apart", pair.difference, pair.low, pair.high))
