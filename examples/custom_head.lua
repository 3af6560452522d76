-- A head of one's own on a network of scute, and a network of one's own: trained, saved and loaded as any other.
-- Run it:  ./scute examples/custom_head.lua PHOTOS     where PHOTOS has a folder for each class; without it shapes are drawn
local scute = require "scute"
local data, models, nn, optim, train = scute.data, scute.models, scute.nn, scute.optim, scute.train
require "custom_network" -- the file beside this one, which registers "residual"
scute.manual_seed(1)

local set = data.open(arg[1] or require("shapes").draw("shapes", 40))

-- What stands here goes into the model file: kinds of layers and their options, no code.
local headed = models.create("baseline_cnn", { classes = set.classes, image_size = 32 })
headed.fc = nn.Sequential { nn.Dropout { p = 0.3 }, nn.Linear { 256, 32 }, nn.SiLU(), nn.Linear { 32, #set.classes } }

for _, model in ipairs { headed, models.create("residual", { classes = set.classes }) } do
   local optimizer = optim.adamw(model:groups { lr = 0.003 })
   local result = train.fit(model, set, { optimizer = optimizer, epochs = 3, batch_size = 16, output_dir = "models" })
   local loaded = models.load(result.folder .. "/best.safetensors")
   local x = scute.randn(1, 3, 32, 32)
   print(("%s: loaded, it differs by %g"):format(loaded.arch, (loaded(x) - model:eval()(x)):abs():max():item()))
end
