-- Numbers about many photos, from a record of each (see evaluate.record).
local scute = require "scute"
local as_text = require "scute.evaluate.as_text"
local metrics = require "scute.metrics"
local options = require "scute.base.options"

local statistics = {}

local BINS, TOP = 15, 5
local STREAM = 0x626f << 48 -- far above the streams of the session and of scute.data.draw

--- Expected calibration error (Guo et al. 2017, https://arxiv.org/abs/1706.04599, eq. 3): how far confidence and accuracy lie
-- apart, over `bins` (15) equal ranges of confidence (low, high], weighted by their photos. Returns the error and the bins:
-- list of { low, high, count, confidence, accuracy }.
function statistics.calibration(records, bins)
   local confidence, right = {}, {}
   for i, r in ipairs(records) do confidence[i], right[i] = r.confidence, r.predicted == r.truth end
   return metrics.calibration_error(confidence, right, { bins = bins or BINS })
end

-- n fractions in [0, 1) that depend on (seed, number) alone.
local function fractions(seed, number, n)
   local before = scute.rng_state()
   scute.rng_state { seed, STREAM | number }
   local u <close> = scute.rand(n)
   scute.rng_state(before)
   return u:values()
end

local function quantile(sorted, q)
   local at = 1 + q * (#sorted - 1)
   local i = math.floor(at)
   return i == #sorted and sorted[i] or sorted[i] + (at - i) * (sorted[i + 1] - sorted[i])
end

local BOOTSTRAP = options.declare("evaluate.bootstrap", {
   { "resamples", whole = true, min = 1, show = "2000, fewer above 10,000 photos", help = "how often photos are drawn anew" },
   { "level", number = true, above = 0, below = 1, default = 0.95, help = "share of the resamples that the interval holds" },
   { "seed", whole = true, min = 0, max = options.MAXSEED, default = 0, help = "what is drawn depends on it alone" },
})

-- See statistics.bootstrap; o: its options, read.
local function draw_anew(records, classes, o)
   local n, level = #records, o.level
   local resamples = o.resamples or math.max(200, math.min(2000, 20000000 // n))
   local plain, balanced = {}, {}
   for b = 1, resamples do
      local total, right, hits = {}, 0, {}
      for _, u in ipairs(fractions(o.seed, b, n)) do
         local r = records[math.min(n, math.floor(u * n) + 1)]
         total[r.truth] = (total[r.truth] or 0) + 1
         if r.predicted == r.truth then
            right = right + 1
            hits[r.truth] = (hits[r.truth] or 0) + 1
         end
      end
      local sum, seen = 0, 0
      for class = 1, classes do
         if total[class] then sum, seen = sum + (hits[class] or 0) / total[class], seen + 1 end
      end
      plain[b], balanced[b] = right / n, sum / seen
   end
   table.sort(plain)
   table.sort(balanced)
   local tail = (1 - level) / 2
   local function interval(sorted) return { quantile(sorted, tail), quantile(sorted, 1 - tail) } end
   return { accuracy = interval(plain), balanced_accuracy = interval(balanced), resamples = resamples, level = level }
end

--- Percentile bootstrap (Efron 1979) of accuracy and balanced accuracy: photos are drawn anew, with repetition.
-- Returns { accuracy = {low, high}, balanced_accuracy = {low, high}, resamples, level }.
function statistics.bootstrap(records, classes, given)
   local o = BOOTSTRAP:read(given)
   if #records == 0 then error("evaluate.bootstrap: expected at least one photo, found none", 2) end
   return draw_anew(records, classes, o)
end
BOOTSTRAP:describes(statistics.bootstrap)

--- All numbers about `records` (see evaluate.record). classes: names. Options are those of evaluate.bootstrap.
-- Returns { photos, accuracy, top5 = {k, accuracy} (k capped at the number of classes), balanced_accuracy, macro, weighted =
-- {precision, recall, f1}, log_loss, calibration_error, mean_confidence, interval (see evaluate.bootstrap), wilson = {low,
-- high} of the accuracy, per_class, confusion, bins }.
function statistics.summary(records, classes, given)
   local o = BOOTSTRAP:read(given)
   if #records == 0 then error("evaluate.summary: expected at least one photo, found none", 2) end
   local confusion, loss, confidence = metrics.confusion(classes), metrics.mean(), metrics.mean()
   local k, within = math.min(TOP, #classes), 0
   for _, r in ipairs(records) do
      confusion:add({ r.predicted }, { r.truth })
      loss:add(r.loss, 1)
      confidence:add(r.confidence, 1)
      if r.rank <= k then within = within + 1 end
   end
   local averages = confusion:averages()
   local calibration_error, bins = statistics.calibration(records)
   return as_text.summary {
      photos = #records, accuracy = confusion:accuracy(), top5 = { k = k, accuracy = within / #records },
      balanced_accuracy = confusion:balanced_accuracy(), macro = averages.macro, weighted = averages.weighted,
      log_loss = loss:value(), mean_confidence = confidence:value(), calibration_error = calibration_error, bins = bins,
      interval = draw_anew(records, #classes, o),
      wilson = { metrics.interval(confusion:right(), #records) }, per_class = confusion:per_class(), confusion = confusion,
   }
end
BOOTSTRAP:describes(statistics.summary)

return statistics
