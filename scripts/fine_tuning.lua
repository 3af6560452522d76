-- Exercise 2: progressive fine-tuning. The head first, then group by group of the pretrained layers, each at its own rate.
--
--    ./scute scripts/fine_tuning.lua --data_dir path/to/dataset --model efficientnet_b0 --learning_rate 0.0001 \
--       --output_dir ./models
local scute = require "scute"
local augment, cli, data, fine_tuning, optim, schedule, train =
   scute.augment, scute.cli, scute.data, scute.fine_tuning, scute.optim, scute.schedule, scute.train

local opt = cli.parse(arg, "Fine-tune a pretrained network, from the head down", fine_tuning.flags)
if opt.list_groups then return fine_tuning.print_groups(opt) end

local set = data.open(opt.data_dir, { seed = opt.seed, val_fraction = opt.val_fraction, split_csv = opt.split_csv })
local model = fine_tuning.model(opt, set.classes)
local plan = train.unfreeze.plan(model, opt.unfreeze,
   { epochs = opt.epochs, batch_norm = opt.batch_norm, warmup = opt.unfreeze_warmup })
local baseline = opt.baseline and fine_tuning.baseline(opt, set)

local fit = opt.lr_find and train.lr_find or train.fit
local result = fit(model, set, {
   unfreeze = plan,
   augment = augment.parse(opt.augment),
   optimizer = optim.adamw(model:groups { lr = fine_tuning.rates(opt, model) }, { weight_decay = opt.weight_decay }),
   schedule = schedule.warmup_cosine { warmup = opt.warmup_epochs, epochs = opt.epochs },
   epochs = opt.epochs, batch_size = opt.batch_size, early_stop = opt.patience, output_dir = opt.output_dir,
   seed = opt.seed, workers = opt.workers, device = opt.device, precision = opt.precision,
   cache_features = opt.cache_features, on_bad_image = opt.on_bad_image, resume = opt.resume, save_every = opt.save_every,
   keep = opt.keep, tensorboard = opt.tensorboard, accumulate = opt.accumulate, label_smoothing = opt.label_smoothing,
   mixup = opt.mixup, cutmix = opt.cutmix, ema = opt.ema, clip_norm = opt.clip_norm, arguments = opt,
})
if baseline then fine_tuning.compare(set, { { "baseline_cnn", baseline }, { model.arch, result } }) end
