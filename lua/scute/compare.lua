-- Exercise 3, what its script calls beside scute.experiment: the flags, the architectures as variants with the weights that
-- they start from, which of them get a rank, and the block of results as the course prints it.
local scute = require "scute"
local cli = require "scute.cli"
local console = require "scute.base.console"
local experiment = require "scute.experiment"
local names = require "scute.compare.names"
local plan = require "scute.experiment.plan"
local process = require "scute.experiment.process"
local starts = require "scute.compare.starts"

local compare = { block = require "scute.compare.block" }

local RANDOM = "random weights"

-- ---- flags ----

-- A check of a flag's text that keeps the text.
local function checked(check)
   return function(text)
      check(text)
      return text
   end
end

local function flags()
   local list = {
      cli.changed("data_dir", { unless = "report_only" }),
      { "models", read = checked(names.select), default = "resnet18,resnet50,efficientnet_b0,efficientnet_b3", value = "LIST",
        suggests = scute.models.list, resume = "free",
        help = "names, with commas between them; * stands for any text, as in resnet*" },
      { "protocol", choices = { "frozen", "finetune" }, default = "frozen",
        help = "train the new head alone, or all layers" },
      experiment.changed("budget", { default = "epochs=10", show = false }),
      experiment.changed("folds", { excludes = { "seeds", "split_csv", "val_fraction" },
         why = "every photo validates once, in one of the folds" }),
      experiment.changed("output_dir", { default = "comparisons" }),
      { "weights", read = checked(starts.check), default = "imagenet", value = "imagenet|none|MODEL=FILE,...",
        suggests = { "imagenet", "none" }, resume = "free",
        help = "where backbones start: the official weights, all from random numbers, or files for some (official ones for "
           .. "the rest); without a file at hand a model starts from random numbers and gets no rank" },
      { "augment", read = checked(scute.augment.parse), value = "DESCRIPTION",
        suggests = scute.augment.PRESETS, show = "none with frozen, light with finetune",
        default = function(opt) return opt.protocol == "frozen" and "none" or "light" end,
        help = "of training photos: none, light, standard, strong, and settings as in light,flip=0" },
      cli.changed("learning_rate", { show = "0.003 with frozen, 0.0001 with finetune (new head 10 times that)",
         default = function(opt) return opt.protocol == "frozen" and 0.003 or 0.0001 end }),
   }
   local own = cli.pick(experiment.flags, "seeds", "nested", "jobs", "timeout", "memory", "resume", "overwrite", "report_only",
      "tensorboard", "profile", "quiet")
   table.move(own, 1, #own, #list + 1, list)
   local rest = cli.pick(cli.common, "batch_size", "weight_decay", "warmup_epochs", "val_fraction", "split_csv", "layout",
      "seed", "image_size", "on_bad_image", "workers", "threads", "device", "precision", "deterministic")
   return table.move(rest, 1, #rest, #list + 1, list)
end

--- The flags of the exercise, as cli.parse takes them.
compare.flags = flags()

-- ---- what is compared ----

local function told(model, start)
   local from = start.path or start.weights == "scratch" and "random numbers"
      or "random numbers, so without a rank: " .. start.note
   console.line("   %-16s starts from %s", names.show(model), from)
end

-- The variants that a plan in the folder has, in the form that scute.experiment takes.
local function planned(folder)
   local made, list = plan.read(folder) or { variants = {} }, {}
   for i, variant in ipairs(made.variants) do
      list[i] = { variant.name }
      for key, value in pairs(variant.options) do list[i][key] = value end
   end
   return list
end

-- Models of the trial that are not asked for this time stay in it.
local function keep_planned(list, folder)
   local here = {}
   for _, variant in ipairs(list) do here[variant.model] = true end
   for _, variant in ipairs(planned(folder)) do
      if not here[variant.model] then list[#list + 1] = variant end
   end
   return list
end

--- The architectures that --models names, as variants of scute.experiment: { name as people write it, model, weights = what it
-- starts from: the sha256 of a file, "random" (there is no such file) or "scratch" (no model has one) }.
function compare.variants(opt)
   local folder = opt.output_dir:gsub("(.)/+$", "%1")
   if process.job() then return planned(folder) end -- which the process that began this one has found out
   local list = {}
   for i, model in ipairs(names.select(opt.models)) do
      local start = starts.of(model, opt.weights)
      list[i] = { names.show(model), model = model, weights = start.weights }
      told(model, start)
   end
   return opt.resume and keep_planned(list, folder) or list
end

--- What a variant starts from, as models.create takes it: the path of its file, or "none".
function compare.pretrained(opt, variant)
   if variant.weights == "random" or variant.weights == "scratch" then return "none" end
   local start = starts.of(variant.model, opt.weights)
   if start.weights ~= variant.weights then
      console.fail("weights: %s is another file than when the comparison was planned", start.path or variant.model)
   end
   return start.path
end

--- Why a variant gets no rank; nil where it does.
function compare.unranked(variant)
   return variant.weights == "random" and RANDOM or nil
end

--- What is alike in all runs, in words.
function compare.fixed(opt)
   if opt.report_only then return {} end
   local protocol = opt.protocol == "frozen" and "frozen backbones" or "all layers train"
   return { { "photos in", opt.data_dir }, { "protocol", protocol },
      { "augmentation", opt.augment }, { "batches", tostring(opt.batch_size) },
      { "learning rate", ("%g"):format(opt.learning_rate) } }
end

return compare
