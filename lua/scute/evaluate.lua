-- How good a model is on photos that it did not learn from: the numbers, with what they are worth.
local lfs = require "lfs"
local scute = require "scute"
local console = require "scute.base.console"
local upload = require "scute.data.upload"
local metrics = require "scute.metrics"

local evaluate = {}

local BATCH, BINS, TOP = 16, 15, 5
local LISTED, WEAKEST = 60, 20 -- up to so many classes all are printed, of more those of lowest F1
local ROWS = 20 -- up to so many classes evaluation.json has the confusion as a whole matrix too
local STREAM = 0x626f << 48 -- far above the streams of the session and of scute.data.draw
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
                      (expected calibration error, Guo et al. 2017)]]

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
   for i, name in ipairs(model.classes) do of[name] = i end
   for i, name in ipairs(classes) do
      if not of[name] then
         local near = scute.nearest(name, model.classes)
         console.fail("data_dir: the model has no class '%s'%s; it knows %s: %s", name,
            near and (" (did you mean '%s'?)"):format(near) or "", console.count(#model.classes, "class", "classes"),
            table.concat(model.classes, ", ", 1, math.min(8, #model.classes)) .. (#model.classes > 8 and ", ..." or ""))
      end
      numbers[i] = of[name]
   end
   return numbers
end

--- Shows photos to a model. part: { paths, labels } of a data set whose classes are `classes` (names). options: workers (2),
-- device, features (true: also what the backbone says). Returns a list of records with a path each, the list of photos that
-- cannot be read ({path, message}), and the features (N, F), or nil.
function evaluate.photos(model, part, classes, options)
   options = options or {}
   local numbers = match_classes(model, classes)
   local records, bad, chunks = {}, {}, {}
   local to_device = upload.to(options.device or "cpu", model.preprocessing)
   local loader <close> = scute.loader { paths = part.paths, batch_size = BATCH, preprocess = model.preprocessing,
      workers = options.workers or 2, on_bad = "skip", late_normalize = to_device.late_normalize }
   model:eval()
   while true do
      local x, _, indices, missed = loader:next()
      table.move(missed, 1, #missed, #bad + 1, bad)
      if not x then break end
      x = to_device.bring(x)
      local features = model:embed(x)
      local scores <close> = scute.no_grad(model.head, model, features)
      local probabilities = scores:to("f64"):softmax(-1):totable()
      for i, index in ipairs(indices:values()) do
         local record = evaluate.record(probabilities[i], numbers[part.labels[index]])
         record.path = part.paths[index]
         records[#records + 1] = record
      end
      x:free()
      if options.features then chunks[#chunks + 1] = features:to "cpu" else features:free() end
      if scute.interrupted() then break end
   end
   return records, bad, #chunks > 0 and scute.concat(chunks, 1) or nil
end

-- ---- which photos ----

-- What the run that made a model file noted beside it. {} where there is nothing, and then why.
local function run_of(model_path)
   local path = (model_path:match "^(.*/)" or "") .. "run.json"
   local file = io.open(path)
   if not file then return {}, "there is no run.json beside the model" end
   local ok, run = pcall(require("cjson").decode, file:read "a")
   file:close()
   if ok and type(run) == "table" then return run, path .. " does not say it" end
   return {}, path .. " is damaged or was cut off"
end

local function joined(a, b)
   local all = { paths = {}, labels = {} }
   for _, part in ipairs { a, b } do
      for _, key in ipairs { "paths", "labels" } do table.move(part[key], 1, #part[key], #all[key] + 1, all[key]) end
   end
   return all
end

--- The photos that a command line asks for. opt: { data_dir, split = "val", "train", "test" or "all", model = path of the
-- model, seed, val_fraction, split_csv }; the last three default to those that trained the model, so that "val" are the
-- photos that did not train. Returns { paths, labels }, the names of the classes and what the split is called.
function evaluate.open(opt)
   local data = require "scute.data"
   local run, why = run_of(opt.model)
   local arguments = type(run.arguments) == "table" and run.arguments or {}
   local how = { seed = opt.seed or math.tointeger(run.seed), val_fraction = opt.val_fraction or arguments.val_fraction,
      split_csv = opt.split_csv or arguments.split_csv }
   if not how.seed then
      how.seed = 0
      if opt.split == "val" or opt.split == "train" then
         console.warn("%s, so it is not known which photos trained; --seed and --val_fraction say it, where there is no "
            .. "val/ folder", why)
      end
   end
   if opt.split == "test" and not how.split_csv then
      local part, classes = data.list(opt.data_dir .. "/test")
      return part, classes, "test/"
   elseif opt.split == "test" then
      how.validates = "test"
      local set = data.open(opt.data_dir, how)
      return set.val, set.classes, set.split
   end
   local set = data.open(opt.data_dir, how)
   if opt.split == "all" then return joined(set.train, set.val), set.classes, "all photos, also those that trained" end
   return set[opt.split], set.classes, (opt.split == "val" and "validation: " or "training photos: ") .. set.split
end

-- ---- many photos ----

--- Expected calibration error (Guo et al. 2017, https://arxiv.org/abs/1706.04599, eq. 3): how far confidence and accuracy lie
-- apart, over `bins` (15) equal ranges of confidence (low, high], weighted by their photos. Returns the error and the bins:
-- list of { low, high, count, confidence, accuracy }.
function evaluate.calibration(records, bins)
   bins = bins or BINS
   local list = {}
   for b = 1, bins do list[b] = { low = (b - 1) / bins, high = b / bins, count = 0, confidence = 0, accuracy = 0 } end
   for _, r in ipairs(records) do
      local bin = list[math.max(1, math.min(bins, math.ceil(r.confidence * bins)))]
      bin.count = bin.count + 1
      bin.confidence = bin.confidence + r.confidence
      bin.accuracy = bin.accuracy + (r.predicted == r.truth and 1 or 0)
   end
   local sum = 0
   for _, bin in ipairs(list) do
      if bin.count > 0 then
         sum = sum + math.abs(bin.confidence - bin.accuracy)
         bin.confidence, bin.accuracy = bin.confidence / bin.count, bin.accuracy / bin.count
      end
   end
   return #records > 0 and sum / #records or 0 / 0, list
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

--- Percentile bootstrap (Efron 1979) of accuracy and balanced accuracy: photos are drawn anew, with repetition.
-- options: resamples (2000, fewer above 10,000 photos), level (0.95), seed (0).
-- Returns { accuracy = {low, high}, balanced_accuracy = {low, high}, resamples, level }.
function evaluate.bootstrap(records, classes, options)
   options = options or {}
   local n, level = #records, options.level or 0.95
   if n == 0 then error("evaluate.bootstrap: expected at least one photo, found none", 2) end
   local resamples = options.resamples or math.max(200, math.min(2000, 20000000 // n))
   local plain, balanced = {}, {}
   for b = 1, resamples do
      local total, right, hits = {}, 0, {}
      for _, u in ipairs(fractions(options.seed or 0, b, n)) do
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

--- All numbers about `records` (see evaluate.record). classes: names. options: those of evaluate.bootstrap.
-- Returns { photos, accuracy, top5 = {k, accuracy} (k capped at the number of classes), balanced_accuracy, macro, weighted =
-- {precision, recall, f1}, log_loss, calibration_error, mean_confidence, interval (see evaluate.bootstrap), wilson = {low,
-- high} of the accuracy, per_class, confusion, bins }.
function evaluate.summary(records, classes, options)
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
   local calibration_error, bins = evaluate.calibration(records)
   return {
      photos = #records, accuracy = confusion:accuracy(), top5 = { k = k, accuracy = within / #records },
      balanced_accuracy = confusion:balanced_accuracy(), macro = averages.macro, weighted = averages.weighted,
      log_loss = loss:value(), mean_confidence = confidence:value(), calibration_error = calibration_error, bins = bins,
      interval = evaluate.bootstrap(records, #classes, options),
      wilson = { metrics.interval(confusion:right(), #records) }, per_class = confusion:per_class(), confusion = confusion,
   }
end

-- ---- telling ----

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

--- Prints a summary as text, unless quiet. classes: names.
function evaluate.print(result, classes)
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
function evaluate.to_table(result, classes, about)
   local cjson = require "cjson"
   local per_class = {}
   for i, entry in ipairs(result.per_class) do
      per_class[classes[i]] = { precision = entry.precision, recall = entry.recall, f1 = entry.f1, photos = entry.support }
   end
   local bins = {}
   for i, bin in ipairs(result.bins) do bins[i] = bin end
   local out = {
      _order = { "model", "data_dir", "split", "photos", "bad", "accuracy", "accuracy_interval", "accuracy_wilson",
         "top_k", "top_k_accuracy", "balanced_accuracy", "balanced_accuracy_interval", "macro", "weighted", "log_loss",
         "mean_confidence", "calibration_error", "bootstrap", "classes", "per_class", "confusion", "confusion_cells",
         "calibration_bins", "worst",
         "mistakes" },
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
function evaluate.print_json(result, classes, about)
   io.write(require "scute.base.json" (evaluate.to_table(result, classes, about)))
end

--- The `limit` (15) records of highest loss, as scute.plot.top_losses takes them.
function evaluate.worst(records, classes, limit)
   local order = table.move(records, 1, #records, 1, {})
   table.sort(order, function(a, b)
      if a.loss ~= b.loss then return a.loss > b.loss end
      return (a.path or "") < (b.path or "")
   end)
   local list = {}
   for i = 1, math.min(limit or 15, #order) do
      local r = order[i]
      list[i] = { path = r.path, truth = classes[r.truth], predicted = classes[r.predicted], loss = r.loss,
         probability = r.confidence, truth_probability = r.truth_probability }
   end
   return list
end

-- One photo of each kind of mistake: the one of which the model was surest.
local function photo_of_mistake(records)
   local found = {}
   for _, r in ipairs(records) do
      local key = r.truth .. "," .. r.predicted
      if r.predicted ~= r.truth and (not found[key] or r.confidence > found[key].confidence) then found[key] = r end
   end
   return function(actual, predicted)
      local r = found[actual .. "," .. predicted]
      return r and r.path
   end
end

-- The most frequent mistakes with a photo each: list of {actual, predicted, path}, class numbers.
local function mistakes_of(result, records)
   local list, photo = {}, photo_of_mistake(records)
   for i, entry in ipairs(result.confusion:most_confused(15)) do
      list[i] = { actual = entry[1], predicted = entry[2], path = photo(entry[1], entry[2]) }
   end
   return #list > 0 and list or nil
end

local MAPPED, LOOKED = 2000, 4 -- photos on the map of features; photos with what the network looked at

-- The map of the features: at most MAPPED photos, evenly from all.
local function feature_map(features, records, classes)
   local n, rows, labels = #records, {}, {}
   if n < 2 then return nil end
   for k = 1, math.min(n, MAPPED) do
      rows[k] = n <= MAPPED and k or 1 + (k - 1) * n // MAPPED
      labels[k] = records[rows[k]].truth
   end
   local which <close> = scute.tensor(rows, { dtype = "i64" })
   return scute.plot.embedding(features:index_select(1, which), labels, classes)
end

-- What speaks for the prediction and for the truth in one of the worst photos; nil where it cannot be read any more.
local function looked_at(model, record)
   local ok, photo = pcall(scute.image.load, record.path)
   if not ok then return nil end
   local p, shown = model.preprocessing, photo
   if p.pad_square then shown = shown:pad_square() end
   if p.resize and p.resize > 0 then shown = shown:resize { size = p.resize, filter = p.filter } end
   if p.crop and p.crop > 0 then shown = shown:crop(p.crop) end
   local x <close> = photo:preprocess(p)
   local cams = { scute.gradcam(model, x, record.predicted) }
   if record.truth ~= record.predicted then cams[2] = scute.gradcam(model, x, record.truth) end
   return scute.plot.gradcam(shown, cams, { title = ("%s: is %s, said %s"):format(record.path:match "[^/]*$", record.truth,
      record.predicted) })
end

local function save_pictures(folder, result, records, classes, about, worst, more)
   local subtitle = about and about.split and "Confusion, " .. about.split or "Confusion"
   scute.plot.confusion(result.confusion, classes, { title = subtitle, photos = photo_of_mistake(records) })
      :save(folder .. "/confusion.png")
   scute.plot.top_losses(worst):save(folder .. "/top_losses.png")
   local map = more and more.features and feature_map(more.features, records, classes)
   if map then map:save(folder .. "/features.png") end
   for i = 1, LOOKED do
      local path = ("%s/gradcam_%d.png"):format(folder, i)
      os.remove(path) -- of an earlier evaluation
      local figure = more and more.model and worst[i] and looked_at(more.model, worst[i])
      if figure then figure:save(path, { scale = 1 }) end
   end
end

--- Writes evaluation.json, confusion.png, top_losses.png, features.png and gradcam_1.png to gradcam_4.png into `folder`,
-- which is made if need be; where it is the folder of a training run, its report.html too. about: see to_table. more:
-- { features = (N, F) of the records, model }, for the last two.
function evaluate.save(folder, result, records, classes, about, more)
   local to_json = require "scute.base.json"
   console.guard("output_dir", scute.files.mkdirs, folder)
   local worst = evaluate.worst(records, classes)
   local fields = { worst = #worst > 0 and worst or nil, mistakes = mistakes_of(result, records) }
   for key, value in pairs(about or {}) do fields[key] = value end
   console.guard("output_dir", scute.files.write, folder .. "/evaluation.json",
      to_json(evaluate.to_table(result, classes, fields)))
   console.guard("output_dir", function()
      save_pictures(folder, result, records, classes, about, worst, more)
      if lfs.attributes(folder .. "/run.json") then require("scute.report.html").write(folder) end
   end)
end

return evaluate
