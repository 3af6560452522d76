-- Exercise 4: what each best practice is worth. The same fine-tuning with all of them, with one of them changed, and plainly;
-- a table and the curves at the end.
--
--    ./scute scripts/best_practices.lua --data_dir path/to/dataset --model resnet50 --output_dir ./practices
local scute = require "scute"
local best_practices, cli, data, experiment, optim, schedule, train =
   scute.best_practices, scute.cli, scute.data, scute.experiment, scute.optim, scute.schedule, scute.train

local opt = cli.parse(arg, "Fine-tune with and without each best practice", best_practices.flags)
local constant = schedule.constant()
local stepped = schedule.step { every = opt.epochs / 3, gamma = 0.1 }
local warm = schedule.warmup_cosine { warmup = opt.warmup_epochs }

-- What varies. A row: its name for --only, what is different in it, and that difference from the first row.
local rows = best_practices.rows {
   { "all", "all practices", { schedule = warm, unfreeze = opt.unfreeze, patience = opt.patience,
      weight_decay = opt.weight_decay, dropout = opt.dropout, label_smoothing = opt.label_smoothing,
      precision = opt.precision } },
   { "constant", "a constant rate", { schedule = constant } },
   { "step", "a tenth of the rate after each third", { schedule = stepped } },
   { "at_once", "all layers train from the start", { unfreeze = "all" } },
   { "no_early_stopping", "all epochs, whatever they bring", { patience = 0 } },
   { "no_weight_decay", "weights do not decay", { weight_decay = 0 } },
   { "no_dropout", "no dropout before the head", { dropout = 0 } },
   { "no_label_smoothing", "labels as they are", { label_smoothing = 0 } },
   { "mixed_precision", "half width where it is faster", { precision = "auto" } },
   { "plain", "a constant rate, all at once, nothing else", { schedule = constant, unfreeze = "all", patience = 0,
      weight_decay = 0, dropout = 0, label_smoothing = 0 } },
}
local trial = best_practices.options(opt, rows) -- of scute.experiment: rows, seeds, folder, ...

-- What is held fixed: photos and their split, seeds, augmentation, and all that a row does not say.
trial.set = data.open(opt.data_dir, data.options(opt))
function trial.run(row, context)
   local model = best_practices.model(opt, context.set.classes, row.dropout)
   local run = context.options(opt)
   run.optimizer = optim.adamw(model:groups { lr = optim.layer_decay(model, opt.learning_rate, 1,
      opt.head_learning_rate) }, { weight_decay = row.weight_decay })
   run.unfreeze, run.schedule, run.early_stop = row.unfreeze, row.schedule, row.patience
   run.label_smoothing, run.precision = row.label_smoothing, row.precision
   return train.fit(model, context.set, run)
end

best_practices.tell(experiment(trial), rows)
