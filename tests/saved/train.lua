-- A script of one's own: a head in place of the architecture's, and the flags of the exercises.
local scute = require "scute"
local cli, data, models, nn, optim, train = scute.cli, scute.data, scute.models, scute.nn, scute.optim, scute.train

local opt = cli.parse(arg, "Train a head of one's own", cli.flags {
   { "inputs", whole = true, default = 256, help = "of the head" },
   { "act", choices = { "ReLU", "SiLU" }, default = "ReLU", resume = "free", help = "in the head" },
})
local set = data.open(opt.data_dir, data.options(opt))
local model = models.create(opt.model, { classes = set.classes, image_size = opt.image_size })
if opt.model == "baseline_cnn" then
   model.fc = nn.Sequential { nn.Dropout(0.2), nn.Linear { opt.inputs, 16 }, nn[opt.act](), nn.Linear { 16, #set.classes } }
end
local run = train.options(opt)
run.optimizer = optim.adamw(model:groups { lr = 0.01 })
train.fit(model, set, run)
