-- Exercise 3: which architecture for these photos? The same split, seeds, augmentation and budget for each, and a test that
-- says which differences are real.
--
--    ./scute scripts/compare_architectures.lua --data_dir path/to/dataset --output_dir ./comparisons
local scute = require "scute"
local cli, compare, data, experiment, models, optim, schedule, train =
   scute.cli, scute.compare, scute.data, scute.experiment, scute.models, scute.optim, scute.schedule, scute.train

local opt = cli.parse(arg, "Compare architectures fairly", compare.flags)
local trial = experiment.options(opt) -- seeds or folds, budget, how many runs at once, ...
trial.title = "Comparison of architectures"
trial.set = not opt.report_only and data.open(opt.data_dir, data.options(opt)) or nil

-- What varies: the architecture, each from its own weights.
trial.variants = not opt.report_only and compare.variants(opt) or nil
trial.rank = compare.unranked

-- What is held fixed.
trial.fixed = compare.fixed(opt)
function trial.run(variant, context)
   local model = models.create(variant.model, { classes = context.set.classes, image_size = opt.image_size,
      pretrained = compare.pretrained(opt, variant) }):to(opt.device)
   local rate = opt.learning_rate
   if opt.protocol == "frozen" then
      model:freeze "backbone"
   else
      rate = optim.layer_decay(model, rate, 1, 10 * rate) -- and of the new head ten times that
   end
   local run = context.options(opt)
   run.optimizer = optim.adamw(model:groups { lr = rate }, { weight_decay = opt.weight_decay })
   run.schedule = context.schedule or schedule.warmup_cosine { warmup = opt.warmup_epochs }
   return train.fit(model, context.set, run)
end

local found = experiment(trial)
cli.line("\n%s\n\n%s", compare.block(found), tostring(found))
