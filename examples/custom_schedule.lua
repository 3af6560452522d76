-- A schedule of one's own: the rate falls with the root of the steps, and is halved for good when the validation loss rises.
-- Run it:  ./scute examples/custom_schedule.lua PHOTOS   where PHOTOS has a folder for each class; without it shapes are drawn
local scute = require "scute"
local data, models, optim, train = scute.data, scute.models, scute.optim, scute.train
scute.manual_seed(1)

local state
local careful = {
   name = "careful",
   factor = function(step) return state.share / math.sqrt(step) end,
   reset = function() state = { share = 1, lowest = math.huge } end,
   observe = function(row)
      if row.val_loss > state.lowest then state.share = state.share / 2 end
      state.lowest = math.min(state.lowest, row.val_loss)
   end,
   save = function() return state end,
   load = function(saved) state = saved end,
}

local set = data.open(arg[1] or require("shapes").draw("shapes", 40))
local model = models.create("baseline_cnn", { classes = set.classes, image_size = 64 })
local result = train.fit(model, set, {
   schedule = careful, optimizer = optim.adamw(model:groups { lr = 0.01 }), epochs = 5, batch_size = 16,
})
for _, row in ipairs(result.history) do print(("epoch %d: rate %.5f"):format(row.epoch, row.rates.fc)) end
