-- Exercise 2: progressive fine-tuning. The head first, then group by group of the pretrained layers, each at its own rate.
--
--    ./scute scripts/fine_tuning.lua --data_dir path/to/dataset --model efficientnet_b0 --learning_rate 0.0001 \
--       --output_dir ./models
local scute = require "scute"
local cli, data, fine_tuning, optim, schedule, train =
   scute.cli, scute.data, scute.fine_tuning, scute.optim, scute.schedule, scute.train

local opt = cli.parse(arg, "Fine-tune a pretrained network, from the head down", fine_tuning.flags)
if opt.list_groups then return fine_tuning.print_groups(opt) end

local set = data.open(opt.data_dir, data.options(opt))
local model = fine_tuning.model(opt, set.classes)
local run = train.options(opt)
run.unfreeze = train.unfreeze.plan(model, opt.unfreeze,
   { epochs = opt.epochs, batch_norm = opt.batch_norm, warmup = opt.unfreeze_warmup })
run.optimizer = optim.adamw(model:groups { lr = fine_tuning.rates(opt, model) }, { weight_decay = opt.weight_decay })
run.schedule = schedule.warmup_cosine { warmup = opt.warmup_epochs }

local baseline = opt.baseline and fine_tuning.baseline(opt, set)
local fit = opt.lr_find and train.lr_find or train.fit
local result = fit(model, set, run)
if baseline then fine_tuning.compare(set, { { "baseline_cnn", baseline }, { model.arch, result } }) end
