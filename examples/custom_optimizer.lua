-- An optimizer of one's own: Lion (Chen et al. 2023), which follows only the signs of its momentum.
-- Run it:  ./scute examples/custom_optimizer.lua PHOTOS   where PHOTOS has a folder for each class; without it shapes are drawn
local scute = require "scute"
local data, models, optim, train = scute.data, scute.models, scute.optim, scute.train
scute.manual_seed(1)

local function sign(x)
   return x:gt(0):to "f32" - x:lt(0):to "f32"
end

local lion = optim.define {
   name = "lion",
   defaults = { lr = 1e-4, beta1 = 0.9, beta2 = 0.99 },
   state = { "momentum" },
   update = function(parameter, gradient, state, group)
      local direction = sign(state.momentum * group.beta1 + gradient * (1 - group.beta1))
      state.momentum = state.momentum * group.beta2 + gradient * (1 - group.beta2)
      return parameter * (1 - group.lr * group.weight_decay) - direction * group.lr
   end,
}

local set = data.open(arg[1] or require("shapes").draw("shapes", 40))
local model = models.create("baseline_cnn", { classes = set.classes, image_size = 64 })
local optimizer = lion(model:groups { lr = 3e-4 }, { weight_decay = 0.1 })
print(optimizer)
local result = train.fit(model, set, { optimizer = optimizer, epochs = 5, batch_size = 16 })
print(("loss %.4f after epoch 1, %.4f after epoch 5"):format(result.history[1].train_loss, result.history[5].train_loss))
