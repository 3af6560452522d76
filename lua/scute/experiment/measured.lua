-- What a run of an experiment came to: figures of its best epoch, answers photo by photo, and what it cost.
local cost = require "scute.experiment.cost"
local console = require "scute.base.console"
local criterion = require "scute.train.criterion"
local figures = require "scute.train.figures"
local kept_random = require "scute.base.kept_random"
local may_be = require("scute.experiment.metric").may_be
local named = require "scute.metrics.named"
local record = require "scute.experiment.record"
local report = require "scute.report.text"
local sample = require "scute.experiment.sample"
local shares = require "scute.experiment.shares"

local measured = {}

-- ---- figures ----

local function figures_of(run, row)
   local found = { accuracy = row.val_accuracy, loss = row.val_loss, balanced = row.balanced }
   for _, metric in ipairs(run.metrics) do found[metric.name] = row[metric.name] end
   return found
end

local function curve_of(run)
   local curve = {}
   for i, row in ipairs(run.history) do
      curve[i] = { epoch = row.epoch, val_accuracy = row.val_accuracy, val_loss = row.val_loss,
         train_accuracy = row.train_accuracy, train_loss = row.train_loss, balanced = row.balanced }
      for _, metric in ipairs(run.metrics) do curve[i][metric.name] = row[metric.name] end
   end
   return curve
end

--- The function of a metric of a run (nil: of none), where photos may have a share in it; nil where each has a value of its
-- own.
function measured.function_of(run, name)
   if name == "accuracy" or name == "loss" then return nil end
   for _, metric in ipairs(run and run.metrics or {}) do
      if metric.name == name then return metric.f end
   end
   return named.get(name)
end

--- Losses of answers as a loss of the script's judges them.
function measured.own_losses(run, said)
   return shares.of_loss(said, function(logits, y) return criterion.loss(run, logits:to(run.device), y:to(run.device)) end)
end

--- Each photo's share in the figures that variants are compared by, by name. said: see scute.experiment.shares; losses: of the
-- answers, nil where they have none; f: the metric where it is neither the accuracy nor the loss.
function measured.values(said, losses, metric, f)
   return { accuracy = shares.of_accuracy(said), loss = losses, [metric] = f and shares.of_metric(said, f)
      or metric == "accuracy" and shares.of_accuracy(said) or metric == "loss" and losses or nil }
end

-- Whether less is better of the metric that variants are compared by, as the run says whose result it is, else the job; nil
-- where more is.
local function is_lower(fit, job)
   if not fit then return job.lower or nil end
   return figures.is_lower_better(fit.run, job.metric) or nil
end

--- Fails where the figure that counts is no number, which no comparison could use: told as the failure of this run alone.
-- Others are left out. of: of what it is the figure; so: what that means, as ": the run diverged".
function measured.check(found, metric, of, so)
   local value = found.figures[metric]
   if value ~= value or value == math.huge or value == -math.huge then
      console.fail("the %s of %s is no number (%s)%s", metric, of, tostring(value), so or "")
   end
   for name, each in pairs(found.figures) do
      if each ~= each or math.abs(each) == math.huge then
         found.figures[name] = nil
      elseif not may_be(name, each) then
         console.fail("the metric '%s' is a share, from 0 to 1, found %g; call it otherwise", name, each)
      end
   end
end

-- ---- costs ----

-- What a model costs, as far as it can be told: a network of one's own may be none that 1000 classes can be made of.
local function costs_of(run)
   local model, random <close> = run.model, kept_random() -- luacheck: ignore
   local known = { parameters = model:num_parameters(), trainable = model:num_parameters(true),
      image_size = not run.set.samples and model.preprocessing.crop or nil }
   local function try(name, f, ...)
      local ok, value = pcall(f, ...)
      known[name] = ok and value or nil
   end
   try("parameters_1000", function() return select(2, cost.parameters(model)) end)
   try("multiply_adds", cost.multiply_adds, model, run.device, run.set)
   try("latency", cost.latency, model, run.device, run.set)
   return known
end

-- ---- all of it ----

local function add(found, more)
   for name, value in pairs(more) do found[name] = value end
end

-- What train.fit leaves, of the run whose result counts or of the last one.
local function of_training(found, job, done, fit)
   local run = fit.run
   add(found, { epochs = #run.history, updates = run.step, device = run.device, precision = run.precision,
      images_per_second = done.images_per_second, architecture = run.model.arch,
      weights = run.model.weights and run.model.weights.sha256 or "random",
      curve = curve_of(run), model = fit.result.folder:sub(#job.trial + 2) })
   if not done.paused then add(found, costs_of(run)) end
end

local function of_fit(found, job, fit)
   local run, result = fit.run, fit.result
   found.figures, found.best_epoch = figures_of(run, result.best), result.best.epoch
   found.stopped, found.seconds = result.stopped, result.seconds
   local columns, losses = record.columns(result.answers)
   add(found, columns)
   local said = { labels = columns.labels, predicted = columns.predicted, photos = columns.photos, classes = run.set.classes,
      logits = result.answers.logits:to "cpu" }
   if run.criterion then losses = measured.own_losses(run, said) end
   found.values = measured.values(said, losses, job.metric, measured.function_of(run, job.metric))
end

-- A figure of the script's own that its answers tell too is the same one.
local function settle(own, name, values)
   local told = values and sample.mean(values)
   if told and own[name] and math.abs(told - own[name]) > 1e-4 * math.max(1, math.abs(told)) then
      console.fail("run: its figures say %s %g, and its answers %g", name, own[name], told)
   end
   own[name] = own[name] or told
end

-- What `run` says itself.
local function of_own(found, job, set, result)
   found.figures = {}
   add(found.figures, rawget(result, "figures") or {})
   local answers = rawget(result, "answers")
   if not answers then return end
   local columns, losses = record.columns(answers)
   local said = { labels = columns.labels, predicted = columns.predicted, photos = columns.photos, classes = set.classes }
   add(found, columns)
   found.values = measured.values(said, losses, job.metric, measured.function_of(nil, job.metric))
   settle(found.figures, "accuracy", found.values.accuracy)
   settle(found.figures, "loss", losses)
end

--- The record of a run but for what its job says. set: its photos; done: { result = what `run` returned, fits = what train.fit
-- did in it as {run, result}, fit = the one of them whose result it is, paused, seconds, images_per_second }.
function measured.of(job, set, done)
   local found = { state = done.paused and "paused" or "finished", split = set.split, classes = set.classes,
      seconds = done.seconds, peak_memory = report.peak_memory(), epochs = 0, updates = 0 }
   local fit = done.fit or done.fits[#done.fits]
   if done.fit then of_fit(found, job, fit) else of_own(found, job, set, done.result) end
   if fit then of_training(found, job, done, fit) end
   found.lower = is_lower(done.fit, job)
   measured.check(found, job.metric, "the best epoch", ": the run diverged")
   return found
end

return measured
