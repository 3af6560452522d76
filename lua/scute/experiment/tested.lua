-- What a finished run says of photos that chose nothing: those of an outer fold, or those that the set has to test. Its model
-- is the one of its best epoch, as it lies on disk.
local answers = require "scute.train.answers"
local console = require "scute.base.console"
local digest = require "scute.data.digest"
local as_text = require "scute.data.as_text"
local measured = require "scute.experiment.measured"
local measures = require "scute.train.measures"
local metrics = require "scute.metrics"
local named = require "scute.metrics.named"
local record = require "scute.experiment.record"
local same_list = require "scute.base.same_list"
local sample = require "scute.experiment.sample"
local scute = require "scute"
local score = require "scute.score"
local split_file = require "scute.data.split_file"

local tested = {}

-- ---- photos ----

-- The digests of what trained and validated in a run.
local function known_to(folder)
   local known = digest.set()
   for _, entry in ipairs(split_file.read(folder .. "/" .. split_file.NAME) or {}) do
      if entry.digest then known:add(entry.digest) end
   end
   return known
end

-- Without copies of photos that trained or validated: they are not new to the model.
local function unseen(part, folder)
   if part.samples then return part end
   local known, kept, copies = known_to(folder), as_text.part { paths = {}, labels = {} }, {}
   for i, path in ipairs(part.paths) do
      if known:has(path) then
         copies[#copies + 1] = path
      else
         kept.paths[#kept.paths + 1], kept.labels[#kept.labels + 1] = path, part.labels[i]
      end
   end
   if #copies > 0 then
      console.warn("left out of the test: %s of photos that trained or validated (%s%s)", console.count(#copies, "copy",
         "copies"), copies[1], #copies > 1 and ", ..." or "")
   end
   if #kept.paths == 0 then console.fail "test: all photos to test are copies of photos that trained or validated" end
   return kept
end

-- ---- the model ----

local function model_of(path, set)
   local model = console.guard("test", scute.models.load, path)
   if not same_list(model.classes, set.classes) then console.fail("test: %s is a model for other classes", path) end
   return model
end

-- What it says of all photos of a part, as train.fit keeps it of those that validate.
local function ask(model, part, trained)
   local kept = answers.new()
   score(model:to(trained.device or "cpu"), part, { want = { "logits" }, device = trained.device, precision = trained.precision,
      each = function(batch) kept:add(batch) end })
   local found = answers.of { best = { answers = kept }, set = { val = part } }
   return found and #found > 0 and found or console.fail "test: none of the photos to test can be read"
end

-- ---- figures ----

-- The figure of a metric f of all answers.
local function figure_of(said, f)
   local ok, value = measures.ask(f, { truth = said.labels, predicted = said.predicted, paths = said.photos,
      classes = said.classes, logits = said.logits,
      confusion = metrics.confusion(said.classes):add(said.predicted, said.labels) })
   if not ok then error(value, 0) end
   return value
end

--- The record of a test. job: of the kind "test"; set: its photos, with those to test; trained: the record of the run; own: the
-- options of train.fit { metrics, criterion } that only `run` of the script knows, or nil.
function tested.of(job, set, trained, own)
   local folder = job.trial .. "/" .. trained.model
   local part = unseen(set.test, folder)
   local model = model_of(folder .. "/best.safetensors", set)
   local said_of = ask(model, part, trained)
   local found, losses = record.columns(said_of)
   local said = { labels = found.labels, predicted = found.predicted, photos = found.photos, classes = set.classes,
      logits = said_of.logits:to "cpu" }
   if own and own.criterion then losses = measured.own_losses(own, said) end
   local f = measured.function_of(own, job.metric)
   found.values = measured.values(said, losses, job.metric, f)
   found.figures = { accuracy = sample.mean(found.values.accuracy), loss = losses and sample.mean(losses),
      balanced = figure_of(said, named.get "balanced") }
   if f then found.figures[job.metric] = figure_of(said, f) end
   found.state, found.model, found.classes, found.split = "tested", trained.model, set.classes, set.split
   measured.check(found, job.metric, "the photos to test")
   return found
end

return tested
