-- report.html: a run on one page that needs nothing else, neither network nor scripts. Made from the files in the run's
-- folder (run.json, history.csv, confusion.json, worst.json, evaluation.json), so it can be made again without training.
local bytes_of = require "scute.base.bytes_of"
local cjson = require "cjson"
local lfs = require "lfs"
local scute = require "scute"
local console = require "scute.base.console"
local metrics = require "scute.metrics"
local page = require "scute.base.page"
local individuals_of = require "scute.report.individuals"
local loss_items = require("scute.plot.photos").loss_items
local tell = require "scute.evaluate.tell"
local thumbnail = require "scute.base.thumbnail"
local FIT = require "scute.train.options"

local html = {}

local escape, plain, rows_table, section = page.escape, page.plain, page.rows, page.section

local LISTED, WEAKEST = 60, 20 -- up to so many classes have a row each, of more those of lowest F1
local WORST = 12 -- photos

local REFRESH = 5 -- seconds after which a browser looks again at the page of a run that goes on

-- ---- reading ----

local function read_json(path)
   local text = bytes_of(path)
   if not text then return nil end
   local ok, value = pcall(cjson.decode, text)
   if not ok or type(value) ~= "table" then
      console.fail("%s: expected JSON, found something that is none (%s); is the file cut off?", path,
         tostring(value):sub(1, 80))
   end
   return value
end

-- ---- parts of the page ----

-- "95 % interval 40.9 to 92.9 %, Wilson's"; nil where a file of an earlier version has none.
local function interval_words(interval)
   local low, high = tonumber(interval[1]), tonumber(interval[2])
   return low and high and ("95&nbsp;%% interval %.1f to %.1f&nbsp;%%, Wilson's"):format(100 * low, 100 * high)
end

-- The accuracy with what it is worth: its interval, and that the epoch was chosen by it.
local function accuracy_text(run, result)
   local photos = math.tointeger(result.val_photos)
   local epochs, best = math.tointeger(result.epochs), math.tointeger(result.best_epoch)
   local interval = type(result.val_accuracy_interval) == "table" and interval_words(result.val_accuracy_interval)
   local text = ('<p><span class="big">%.1f&nbsp;%%</span>%s of the %s that did not train were recognised%s%s.'):format(
      100 * result.val_accuracy, interval and " (" .. interval .. ")" or "", photos and escape(console.count(photos, "photo"))
      or "photos", run.by_centres and " by the centres of individuals that training has made" or "",
      type(run.split) == "string" and "; split: " .. escape(run.split) or "")
   local chosen = epochs and best and epochs > 1 and ("\nEpoch %d of %d was chosen on the same photos, so the figure is"
      .. " optimistic: photos that chose nothing say more (%s)."):format(best, epochs, run.measures)
   return text .. (chosen or "") .. "</p>"
end

local function head_of(run)
   local result = type(run.result) == "table" and run.result or nil
   local lines = { ("<h1>%s</h1>"):format(escape(run.model or "a model")) }
   lines[#lines + 1] = ('<p class="soft">%s%s</p>'):format(escape(run.state or "unknown state"),
      run.times and run.times.started and ", started " .. escape(run.times.started) or "")
   if type(run.error) == "string" then
      lines[#lines + 1] = ("<p>It ended with an error: %s</p>"):format(escape(run.error))
   end
   if run.state == "running" then
      lines[#lines + 1] = "<p>This run was not finished when the page was made; the page is renewed while it trains.</p>"
   end
   if result and type(result.val_accuracy) == "number" then
      lines[#lines + 1] = accuracy_text(run, result)
   else
      lines[#lines + 1] = "<p>No epoch was finished.</p>"
   end
   return table.concat(lines, "\n")
end

local function interval_text(interval)
   if type(interval) ~= "table" then return "unknown" end
   return ("%.3f to %.3f"):format(tonumber(interval[1]) or 0 / 0, tonumber(interval[2]) or 0 / 0)
end

local function summary_of(run)
   local result, times = type(run.result) == "table" and run.result or {}, run.times or {}
   local rows = {}
   local function add(name, value)
      if value ~= nil and value ~= cjson.null then rows[#rows + 1] = { name, plain(value) } end
   end
   add("epochs", result.epochs)
   add("best epoch", result.best_epoch)
   add("validation accuracy", result.val_accuracy)
   local interval = result.val_accuracy_interval
   add("its 95 % interval", type(interval) == "table" and interval_text(interval) or nil)
   add("averaged over classes", result.val_balanced_accuracy)
   add("validation loss", result.val_loss)
   for _, row in ipairs(page.sorted(type(result.metrics) == "table" and result.metrics or {})) do rows[#rows + 1] = row end
   add("best epoch of the averaged weights", result.ema_best_epoch)
   add("their validation accuracy", result.ema_val_accuracy)
   add("time", type(times.seconds) == "number" and console.duration(times.seconds) or nil)
   if type(run.weights) == "table" then
      add("started from", run.weights.path)
      add("its sha256", run.weights.sha256)
   else
      add("started from", run.weights == "none" and "random weights" or run.weights)
   end
   return section("Summary", rows_table(rows))
end

local function curves_of(folder, run)
   local path = folder .. "/history.csv"
   if not bytes_of(path) then return nil end
   local ok, rows = pcall(scute.plot.read_history, path)
   if not ok then return nil end
   local best = type(run.result) == "table" and run.result.best_epoch or nil
   local wide = scute.plot.curves(rows, { best_epoch = best })
   local narrow = scute.plot.curves(rows, { best_epoch = best, columns = 1 })
   return section("Training", page.figure(wide, "training curves", "wide", "wide"),
      page.figure(narrow, "training curves, one below the other", "narrow", "narrow"))
end

-- A function that shows one photo of a mistake, from a list of {actual, predicted, path}.
local function photos_of(mistakes)
   if type(mistakes) ~= "table" or #mistakes == 0 then return nil end
   local paths = {}
   for _, m in ipairs(mistakes) do paths[("%d,%d"):format(m.actual, m.predicted)] = m.path end
   return function(actual, predicted)
      local path = paths[actual .. "," .. predicted]
      return path and thumbnail(path)
   end
end

-- The section for a matrix without its zeros: cells = list of {actual, predicted, count}; mistakes: see photos_of.
local function confusion_of(classes, cells, mistakes)
   if type(classes) ~= "table" or type(cells) ~= "table" or #classes == 0 then return nil end
   local counted = metrics.confusion(classes)
   for _, cell in ipairs(cells) do
      local actual, predicted, count = math.tointeger(cell[1]), math.tointeger(cell[2]), math.tointeger(cell[3])
      if classes[actual] and classes[predicted] and count then counted:add_cells { { actual, predicted, count } } end
   end
   local wide = scute.plot.confusion(counted, classes, { photos = photos_of(mistakes) })
   local narrow = scute.plot.confusion(counted, classes, { columns = 1, limit = 8 })
   return section("Confusion", page.figure(wide, "confusion matrix", "confusion", "wide"),
      page.figure(narrow, "confusion matrix", "confusion1", "narrow"))
end

-- The rows of the classes, and what stands above them where they are not all.
local function class_rows(evaluation)
   local list, numbers, rows = {}, {}, {}
   for i, name in ipairs(evaluation.classes) do
      local c = evaluation.per_class[name] or {}
      list[i] = { f1 = c.f1 or 0, support = c.photos or 0 }
      if c.f1 then numbers[#numbers + 1] = i end
   end
   local many = #list > LISTED
   for k, i in ipairs(many and metrics.weakest(list, WEAKEST) or numbers) do
      local name = evaluation.classes[i]
      local c = evaluation.per_class[name]
      rows[k] = { name, ("%.3f"):format(c.precision), ("%.3f"):format(c.recall), ("%.3f"):format(c.f1), plain(c.photos) }
   end
   if not many then return rows, "" end
   return rows, ("<p>%s. The %d of lowest F1 (all are in evaluation.json):</p>"):format(metrics.in_short(list), #rows)
end

local function classes_of(evaluation)
   if not evaluation or type(evaluation.per_class) ~= "table" or type(evaluation.classes) ~= "table" then return nil end
   local rows, note = class_rows(evaluation)
   local optimistic = tell.chosen(tonumber(evaluation.photos) or 0, tonumber(evaluation.chosen))
   if optimistic then note = ("<p>%s.</p>"):format(escape((optimistic:gsub("^%l", string.upper)))) .. note end
   return section("Classes", rows_table {
      { "accuracy", plain(evaluation.accuracy) }, { "its 95 % interval", interval_text(evaluation.accuracy_interval) },
      { "balanced accuracy", plain(evaluation.balanced_accuracy) },
      { ("top-%s accuracy"):format(plain(evaluation.top_k)), plain(evaluation.top_k_accuracy) },
      { "log loss", plain(evaluation.log_loss) }, { "calibration error", plain(evaluation.calibration_error) },
      { "photos", plain(evaluation.photos) .. " (" .. plain(evaluation.split) .. ")" },
   }, note, page.table({ { "class" }, { "precision", true }, { "recall", true }, { "F1", true }, { "photos", true } }, rows))
end

local function worst_of(worst)
   if type(worst) ~= "table" or #worst == 0 then return nil end
   return section("Worst photos", '<p class="soft">The highest losses; blue frame: right, orange frame: wrong.</p>',
      page.photos(loss_items(worst, WORST)))
end

local function gpu_text(gpu)
   local parts = {}
   local function part(format, value, ...)
      if type(value) == "number" then parts[#parts + 1] = format:format(value, ...) end
   end
   local most = gpu.memory_most or gpu.memory
   if type(most) == "number" then
      parts[1] = console.bytes(most) .. (type(gpu.memory_total) == "number" and " of " .. console.bytes(gpu.memory_total) or "")
   end
   part("computing %.0f %% of the time", type(gpu.use) == "number" and 100 * gpu.use)
   part("%.0f W on average", gpu.power)
   part("up to %.0f °C", gpu.temperature)
   if gpu.throttled then parts[#parts + 1] = "throttled" end
   return table.concat(parts, ", ")
end

local function hardware_of(run)
   local h = run.hardware
   if type(h) ~= "table" then return nil end
   local rows = {}
   local function add(name, value, text) if type(value) == "number" then rows[#rows + 1] = { name, text(value) } end end
   add("memory, at most", h.peak_memory, console.bytes)
   add("of it tensors", h.pool_peak, console.bytes)
   add("processors kept busy", h.cores, function(n) return ("%.1f on average"):format(n) end)
   add("processors busy with anything", h.machine, function(n) return ("%.0f %%"):format(100 * n) end)
   add("temperature of the processor", h.temperature, function(n) return ("up to %.0f °C"):format(n) end)
   if h.throttled then rows[#rows + 1] = { "throttled", "the processor lowered its clock because of heat" } end
   for _, gpu in ipairs(type(h.gpus) == "table" and h.gpus or {}) do
      rows[#rows + 1] = { ("GPU %s, %s"):format(plain(gpu.index), gpu.name), gpu_text(gpu) }
   end
   return #rows > 0 and section("Hardware", rows_table(rows)) or nil
end

-- "1 to 40, 12 in the middle": photos of each class.
local function spread(classes, counts)
   local sorted, none = {}, 0
   for i, name in ipairs(classes) do
      sorted[i] = tonumber(counts[name]) or 0
      none = none + (sorted[i] == 0 and 1 or 0)
   end
   table.sort(sorted)
   return ("%s to %s, half of the classes at most %s%s"):format(plain(sorted[1]), plain(sorted[#sorted]),
      plain(sorted[(#sorted + 1) // 2]), none > 0 and (", %d without any"):format(none) or "")
end

local function data_of(run)
   local photos, classes = run.photos, type(run.classes) == "table" and run.classes or {}
   if type(photos) ~= "table" then return nil end
   local train, val = photos.train_per_class or {}, photos.val_per_class or {}
   local all = { { "train", plain(photos.train) }, { "validate", plain(photos.val) },
      { "could not be read", plain(photos.bad) } }
   if #classes > LISTED then
      all[#all + 1] = { "classes", plain(#classes) }
      all[#all + 1] = { "train, of each class", spread(classes, train) }
      all[#all + 1] = { "validate, of each class", spread(classes, val) .. " (run.json has all)" }
      return section("Photos", rows_table(all))
   end
   local rows = {}
   for i, name in ipairs(classes) do rows[i] = { name, plain(train[name]), plain(val[name]) } end
   return section("Photos", rows_table(all), page.table({ { "class" }, { "train", true }, { "validate", true } }, rows))
end

-- What it trained with, in the order in which train.fit declares it; what only another version knows comes last.
local function settings_of(run)
   if type(run.settings) ~= "table" then return nil end
   local rows, rest = {}, {}
   for name, value in pairs(run.settings) do rest[name] = value end
   for _, name in ipairs(FIT.names) do
      if rest[name] ~= nil then rows[#rows + 1] = { name, plain(rest[name]) } end
      rest[name] = nil
   end
   local others = page.sorted(rest)
   return section("Settings", rows_table(table.move(others, 1, #others, #rows + 1, rows), "long"))
end

-- What the script was told; a script of one's own need not say that.
local function arguments_of(run)
   local arguments = type(run.arguments) == "table" and run.arguments or {}
   return next(arguments) and section("Arguments", rows_table(page.sorted(arguments), "long")) or nil
end

-- Beside the picture of a photo: what its small letters say.
local function caption_of(record)
   if type(record) ~= "table" or not record.truth then return nil end
   return ("%s: is %s, said %s%s"):format((record.path or ""):match "[^/]*$", record.truth, record.predicted,
      record.truth == record.predicted and "" or "; first what speaks for that, then what for the truth")
end

-- Pictures that an evaluation has left. worst: its list of photos.
local function pictures_of(folder, worst)
   local map, parts = bytes_of(folder .. "/features.png"), {}
   for i = 1, 9 do
      local png = bytes_of(("%s/gradcam_%d.png"):format(folder, i))
      if png then
         parts[#parts + 1] = page.png(png, "where the network looked in one of the worst photos", nil, caption_of(worst[i]))
      end
   end
   return (map and section("Features", page.png(map, "photos on the two main directions of their features", "ink")) or "")
      .. (#parts > 0 and "\n" .. section("What the network looked at", table.concat(parts, "\n")) or "")
end

-- evaluation.json, unless it tells of an earlier run in the same folder.
local function evaluation_of(folder)
   local path = folder .. "/evaluation.json"
   local made, ended = lfs.attributes(path, "modification"), lfs.attributes(folder .. "/run.json", "modification")
   return made and ended and made >= ended and read_json(path) or nil
end

--- The page as text, from the files in `folder`: run.json is required; history.csv, confusion.json ({classes, cells}),
-- worst.json and evaluation.json (scripts/evaluate.lua --output_dir) add their parts where they are.
function html.text(folder)
   local run = read_json(folder .. "/run.json")
   if not run then console.fail("%s: expected the folder of a training run, but there is no run.json in it", folder) end
   run.by_centres = lfs.attributes(folder .. "/reid.json") ~= nil
   run.measures = run.by_centres and "scripts/evaluate_reid.lua" or "scripts/evaluate.lua --split test or new"
   local evaluation = evaluation_of(folder)
   local worst = evaluation and evaluation.worst or (read_json(folder .. "/worst.json") or {}).worst
   local confusion = evaluation and confusion_of(evaluation.classes, evaluation.confusion_cells, evaluation.mistakes)
   if not confusion then
      local counted = read_json(folder .. "/confusion.json") or {}
      confusion = confusion_of(counted.classes, counted.cells)
   end
   return page.document(run.model or "a run", {
      head_of(run), summary_of(run), individuals_of(folder), curves_of(folder, run) or "", confusion or "",
      classes_of(evaluation) or "", worst_of(worst) or "",
      evaluation and pictures_of(folder, worst or {}) or "", data_of(run) or "", hardware_of(run) or "",
      settings_of(run) or "", arguments_of(run) or "",
      section("Versions", rows_table(page.sorted(run.versions or {}))),
   }, run.state == "running" and REFRESH or nil)
end

--- Writes <folder>/report.html, whole or not at all. Returns its path.
function html.write(folder)
   local path = folder .. "/report.html"
   scute.files.write(path, html.text(folder))
   return path
end

return html
