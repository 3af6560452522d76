-- How good a model is on photos that it did not learn from: which photos, what the model says about each, and the numbers, with
-- what they are worth. The parts are in evaluate/.
local scute = require "scute"
local as_text = require "scute.evaluate.as_text"
local console = require "scute.base.console"
local crops = require "scute.data.crops"
local joined = require "scute.base.joined"
local options = require "scute.base.options"
local precision = require "scute.base.precision"
local score = require "scute.score"
local surplus = require "scute.base.surplus"

local evaluate = {}

local SMALLEST = 2.220446049250313e-16 -- probabilities below it count as it in the log loss, as scikit-learn's do

--- What the numbers mean, as --help says it.
evaluate.MEANING = [[
What the numbers mean:
   accuracy           share of photos whose most likely class is the true one
   its interval       95 %: photos are drawn anew with repetition, as many as there are, up to
                      2000 times; 95 % of the accuracies found so lie in it (percentile
                      bootstrap). Wilson's interval where all or none are right.
   top-5 accuracy     share of photos whose true class is among the five most likely ones
   balanced accuracy  recall of each class that has photos, averaged over these classes
   precision, recall  of a class: which share of what was said to be it is right, and of what
                      is it; 0 where there is nothing
   F1                 2 * precision * recall / (precision + recall)
   macro, weighted    averages over the classes that have photos or were said: each class
                      the same, or each photo
   log loss           -log of the probability of the true class, averaged over the photos
   calibration error  photos in 15 equal ranges of how sure the model was: how far its mean
                      probability and its accuracy lie apart, averaged over the photos
                      (expected calibration error, Guo et al. 2017)
   of several models  each looks at the photos that trained none of them; a paired test of
                      right answers, and of losses, says which differences are real, with
                      intervals that hold together for all pairs at 95 %]]

-- ---- one photo ----

--- What is kept of one photo. probabilities: of every class. truth: its class number. Returns { truth, predicted, confidence,
-- truth_probability, rank = place of the truth among the classes, loss }.
function evaluate.record(probabilities, truth)
   local best, rank = 1, 1
   local own = probabilities[truth]
   for i, p in ipairs(probabilities) do
      if p > probabilities[best] then best = i end
      if p > own or p == own and i < truth then rank = rank + 1 end
   end
   return { truth = truth, predicted = best, confidence = probabilities[best], truth_probability = own, rank = rank,
      loss = -math.log(math.max(own, SMALLEST)) }
end

-- The model's number of each of the data's classes.
local function match_classes(model, classes)
   local numbers, of = {}, {}
   for i, name in ipairs(model.classes) do of[scute.nfc(name)] = i end
   for i, name in ipairs(classes) do
      if not of[scute.nfc(name)] then
         local near = scute.nearest(name, model.classes)
         console.fail("data_dir: the model has no class '%s'%s; it knows %s: %s", name,
            near and (" (did you mean '%s'?)"):format(near) or "", console.count(#model.classes, "class", "classes"),
            table.concat(model.classes, ", ", 1, math.min(8, #model.classes)) .. (#model.classes > 8 and ", ..." or ""))
      end
      numbers[i] = of[scute.nfc(name)]
   end
   return numbers
end

local PHOTOS = options.declare("evaluate.photos", {
   { "workers", whole = true, min = 0, show = "2; on a GPU as many as there are processors, at most 8",
     help = "threads that decode photos" },
   { "device", text = true, show = "the model's", help = "where it computes" },
   precision.OF_LOOKING,
   { "features", flag = true, default = false, help = "also what the backbone says" },
})

-- What the other classes alone come to would be no result.
local function check_classes(part, classes, records, bad)
   local asked, read = {}, {}
   local class_of = {}
   for i, path in ipairs(part.paths) do
      asked[part.labels[i]] = (asked[part.labels[i]] or 0) + 1
      class_of[path] = part.labels[i]
   end
   for _, record in ipairs(records) do read[class_of[record.path]] = true end
   for class, n in pairs(asked) do
      if not read[class] and #records > 0 then
         console.fail("data_dir: none of the %s of class '%s' can be read%s", console.count(n, "photo"), classes[class],
            bad[1] and "; the first that cannot: " .. bad[1].message or "")
      end
   end
end

--- Shows photos to a model. part: { paths, labels } of a data set whose classes are `classes` (names). Returns a list of
-- records with a path each, the list of photos that cannot be read ({path, message}), and the features (N, F), or nil.
function evaluate.photos(model, part, classes, given, ...)
   surplus.refuse("evaluate.photos(model, part, classes, options)", "options stand in one table", ...)
   local o = PHOTOS:read(given)
   if type(model) ~= "table" or not model.classes then
      error("evaluate.photos: expected a model of scute.models, found " .. console.brief(model), 2)
   elseif type(part) ~= "table" or type(part.labels) ~= "table" or type(classes) ~= "table" then
      error("evaluate.photos: expected photos as data.open returns them ({ paths, labels }) and the names of their classes", 2)
   end
   local numbers, records, chunks = match_classes(model, classes), {}, {}
   local function keep(batch)
      local wide <close> = batch.logits:to "f64"
      local shares <close> = wide:softmax(-1)
      local probabilities = shares:totable()
      for i, index in ipairs(batch.indices:values()) do
         local record = evaluate.record(probabilities[i], numbers[part.labels[index]])
         record.path = part.paths[index]
         records[#records + 1] = record
      end
      if o.features then chunks[#chunks + 1], batch.features = batch.features, nil end
   end
   local shown = crops.copy({ paths = part.paths, broken = part.broken, samples = part.samples }, part)
   local seen = score(model, shown, {
      want = { "logits", o.features and "features" or nil }, each = keep,
      workers = o.workers, device = o.device, precision = o.precision })
   check_classes(part, classes, records, seen.bad)
   return as_text.records(records), seen.bad, joined(chunks)
end
PHOTOS:describes(surplus.refused_by(evaluate.photos))

-- ---- parts ----

evaluate.open = require "scute.evaluate.open"

for _, part in ipairs { "statistics", "tell", "save", "compare" } do
   for name, value in pairs(require("scute.evaluate." .. part)) do evaluate[name] = value end
end

return evaluate
