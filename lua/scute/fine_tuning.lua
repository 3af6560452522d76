-- Exercise 2, what its script calls: the flags, the model that it starts from, rates by depth, and the comparison with a
-- network trained from scratch.
local scute = require "scute"
local cli, models, optim, schedule, train = scute.cli, scute.models, scute.optim, scute.schedule, scute.train
local class_list = require "scute.base.class_list"
local console = require "scute.base.console"
local metrics = require "scute.metrics"
local tell_groups = require "scute.fine_tuning.tell_groups"

local fine_tuning = {}

-- ---- flags ----

-- Rate of a new head, in rates of the layers before it: beside their 0.0001 that is the 0.003 of Exercise 1.
local HEAD_FACTOR = 30

-- "1e-6,1e-4" -> {1e-6, 1e-4}.
local function read_range(text)
   local low, high = text:match "^%s*([^,%s]+)%s*,%s*([^,%s]+)%s*$"
   low, high = tonumber(low), tonumber(high)
   if not low or not high then error(("expected LOW,HIGH as in 1e-6,1e-4, found '%s'"):format(text), 0) end
   if not (low > 0 and high < math.huge) then error(("expected rates above 0, found '%s'"):format(text), 0) end
   if low > high then error(("the range is empty: %g (of the stem) is above %g (of the head)"):format(low, high), 0) end
   return { low, high }
end

--- The flags of the exercise, as cli.parse takes them.
fine_tuning.flags = cli.flags({
   cli.changed("data_dir", { unless = "list_groups" }),
   cli.changed("model", { default = function(opt) return not opt.from and "resnet50" end,
      show = "resnet50, with --from the file's" }),
   cli.changed("weights", { default = false, show = "imagenet" }),
   { "from", value = "FILE", show = "none", excludes = { "weights", "image_size", "head_init" },
     why = "the file brings weights, classes and preprocessing",
     help = "start from a model that training saved (best.safetensors), with its head, classes and preprocessing" },
   { "unfreeze", default = "gradual", value = "SCHEDULE", suggests = { "gradual", "all", "none", "head" },
     help = "what trains from which epoch on: head,layer4@3,layer3@6; gradual:2 (from the head down, a group every 2 "
        .. "epochs); gradual (evenly over the run); all; none (the head alone)" },
   { "unfreeze_warmup", whole = true, min = 0, default = 0, value = "STEPS",
     help = "steps in which the learning rate of a group that joins rises from zero" },
   cli.changed("learning_rate", { default = 1e-4, show = false, help = "of the layers before the head, after the warmup" }),
   { "head_learning_rate", number = true, above = 0, value = "RATE",
     show = ("%d x learning_rate, with --from learning_rate"):format(HEAD_FACTOR), help = "of the head" },
   { "layer_decay", number = true, above = 0, max = 1, default = 1, value = "FACTOR",
     help = "each group towards the stem has this times the learning rate of the one after it, as 0.75" },
   { "lr_range", read = read_range, value = "LOW,HIGH", show = "none",
     help = "learning rates from the stem's to the head's, spread geometrically, as 1e-6,1e-4",
     excludes = { "learning_rate", "head_learning_rate", "layer_decay" }, why = "each says the learning rates" },
   { "batch_norm", choices = { "eval", "train_affine", "train" }, default = "eval",
     help = "batch norm of frozen layers: as it is; its scale and shift train; its statistics go on" },
   cli.changed("augment", { default = "light", show = false }),
   { "baseline", flag = true, excludes = { "lr_find" }, why = "that trains nothing to compare", resume = "free",
     help = "first train baseline_cnn from scratch on the same split, and compare" },
   { "list_groups", flag = true, resume = "free", help = "print the groups of the model and their learning rates, and stop" },
}, { "freeze_backbone" })

-- ---- where it starts ----

local function difference(list, other)
   local seen, missing = {}, {}
   for _, name in ipairs(other) do seen[name] = true end
   for _, name in ipairs(list) do
      if not seen[name] then missing[#missing + 1] = "'" .. name .. "'" end
   end
   local text = table.concat(missing, ", ", 1, math.min(5, #missing))
   return #missing > 0 and text .. (#missing > 5 and (" and %d more"):format(#missing - 5) or "") or "none"
end

-- The model learns on with the classes in the order of the photos; others than it knows are a failure.
local function take_classes(path, model, found)
   local known = model.classes
   local fit = class_list.compare(known, found)
   if fit == "another order" then
      model:order_classes(found)
      console.line("from %s: it knows the classes in another order; the rows of its head are put in that of the photos", path)
   end
   if fit ~= "other" then return end
   console.fail("from: %s knows %d classes and the photos have %d; only in the model: %s; only in the photos: %s. To learn "
      .. "other classes start from its backbone: --weights %s", path, #known, #found, difference(known, found),
      difference(found, known), path)
end

local function load_from(path, wanted)
   local file <close> = console.guard("from", scute.weights.open_file, path)
   local model = console.guard("from", models.load, file)
   if wanted and model.arch ~= wanted then
      console.fail("from: %s is a %s, and --model says %s; leave --model out", path, model.arch, wanted)
   end
   model.weights = { path = path, sha256 = file:sha256() }
   console.line("from %s: %s with its head for %s", path, model.arch, console.count(#model.classes, "class", "classes"))
   return model
end

--- The model that the options ask for: from a file that training saved, whose classes must be `classes`, or an
-- architecture with pretrained weights and a new head.
function fine_tuning.model(opt, classes)
   if opt.from then
      local model = load_from(opt.from, opt.model)
      if classes then take_classes(opt.from, model, classes) end
      return model:to(opt.device)
   end
   return models.create(opt.model, { classes = classes, pretrained = opt.weights or "imagenet",
      head_init = opt.head_init, image_size = opt.image_size, log = console.say }):to(opt.device)
end

--- Learning rate by group, as the options say.
function fine_tuning.rates(opt, model)
   if opt.lr_range then return optim.lr_range(model, opt.lr_range[1], opt.lr_range[2]) end
   local head = opt.head_learning_rate or opt.learning_rate * (opt.from and 1 or HEAD_FACTOR)
   return optim.layer_decay(model, opt.learning_rate, opt.layer_decay, head)
end

--- Prints the groups of the model as they stand in the first epoch. Needs neither photos nor weights.
function fine_tuning.print_groups(opt)
   local model = opt.from and load_from(opt.from, opt.model) or models.create(opt.model)
   tell_groups(model, opt, fine_tuning.rates)
end

-- ---- the baseline ----

-- What of the options the baseline leaves at its defaults: it is plain training from scratch.
local NOT_OF_THE_BASELINE = { "accumulate", "best_by", "cache_features", "clip_norm", "cutmix", "early_stop", "ema", "keep",
   "label_smoothing", "mixup", "save_every", "save_steps", "unfreeze" }

--- Trains baseline_cnn from scratch on the same split with the same epochs and augmentation. Returns what train.fit does.
function fine_tuning.baseline(opt, set)
   console.line "baseline: baseline_cnn from scratch"
   local model = models.create("baseline_cnn", { classes = set.classes, image_size = opt.image_size }):to(opt.device)
   local run = train.options(opt)
   run.optimizer = optim.adamw(model:groups { lr = 1e-3 }, { weight_decay = opt.weight_decay })
   run.schedule = schedule.warmup_cosine { warmup = opt.warmup_epochs }
   for _, name in ipairs(NOT_OF_THE_BASELINE) do run[name] = nil end
   run.resume = opt.resume == "auto" and "auto" or nil
   return train.fit(model, set, run)
end

--- Prints the accuracies of results of train.fit on one split: list of {name, result}, each with its 95 % interval.
function fine_tuning.compare(set, list)
   console.line("\naccuracy on %d photos that did not train, with 95 %% interval; split: %s", #set.val.paths, set.split)
   local chosen = false
   for _, entry in ipairs(list) do
      local confusion = entry[2].confusion
      chosen = chosen or #entry[2].history > 1
      local low, high = metrics.interval(confusion:right(), confusion.total)
      console.line("   %-16s %.3f  (%.3f to %.3f)", entry[1], confusion:accuracy(), low, high)
   end
   if chosen then console.line "   the epochs were chosen on the same photos, so these are optimistic" end
end

return fine_tuning
