-- Data of one's own: a function of the index that makes, decodes or fetches what it likes. Here it is stripes in noise, and
-- the class is the way in which they run.
-- Run it:  ./scute examples/custom_data.lua
local scute = require "scute"
local data, models, optim, train = scute.data, scute.models, scute.optim, scute.train
scute.manual_seed(1)

local SIDE, N = 32, 120
local waves = {}
for i = 1, SIDE do waves[i] = math.sin(i) end
local down = scute.tensor(waves):reshape { 1, SIDE, 1 } -- (1, H, 1)
local across = down:reshape { 1, 1, SIDE }              -- (1, 1, W)
local noise = scute.randn(N, 3, SIDE, SIDE)

-- Sample i: a tensor (C, H, W) and its class, the same whenever it is asked for.
local function get(i)
   local lies = i % 2 == 1
   return noise[i] + (lies and down or across), lies and "lying" or "standing"
end

local set = data.source { n = N, get = get, val = 0.25 }
print(set)
local model = models.create("baseline_cnn", { classes = set.classes, image_size = SIDE })
local result = train.fit(model, set, { optimizer = optim.adamw(model:groups { lr = 0.003 }), epochs = 4, batch_size = 16 })
print(("first answer: %s is %s"):format(result.answers[1].path, set.classes[result.answers[1].predicted]))
