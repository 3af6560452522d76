-- Exercise 1: a pretrained backbone learns to tell your own photos apart.
--
--    ./scute scripts/transfer_learning.lua --data_dir path/to/dataset --model resnet50 --freeze_backbone --output_dir ./models
local scute = require "scute"
local cli, data, models, optim, schedule, train =
   scute.cli, scute.data, scute.models, scute.optim, scute.schedule, scute.train

local opt = cli.parse(arg, "Train a new classifier on a pretrained backbone, frozen or not", cli.common)
local set = data.open(opt.data_dir, data.options(opt))
local model = models.create(opt.model, {
   classes = set.classes, pretrained = opt.weights, head_init = opt.head_init, image_size = opt.image_size,
   log = cli.say,
}):to(opt.device)
if opt.freeze_backbone then model:freeze "backbone" end

local run = train.options(opt)
run.optimizer = optim.adamw(model:groups { lr = opt.learning_rate }, { weight_decay = opt.weight_decay })
run.schedule = schedule.warmup_cosine { warmup = opt.warmup_epochs }

local fit = opt.lr_find and train.lr_find or train.fit
fit(model, set, run)
