-- Augmentation of one's own, after a description: exposure and grain of a camera, drawn for each photo.
-- Run it:  ./scute examples/custom_augmentation.lua PHOTOS   where PHOTOS has a folder for each class; else shapes are drawn
local scute = require "scute"
local augment, data, models, optim, train = scute.augment, scute.data, scute.models, scute.optim, scute.train
scute.manual_seed(1)

local camera = { name = "camera" }

-- x (N, 3, H, W): a batch, normalised, on the device that trains.
function camera.apply(x, draw)
   local exposure = draw:uniform(0.7, 1.3)                  -- (N, 1, 1, 1): one number for each photo
   local grain = draw:normal(1, x.shape[3], x.shape[4])     -- (N, 1, H, W): the same in all three colours
   return x * exposure + 0.1 * grain
end

local set = data.open(arg[1] or require("shapes").draw("shapes", 40))
local model = models.create("baseline_cnn", { classes = set.classes, image_size = 64 })
local result = train.fit(model, set, { augment = { augment.preset "light", camera }, epochs = 5, batch_size = 16,
   optimizer = optim.adamw(model:groups { lr = 0.001 }) })
print(("loss %.4f after epoch 1, %.4f after epoch 5"):format(result.history[1].train_loss, result.history[5].train_loss))
