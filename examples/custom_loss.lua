-- A loss of one's own: the focal loss (Lin et al. 2017), which cares less for photos that are right already.
-- Run it:  ./scute examples/custom_loss.lua PHOTOS     where PHOTOS has a folder for each class; without it shapes are drawn
local scute = require "scute"
local data, models, optim, train = scute.data, scute.models, scute.optim, scute.train
scute.manual_seed(1)

local GAMMA = 2

-- logits (n, classes), y (n): the mean of (1 - p)^gamma * -log p over the photos, p the probability of the right class.
local function focal(logits, y)
   local surprise = logits:cross_entropy(y, { reduction = "none" }) -- (n): -log p
   local doubt = 1 - (-surprise):exp()
   return (doubt:pow(GAMMA) * surprise):mean()
end

local set = data.open(arg[1] or require("shapes").draw("shapes", 40))
local model = models.create("baseline_cnn", { classes = set.classes, image_size = 64 })
local result = train.fit(model, set, {
   loss = focal, optimizer = optim.adamw(model:groups { lr = 0.001 }), epochs = 5, batch_size = 16,
})
print(("focal loss %.4f after epoch 1, %.4f after epoch 5"):format(result.history[1].train_loss, result.history[5].train_loss))
