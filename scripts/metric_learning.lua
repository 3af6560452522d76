-- The third week: who is it? An embedding in which photos of one animal lie near one another, on the backbone of Exercise 1 or
-- 2, measured on photos of other encounters than those that train.
--
--    ./scute scripts/metric_learning.lua --data_dir turtles --from models/resnet50/best.safetensors --output_dir ./reid
local scute = require "scute"
local cli, metric_learning, optim, reid, schedule, train =
   scute.cli, scute.metric_learning, scute.optim, scute.reid, scute.schedule, scute.train

local opt = cli.parse(arg, "Train an embedding by which individual animals are told apart", metric_learning.flags,
   metric_learning.MEANING)
cli.alone()
if opt.list_groups then return metric_learning.print_groups(opt) end

local photos = metric_learning.open(opt)
local model = reid.model(opt, photos.set.classes)
local run = train.options(opt)
run.loss = metric_learning.loss(opt, model, photos.set.train.counts)
run.sampler = metric_learning.sampler(opt)
run.unfreeze = train.unfreeze.plan(model, opt.unfreeze,
   { epochs = opt.epochs, batch_norm = opt.batch_norm, warmup = opt.unfreeze_warmup })
run.optimizer = optim.adamw(model:groups { lr = metric_learning.rates(opt, model) }, { weight_decay = opt.weight_decay })
run.schedule = schedule.warmup_cosine { warmup = opt.warmup_epochs }
run.hooks = metric_learning.hooks(opt, photos)

if opt.lr_find then return train.lr_find(model, photos.set, run) end
local result = train.fit(model, photos.set, run)
metric_learning.measure(model, photos, result.folder, opt)
