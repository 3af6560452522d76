-- Trains a classifier on photos of yours. Every line is yours to change.
--
--    scute train.lua --example               draws some small pictures and learns them: needs no photos
--    scute train.lua --data_dir PHOTOS       PHOTOS has one folder of photos for each class
--    scute train.lua --help                  every option
local scute = require "scute"
local cli, data, models, optim, schedule, train =
   scute.cli, scute.data, scute.models, scute.optim, scute.schedule, scute.train

-- The options of all exercises, and those of this script.
local opt = cli.parse(arg, "Train a classifier", cli.flags {
   { "example", flag = true, help = "draw pictures of circles and squares into example/ and learn these" },
   cli.changed("data_dir", { unless = "example" }),
})

-- Without photos: small pictures, and a small network from scratch. `require` finds shapes.lua beside this script.
if opt.example then
   opt.data_dir = require("shapes").draw("example", 40)
   opt.model, opt.weights, opt.image_size = "baseline_cnn", "none", 32
   opt.batch_size, opt.learning_rate = 16, 0.003
end

-- The photos: which there are, and which of them train and which validate.
local set = data.open(opt.data_dir, data.options(opt))

-- The network: what it has learned of ImageNet, and a new head for these classes.
local model = models.create(opt.model, {
   classes = set.classes, pretrained = opt.weights, head_init = opt.head_init, image_size = opt.image_size, log = cli.say,
}):to(opt.device)
if opt.freeze_backbone then model:freeze "backbone" end

-- How it learns. What else train.fit takes: help(train.fit) in a session.
local run = train.options(opt)
run.optimizer = optim.adamw(model:groups { lr = opt.learning_rate }, { weight_decay = opt.weight_decay })
run.schedule = schedule.warmup_cosine { warmup = opt.warmup_epochs }
run.hooks = { {
   name = "a hook of my own",
   on_epoch_end = function(state)
      if state.row.val_accuracy == 1 then cli.line("epoch %d: all photos that did not train are right", state.epoch) end
   end,
} }
train.fit(model, set, run)
