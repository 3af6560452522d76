-- What it saves to record the work of a step on a GPU and do it again (scute.train.graph): milliseconds a photo that trains, of
-- epochs of train.fit with graphs and without, in turns.
-- Usage: scute tests/bench/graphs.lua MODEL BATCH SIDE DEVICE [ROUNDS]
local scute = require "scute"
local here = arg[0]:match "^(.*)/" or "."
local photos = dofile(here .. "/../cli/photos.lua")
require("scute.base.console").quiet = true

local name, batch, side, device = arg[1], tonumber(arg[2]), tonumber(arg[3]), arg[4]
local rounds = tonumber(arg[5] or 1)
local STEPS = 12 -- of an epoch

local folder = os.tmpname()
os.remove(folder)
photos.set(folder, { blue = batch * STEPS * 5 // 8 + 1, red = batch * STEPS * 5 // 8 + 1 }) -- a fifth validates
local set = scute.data.open(folder, { seed = 0 })

-- The last of two epochs: what is new comes in the first.
local function measure(graphs)
   scute.graphs(graphs)
   local model = scute.nn.init.skip(scute.models.create, name, { classes = set.classes, pretrained = "none",
      image_size = side }):to(device)
   local start, taken
   scute.train.fit(model, set, { device = device, batch_size = batch, epochs = 2,
      optimizer = scute.optim.sgd(model:groups { lr = 1e-4 }), hooks = { {
         on_epoch_begin = function() start = scute.clock() end,
         on_epoch_end = function(run) taken = (scute.clock() - start) / run.confusion.total end } } })
   return taken * 1000
end

local with, without = math.huge, math.huge
for _ = 1, rounds do
   with = math.min(with, measure(true))
   without = math.min(without, measure(false))
end
os.execute(("rm -rf '%s'"):format(folder))
print(("%s, train.fit, batch %d: %.2f ms a photo with graphs, %.2f without"):format(name, batch, with, without))
