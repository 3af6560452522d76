-- One run of a comparison, as a process of its own: what it measures is not disturbed by the runs before it, and where it
-- fails, the others go on. Usage: scute worker.lua JOB.json PARENT; see scute.compare.plan for what a job is. Leaves
-- result.json in the job's folder when all went well. Ends with the process PARENT, which started it: a comparison that is
-- killed leaves nobody who trains on in a folder that the next one takes.
local scute = require "scute"
local cli, data, models, optim, schedule, train =
   scute.cli, scute.data, scute.models, scute.optim, scute.schedule, scute.train
local console = require "scute.base.console"
local report = require "scute.report.text"
local budgets = require "scute.experiment.budgets"
local cost = require "scute.experiment.cost"
local fold_of = require "scute.experiment.folds"
local photos = require "scute.experiment.photos"
local plan = require "scute.compare.plan"
local to_json = require "scute.base.json"

local HEAD_FACTOR = 10 -- learning rate of a new head, in rates of the layers before it

local function open_set(job)
   local set = data.open(job.data_dir, { seed = job.split_seed, val_fraction = not job.split_csv and job.val_fraction or nil,
      split_csv = job.split_csv, layout = job.layout,
      of_run = not job.split_csv and job.split_file:match "^(.*)/" or nil })
   photos.hold(set, job.split_file:match "^(.*)/")
   return job.folds and fold_of(set, job.fold, job.folds, job.split_seed) or set
end

local function rates(job, model)
   if job.protocol == "frozen" then return job.learning_rate end
   return optim.layer_decay(model, job.learning_rate, 1, job.learning_rate * HEAD_FACTOR)
end

local function fit(job, set, model)
   if job.protocol == "frozen" then model:freeze "backbone" end
   local budget = budgets.new { epochs = job.epochs, minutes = job.minutes, name = job.model }
   local run = train.options(job)
   run.optimizer = optim.adamw(model:groups { lr = rates(job, model) }, { weight_decay = job.weight_decay })
   run.schedule = budget.schedule or schedule.warmup_cosine { warmup = job.warmup_epochs }
   run.epochs, run.hooks = budget.epochs, budget.hooks
   run.output_dir, run.keep, run.resume = job.folder, 1, job.resume and "auto" or nil
   run.overwrite = true -- the folder is the job's, and there is no result in it
   return train.fit(model, set, run), budget.images_per_second()
end

-- Checkpoints are of use to a run that is not finished; with many runs they would fill a disk.
local function tidy(folder)
   for _, name in ipairs { "checkpoint", "checkpoint-1", "last" } do os.remove(("%s/%s.safetensors"):format(folder, name)) end
end

-- What the model said about each photo that validates: lists of paths, classes and predicted classes, bad photos left out.
local function columns(answers)
   local paths, labels, predicted = {}, {}, {}
   for i, answer in ipairs(answers) do paths[i], labels[i], predicted[i] = answer.path, answer.truth, answer.predicted end
   return { photos = paths, labels = labels, predicted = predicted }
end

local opt = cli.parse(arg, "One run of a comparison", {
   { "job", argument = true, required = true, value = "FILE", help = "what to do, as the comparison wrote it" },
   { "parent", argument = true, required = true, whole = true, value = "PROCESS", help = "the comparison" },
})
console.guard(nil, scute.process.end_with_parent, opt.parent)
local job, why = plan.read_json(opt.job)
if not job then console.fail("%s", why) end
plan.JOB:strict(job)
if job.threads then scute.threads(job.threads) end
scute.manual_seed(job.seed)
local set = open_set(job)
local model = models.create(job.model, { classes = set.classes, pretrained = job.weights_path or "none",
   image_size = job.image_size, log = console.say }):to(job.device)
if model.weights and model.weights.sha256 ~= job.weights then
   console.fail("weights: %s is another file than when the comparison was planned", job.weights_path)
end
local result, images_per_second = fit(job, set, model)
local memory = report.peak_memory()
local seen = columns(result.answers)
local own, published = cost.parameters(model)
console.guard(nil, scute.files.write, job.folder .. "/result.json", to_json {
   _order = { "state", "run", "weights", "parameters", "parameters_1000", "multiply_adds", "image_size", "seconds",
      "images_per_second", "peak_memory", "latency", "best_epoch", "epochs", "split", "curve", "classes", "photos",
      "labels", "predicted" },
   state = "finished", run = job.run, weights = job.weights, parameters = own, parameters_1000 = published,
   multiply_adds = cost.multiply_adds(model, job.device), image_size = model.preprocessing.crop, seconds = result.seconds,
   images_per_second = images_per_second, peak_memory = memory, latency = cost.latency(model, job.device),
   best_epoch = result.best.epoch, epochs = #result.history, split = set.split, curve = budgets.curve(result.history),
   classes = set.classes,
   photos = seen.photos, labels = seen.labels, predicted = seen.predicted,
})
tidy(result.folder)
