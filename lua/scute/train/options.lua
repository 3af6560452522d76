-- What train.fit takes: every option of training, declared here and nowhere else. Those that a text can say are flags of the
-- exercises too (see scute.cli), and what a resumed run has to agree on is told by them (see scute.train.identity).
--
-- Beside what scute.base.options says an entry may have
--   in_run             the field of a run that holds it, where that is another name
--   as_flag            what differs on a command line: its name first, then fields
--   script_only        true: it is no flag
local augment = require "scute.augment"
local options = require "scute.base.options"
local named = require "scute.metrics.named"
local part_text = require "scute.base.part_text"
local plain_text = require "scute.base.plain_text"
local precision = require "scute.base.precision"
local sampler = require "scute.sampler"
local schedule = require "scute.schedule"
local class_weights = require "scute.train.class_weights"
local augmenting = require "scute.train.augmenting"
local average = require "scute.train.average"
local exact = require "scute.train.exact"
local figures = require "scute.train.figures"
local hooks = require "scute.train.hooks"
local measures = require "scute.train.measures"
local sampling = require "scute.train.sampling"
local stopping = require "scute.train.stopping"

local DEVICES = { "cpu", "cuda", "auto", "ref" }

-- "auto", "off" or a number of views.
local function read_cache(text)
   local views = text:find "^%d+$" and math.tointeger(tonumber(text))
   if text == "auto" or text == "off" or views and views > 0 then return views or text end
   error(("expected auto, off or a whole number of views of at least 1, found '%s'"):format(text), 0)
end

-- The name as it is written; whether there is such a device is told where it is used.
local function read_device(text)
   for _, known in ipairs(DEVICES) do
      if text == known then return text end
   end
   if text:find "^cuda:%d+$" then return text end
   error(("expected cpu, cuda, cuda:N, auto or ref, found '%s'%s"):format(text, options.hint(text, DEVICES)), 0)
end

-- Of several processes each has a GPU of its own, and it does not matter which.
local function device_text(value, run)
   return run.shared and value:find "^cuda" and "cuda:0" or value
end

local function is_patience(value)
   return type(value) == "table" or type(value) == "number" and math.tointeger(value) ~= nil and value >= 0
end

local function is_schedule(value)
   return type(value) == "function" or options.has "factor"(value)
end

local function is_loss(value)
   return type(value) == "function" or (getmetatable(value) or {}).__call ~= nil
end

-- What run.json can hold: no function, no tensor, nothing that holds itself.
local function is_plain(value)
   return type(value) == "table" and (pcall(exact.check, value))
end

-- A loss of the script's by its name and settings; a mere function has neither.
local function loss_text(value)
   if type(value) ~= "table" then return "a function" end
   local described = options.has "describe"(value) and " " .. tostring(value:describe()) or ""
   return (value.name or "a function") .. described
end

-- The names of a run's metrics: what a function computes cannot be compared.
local function metrics_text(list)
   local names = {}
   for i, metric in ipairs(list) do names[i] = metric.name .. (metric.lower and " (less is better)" or "") end
   return #names > 0 and table.concat(names, ", ") or nil
end

local function tell_metrics(list)
   return metrics_text(list) or "none"
end

local function described(value)
   return value:describe()
end

-- ---- what people are told ----

-- A function of the script's is told by its place, which does not tell two runs apart: it moves as the file is edited.
local function tell_schedule(value)
   local text = options.has "describe"(value) and value:describe(nil, part_text.place) or part_text.of(value)
   return (text:gsub(" {  }", ""))
end

local function tell_unfreezing(plan, run)
   if plan then return plan:tell() end
   local trains, frozen = {}, {}
   for _, group in ipairs(run.model:groups()) do
      local list = group.trainable > 0 and trains or frozen
      list[#list + 1] = group.name
   end
   if #frozen == 0 then return "everything trains from the start" end
   return ("%s from the start; frozen: %s"):format(table.concat(trains, ", "), table.concat(frozen, ", "))
end

local function tell_hooks(list)
   return list and #list > 0 and part_text.of(list) or "none"
end

-- Of a preset its name too.
local function tell_description(value)
   local text = part_text.of(value)
   for _, name in ipairs(augment.PRESETS) do
      if plain_text(augment.preset(name)) == plain_text(value) then
         return name .. (next(value) and ": " .. text or "")
      end
   end
   return text
end

local function tell_augmentation(value)
   if not value then return "none" end
   local words = {}
   if next(value.description) or #value.functions == 0 then words[1] = tell_description(value.description) end
   for _, entry in ipairs(value.functions) do
      words[#words + 1] = ("%s (%s)"):format(entry.name, part_text.place(entry.apply))
   end
   return table.concat(words, ", then ")
end

return options.declare("train.fit", {
   { "optimizer", required = true, script_only = true, is = options.has "step", expected = "an optimizer of scute.optim",
     identity = described, help = "what moves the weights; its groups' rates are what the schedule scales" },
   { "schedule", read = schedule.parse, script_only = true,
     is = options.typed(is_schedule, "function", "table"), examine = schedule.of,
     expected = "a schedule of scute.schedule, its name, or a function f(step, epoch), also as factor of a table",
     show = "constant", identity = function(value) return value.name end, told = tell_schedule,
     help = "of scute.schedule, a text as 'cosine', or a function f(step, epoch) -> factor on the rates, both from 1; a table "
        .. "with it may have more, see schedule.custom" },
   { "unfreeze", script_only = true, is = options.of_type("string", "table"),
     expected = "a plan of scute.train.unfreeze, or its text", identity = described, told = tell_unfreezing,
     help = "what trains from which epoch on: a text or a table as scute.train.unfreeze has them, or a plan" },
   { "loss", script_only = true, in_run = "criterion",
     is = options.typed(is_loss, "function", "table"), expected = "a function f(logits, y)",
     show = "the cross entropy", identity = loss_text,
     help = "in place of the cross entropy: f(logits (n, classes), y (n) class numbers from 1) -> the mean over the photos; "
        .. "validation uses it too" },
   { "hooks", {}, in_run = "own_hooks", script_only = true, resume = "free", told = tell_hooks,
     is = options.of_type "table", expected = "a list of hooks", examine = hooks.check,
     help = "a list of hooks of your own, see scute.train.hooks" },
   { "arguments", {}, script_only = true, resume = "free", is = options.typed(is_plain, "table"),
     expected = "a table of texts, numbers, booleans and tables of these",
     help = "what the script was told, for run.json" },
   { "output_dir", text = true, resume = "free", value = "PATH", as_flag = { "output_dir", default = "models" },
     help = "where <model>/best.safetensors and the history go" },
   { "overwrite", flag = true, default = false, resume = "free",
     help = "drop the run that lies in the output folder already, instead of moving it aside" },
   { "epochs", whole = true, min = 1, default = 10, resume = "longer", synonyms = { "num_epochs", "n_epochs" },
     help = "passes over the training photos; a run that goes on (--resume auto) may be given more" },
   { "batch_size", whole = true, min = 1, default = 32, synonyms = { "bs" }, help = "photos per step" },
   { "accumulate", whole = true, min = 1, default = 1, help = "batches to one update of the weights" },
   { "label_smoothing", number = true, min = 0, below = 1, default = 0,
     help = "share of the target spread over all classes, in training" },
   { "sampler", read = sampler.parse, keep_text = true, value = "balanced|identities=PxK",
     suggests = { "balanced", "identities" },
     is = options.typed(sampling.is_sampler, "function", "table"), show = "each photo once", identity = sampling.describe,
     expected = "balanced, identities, a sampler ({ name, indices = f }), a list of numbers, or a function f(epoch, draw, "
        .. "part)",
     help = "which photos train in an epoch, and how often each: balanced (each class as often), "
        .. "identities=PxK (batches of P classes with K photos each), or see scute.sampler" },
   { "class_weights", read = class_weights.parse, keep_text = true, is = options.of_type "table", show = "none",
     examine = class_weights.examine, identity = class_weights.describe, told = class_weights.tell,
     value = "balanced|CLASS=W,...", suggests = { "balanced" },
     expected = "balanced, or a table of weights by class",
     help = "how much a photo of each class counts in the cross entropy, in training: balanced (photos / (classes * photos of "
        .. "the class)), or weights, 1 where none is said" },
   { "mixup", number = true, min = 0, default = 0, value = "ALPHA",
     help = "blend photos with one another, 0.2 say; 0: do not" },
   { "cutmix", number = true, min = 0, default = 0, value = "ALPHA",
     help = "put parts of photos into one another, 1 say; 0: do not" },
   { "ema", is = options.of_type("number", "table"), expected = "a decay of at least 0 and below 1", show = "none",
     examine = average.read, as_flag = { "ema", number = true, above = 0, below = 1, value = "DECAY" },
     help = "moving average of the weights, 0.999 say, evaluated each epoch and saved beside: ema.safetensors, and "
        .. "best_ema.safetensors of its best epoch" },
   { "clip_norm", number = true, above = 0, value = "NORM", show = "none", help = "longest gradient; a longer one is scaled" },
   { "clip_value", number = true, above = 0, show = "none",
     help = "largest entry of a gradient, up or down; what is beyond is cut" },
   { "early_stop", 0, is = options.typed(is_patience, "integer", "table"),
     expected = "a patience in whole epochs of at least 0, or a table", takes = stopping.OPTIONS,
     examine = measures.examine_stop,
     synonyms = { "patience" },
     as_flag = { "patience", whole = true, min = 0, synonyms = { "early_stop" },
        help = "stop after so many epochs without a better one, as best_by tells them apart; 0: never" },
     help = "stop after so many epochs without a better one, as best_by tells them apart, 0: never; or a table, see "
        .. "scute.train.stopping" },
   { "metrics", {}, read = named.parse, keep_text = true, is = options.of_type "table", suggests = named.NAMES,
     expected = "a table of functions by name, and names of metrics", examine = measures.examine, identity = metrics_text,
     told = tell_metrics, value = "NAMES", show = "none",
     help = "more numbers about the photos that validate: names as in f1,top2 (f1, precision and recall averaged over classes, "
        .. "balanced, top2, top3, ...); in scripts yours too, { cost = f }, see docs/parts/metric.md" },
   { "best_by", text = true, suggests = figures.KNOWN, default = "accuracy", synonyms = { "monitor", "eval_metric" },
     examine = measures.examine_best, value = "FIGURE",
     as_flag = { "best_by", read = figures.parse_best, synonyms = { "monitor", "eval_metric" } },
     help = "by which validation figure an epoch is the best, whose weights are kept: accuracy, balanced (averaged over the "
        .. "classes), loss, or a metric" },
   { "augment", read = augment.parse, keep_text = true, is = augmenting.is, value = "DESCRIPTION", show = "none",
     examine = augmenting.of, suggests = augment.PRESETS, in_run = "augmentation",
     identity = described, told = tell_augmentation,
     expected = "a description as scute.augment.preset \"light\" returns it, a function(x, draw), or a list of these",
     help = "of training photos: none, light, standard, strong, and settings as in light,flip=0,jitter=0.2; in a script also "
        .. "f(x, draw) -> x on batches (N, C, H, W), or a list of these, see scute.train.augmenting" },
   { "seed", whole = true, min = 0, max = options.MAXSEED, default = 0, help = "what is drawn at random depends on it alone" },
   { "cache_features", read = read_cache, default = "auto", value = "auto|off|K", suggests = { "auto", "off" },
     is = options.typed(function(value) return math.type(value) == "integer" and value > 0 end, "integer"),
     expected = "auto, off or a number of views of at least 1",
     help = "compute what a frozen backbone says about each photo once, instead of in every epoch; K: about K augmented "
        .. "views of it" },
   { "on_bad_image", choices = { "skip", "error" }, default = "skip", help = "leave a photo that cannot be read out, or stop" },
   { "resume", text = true, resume = "free", value = "auto|PATH", suggests = { "auto" }, show = "from the start",
     help = "go on where a run stopped, from the newest checkpoint in the output folder (if there is one) or from a file" },
   { "save_every", number = true, above = 0, default = 10, resume = "free", value = "MINUTES",
     help = "time between checkpoints within an epoch" },
   { "save_steps", whole = true, min = 1, resume = "free", value = "STEPS", show = "none",
     help = "a checkpoint every so many steps, whatever it costs" },
   { "keep", whole = true, min = 1, max = 1000, default = 2, resume = "free", value = "K", help = "checkpoints on disk" },
   { "tensorboard", flag = true, default = false, resume = "free",
     help = "also write a TensorBoard event file into the output folder" },
   { "workers", whole = true, min = 0, max = 256, resume = "free",
     show = "2; on a GPU as many as there are processors, at most 8", help = "threads that decode photos" },
   { "device", read = read_device, suggests = DEVICES, default = "cpu", value = "NAME", identity = device_text,
     help = "where to compute: cpu; cuda, or cuda:1 for the second GPU; auto: a GPU where one answers, else the CPU; ref: "
        .. "slow and plain, for checks" },
   { "precision", choices = precision.NAMES, default = "auto",
     help = "what the network computes in; auto: bf16 where the device computes in it (on a CPU where batches are not tiny), "
        .. "fp16 on older GPUs with tensor cores, else fp32; fp32_strict: fp32 whose convolutions a GPU does not round to "
        .. "TF32" },
   { "sync_batch_norm", flag = true, default = false,
     help = "of several processes (--nproc): batch norm that trains takes its statistics of the photos of all of them, as one "
        .. "process does, not of each process's own" },
   { "deterministic", flag = true, default = false,
     help = "on a GPU only algorithms that give the same bits at every run, none chosen by timing; a CPU repeats its bits "
        .. "anyway, with as many threads" },
   { "ordered", flag = true, default = false, excludes = { "sync_batch_norm" },
     why = "in an ordered run a batch norm that trains sees one part of a batch",
     help = "the same bits with any number of processes that have as many threads each: a batch is cut into parts, each is "
        .. "computed by itself, and they are added in their order" },
   { "parts", whole = true, min = 1, max = 1024, needs = "ordered", in_run = "in_parts", show = "4",
     default = function(given) return given.ordered and 4 or nil end, told = function(value) return value or "none" end,
     help = "with ordered: parts of a batch, at least one for each process" },
})
