-- What an evaluation says: as text, and as JSON.
local console = require "scute.base.console"
local metrics = require "scute.metrics"
local to_json = require "scute.base.json"

local tell = {}

local LISTED, WEAKEST = 60, 20 -- up to so many classes all are printed, of more those of lowest F1
local ROWS = 20 -- up to so many classes evaluation.json has the confusion as a whole matrix too

local function interval_text(interval)
   return ("%.3f to %.3f"):format(interval[1], interval[2])
end

-- Without a mistake (or with nothing else) all resamples are the same, and their interval says nothing.
local function accuracy_text(result)
   if result.accuracy > 0 and result.accuracy < 1 then
      return ("%.3f   (%g %% interval %s, bootstrap of %d)"):format(result.accuracy, 100 * result.interval.level,
         interval_text(result.interval.accuracy), result.interval.resamples)
   end
   return ("%.3f   (95 %% interval %s, Wilson's)"):format(result.accuracy, interval_text(result.wilson))
end

-- The numbers of the classes that are listed: all that occurred or were said, or those of lowest F1.
local function listed(per_class)
   if #per_class > LISTED then return metrics.weakest(per_class, WEAKEST) end
   local numbers = {}
   for i, entry in ipairs(per_class) do
      if entry.support + entry.predicted > 0 then numbers[#numbers + 1] = i end
   end
   return numbers
end

local function print_classes(result, classes)
   local numbers, width = listed(result.per_class), 5
   for _, i in ipairs(numbers) do width = math.max(width, math.min(40, utf8.len(classes[i]) or #classes[i])) end
   local function pad(text) return text .. (" "):rep(width - (utf8.len(text) or #text)) end
   if #classes > LISTED then
      console.line("\n%s; the %d of lowest F1 (--output_dir, --json: all):", metrics.in_short(result.per_class), #numbers)
   else
      console.say ""
   end
   console.line("%s  precision  recall     F1  photos", pad "class")
   for _, i in ipairs(numbers) do
      local entry = result.per_class[i]
      console.line("%s      %.3f   %.3f  %.3f  %6d", pad(classes[i]), entry.precision, entry.recall, entry.f1, entry.support)
   end
end

--- What photos that the model's epoch was chosen by do to its figures; nil where there are none or it is not known. photos: all
-- that were evaluated; chosen: how many of them chose.
function tell.chosen(photos, chosen)
   if not chosen or chosen == 0 then return nil end
   return ("%s chose the epoch that was kept, so the figures are optimistic (--split test or new: other photos)"):format(
      chosen >= photos and "these photos" or ("%d of the photos"):format(chosen))
end

--- The same of photos that trained the model.
function tell.trained(photos, trained)
   if not trained or trained == 0 then return nil end
   return ("%s trained it, so the figures say little of new ones (--split val, test or new: other photos)"):format(
      trained >= photos and "these photos" or ("%d of the %d photos"):format(trained, photos))
end

--- Prints a summary as text, unless quiet. classes: names. chosen: by how many of the photos the model's epoch was chosen;
-- trained: how many of them trained it.
function tell.print(result, classes, chosen, trained)
   local optimistic, seen = tell.chosen(result.photos, chosen), tell.trained(result.photos, trained)
   local rows = {
      { "accuracy", accuracy_text(result) },
      { ("top-%d accuracy"):format(result.top5.k), ("%.3f"):format(result.top5.accuracy) },
      { "balanced accuracy", ("%.3f   (%s)"):format(result.balanced_accuracy,
         interval_text(result.interval.balanced_accuracy)) },
   }
   for _, name in ipairs { "macro", "weighted" } do
      local m = result[name]
      rows[#rows + 1] = { name .. " F1", ("%.3f   (precision %.3f, recall %.3f)"):format(m.f1, m.precision, m.recall) }
   end
   rows[#rows + 1] = { "log loss", ("%.3f"):format(result.log_loss) }
   rows[#rows + 1] = { "calibration error", ("%.3f   (says %.0f %% on average, is right in %.0f %%)"):format(
      result.calibration_error, 100 * result.mean_confidence, 100 * result.accuracy) }
   if seen then table.insert(rows, 2, { "", seen }) end
   if optimistic then table.insert(rows, 2, { "", optimistic }) end
   for _, row in ipairs(rows) do console.line("%-18s %s", row[1], row[2]) end
   print_classes(result, classes)
   local pairs_list = result.confusion:most_confused(5)
   if #pairs_list > 0 then console.say "\nmost confused" end
   for _, entry in ipairs(pairs_list) do
      console.line("%4d  %s, taken for %s", entry[3], classes[entry[1]], classes[entry[2]])
   end
end

--- A summary as a table for JSON. about: further fields. confusion_cells is a list of [actual, predicted, count], class numbers
-- from 1, without zeros; for few classes confusion is the same as rows of counts.
function tell.to_table(result, classes, about)
   local cjson = require "cjson"
   local per_class = {}
   for i, entry in ipairs(result.per_class) do
      per_class[classes[i]] = { precision = entry.precision, recall = entry.recall, f1 = entry.f1, photos = entry.support }
   end
   local bins = {}
   for i, bin in ipairs(result.bins) do bins[i] = bin end
   local out = {
      _order = { "model", "data_dir", "split", "photos", "chosen", "trained", "bad", "accuracy", "accuracy_interval",
         "accuracy_wilson", "top_k", "top_k_accuracy", "balanced_accuracy", "balanced_accuracy_interval", "macro", "weighted",
         "log_loss", "mean_confidence", "calibration_error", "bootstrap", "classes", "per_class", "confusion",
         "confusion_cells", "calibration_bins", "worst", "mistakes" },
      photos = result.photos, accuracy = result.accuracy, accuracy_interval = result.interval.accuracy,
      accuracy_wilson = result.wilson,
      top_k = result.top5.k, top_k_accuracy = result.top5.accuracy, balanced_accuracy = result.balanced_accuracy,
      balanced_accuracy_interval = result.interval.balanced_accuracy, macro = result.macro, weighted = result.weighted,
      log_loss = result.log_loss, mean_confidence = result.mean_confidence,
      calibration_error = result.calibration_error,
      bootstrap = { resamples = result.interval.resamples, level = result.interval.level }, classes = classes,
      per_class = per_class, confusion = #classes <= ROWS and result.confusion:rows() or nil,
      confusion_cells = result.confusion:cells(), calibration_bins = bins,
      worst = cjson.empty_array,
   }
   for key, value in pairs(about or {}) do out[key] = value end
   return out
end

--- Prints a summary as one JSON document; see to_table.
function tell.print_json(result, classes, about)
   io.write(to_json(tell.to_table(result, classes, about)))
end

return tell
