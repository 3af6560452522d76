-- From the results of the runs to what is told of each model, in order, and which differences are real.
local names = require "scute.compare.names"
local paired = require "scute.experiment.paired"
local sample = require "scute.experiment.sample"
local tell = require "scute.compare.tell"

local summary = {}

local AS_TABLE = { __name = "scute.comparison", __tostring = function(found) return tell.table(found) end }

local mean, deviation, median = sample.mean, sample.deviation, sample.median
summary.mean, summary.deviation, summary.median = mean, deviation, median

--- Share of right answers within each class, averaged over the classes that occur. labels, predicted: lists of class
-- numbers. Memory grows with the classes that occur, not with their square.
function summary.balanced(labels, predicted)
   local seen, right = {}, {}
   for i, class in ipairs(labels) do
      seen[class] = (seen[class] or 0) + 1
      right[class] = (right[class] or 0) + (predicted[i] == class and 1 or 0)
   end
   local sum, classes = 0, 0
   for class, n in pairs(seen) do sum, classes = sum + right[class] / n, classes + 1 end
   return sum / classes
end

local function collect(results, name)
   local list = {}
   for _, result in ipairs(results) do list[#list + 1] = result[name] end
   return list
end

local function accuracy_of(result)
   local right = 0
   for i, class in ipairs(result.labels) do right = right + (result.predicted[i] == class and 1 or 0) end
   return right / #result.labels
end

-- Photo -> share of the runs that had it right; the photos in order; and all answers in one list.
local function pool(results)
   local seen = { right = {}, times = {}, photos = {}, labels = {}, predicted = {} }
   for _, result in ipairs(results) do
      for i, photo in ipairs(result.photos) do
         if not seen.times[photo] then seen.photos[#seen.photos + 1] = photo end
         seen.times[photo] = (seen.times[photo] or 0) + 1
         seen.right[photo] = (seen.right[photo] or 0) + (result.predicted[i] == result.labels[i] and 1 or 0)
         seen.labels[#seen.labels + 1], seen.predicted[#seen.predicted + 1] = result.labels[i], result.predicted[i]
      end
   end
   return seen
end

-- A run may be worse than the mean only by chance; so sums go over all answers, and the deviation over the runs.
local function measure(made, model, results, wanted)
   local start, seen = made.starts[model], pool(results)
   local accuracies, right = {}, 0
   for i, result in ipairs(results) do accuracies[i] = accuracy_of(result) end
   for i, class in ipairs(seen.labels) do right = right + (seen.predicted[i] == class and 1 or 0) end
   local first = results[1]
   return {
      model = model, name = names.show(model), runs = #results, wanted = wanted, seen = seen,
      weights = start.weights, random = start.weights == "random", note = start.note,
      parameters = first.parameters, parameters_1000 = first.parameters_1000, multiply_adds = first.multiply_adds,
      image_size = first.image_size, seconds = mean(collect(results, "seconds")),
      images_per_second = mean(collect(results, "images_per_second")),
      peak_memory = collect(results, "peak_memory")[1] and math.max(table.unpack(collect(results, "peak_memory"))) or nil,
      latency = median(collect(results, "latency")), best_epochs = collect(results, "best_epoch"),
      best_epoch = median(collect(results, "best_epoch")), accuracies = accuracies, accuracy = right / #seen.labels,
      accuracy_sd = deviation(accuracies), balanced = summary.balanced(seen.labels, seen.predicted),
   }
end

local function better(a, b)
   if a.accuracy ~= b.accuracy then return a.accuracy > b.accuracy end
   if a.parameters ~= b.parameters then return a.parameters < b.parameters end
   return a.model < b.model
end

-- Why a model has no rank; nil where it has one.
local function reason(entry, reference)
   if entry.random then return "random weights" end
   if entry.runs < entry.wanted then return ("%d of %d runs"):format(entry.runs, entry.wanted) end
   if reference and #entry.seen.photos ~= #reference.seen.photos then return "other photos" end
   for _, photo in ipairs(reference and reference.seen.photos or {}) do
      if not entry.seen.times[photo] then return "other photos" end
   end
end

-- The runs of a model as scute.experiment.paired takes them. number: photo -> its number.
local function answers_of(results, number)
   local runs = {}
   for r, result in ipairs(results) do
      runs[r] = {}
      for i, photo in ipairs(result.photos) do
         runs[r][number[photo]] = result.predicted[i] == result.labels[i] and 1 or 0
      end
   end
   return runs
end

-- Adds to the ranked models their intervals and returns what the pairs say.
local function test(ranked, results)
   if #ranked == 0 then return {} end
   local photos, number, variants = ranked[1].seen.photos, {}, {}
   for i, photo in ipairs(photos) do number[photo] = i end
   for m, entry in ipairs(ranked) do
      variants[m] = answers_of(results[entry.model], number)
      entry.low, entry.high = paired.interval(variants[m], #photos)
   end
   local found = paired.compare(variants, #photos)
   for _, pair in ipairs(found) do pair.first, pair.second = ranked[pair.first], ranked[pair.second] end
   return found
end

--- made: a plan. results: model -> list of its results. failures: list of {model, run, message}.
-- Returns { ranked, unranked (both lists of measures, the best first), pairs (see paired.compare; first and second are
-- measures), photos (how many validated), seeds or folds (how many runs each model has), failures }.
function summary.of(made, results, failures)
   local wanted = made.folds or made.seeds
   local all, ranked, unranked = {}, {}, {}
   for _, model in ipairs(made.models) do
      if #(results[model] or {}) > 0 then all[#all + 1] = measure(made, model, results[model], wanted) end
   end
   table.sort(all, better)
   for _, entry in ipairs(all) do
      entry.unranked = reason(entry, ranked[1])
      local list = entry.unranked and unranked or ranked
      list[#list + 1] = entry
      entry.rank = not entry.unranked and #ranked or nil
   end
   return setmetatable({ ranked = ranked, unranked = unranked, pairs = test(ranked, results), failures = failures,
      photos = all[1] and #all[1].seen.photos or 0, seeds = not made.folds and made.seeds or nil, folds = made.folds },
      AS_TABLE)
end

return summary
