-- Which of several finished models is better: all look at the same photos, which trained none of them, and the paired test of
-- scute.experiment says what their differences are worth.
local scute = require "scute"
local by_path = require "scute.base.by_path"
local console = require "scute.base.console"
local headline = require "scute.experiment.headline"
local files = require "scute.experiment.files"
local save = require "scute.evaluate.save"
local several = require "scute.evaluate.several"
local statistics = require "scute.evaluate.statistics"
local tell = require "scute.evaluate.tell"
local tell_trial = require "scute.experiment.tell"
local to_json = require "scute.base.json"
local trial = require "scute.experiment.trial"

local compare = {}

local UNTESTED = "No model is called better than another: photos that trained a model say nothing of that."
local METRICS = { "accuracy", "loss" } -- what is tested; the first one ranks

-- ---- what they say ----

-- The photos that every model could read. seen: records by path, for each model.
local function read_by_all(part, seen)
   local paths = {}
   for _, path in ipairs(part.paths) do
      local read = true
      for _, records in ipairs(seen) do read = read and records[path] ~= nil end
      paths[#paths + 1] = read and path or nil
   end
   return paths
end

-- Shows the photos to a model; each is freed before the next comes. Returns records by path.
local function ask(entry, part, classes, opt)
   entry.model:to(opt.device)
   local records, bad = scute.evaluate.photos(entry.model, part, classes,
      { workers = opt.workers, device = opt.device, precision = opt.precision })
   entry.model:to "cpu"
   return by_path(records), bad
end

-- How many of the photos are in a set of paths; nil where it is not known.
local function count_in(set, paths)
   local count = 0
   for _, path in ipairs(set and paths or {}) do count = count + (set[path] and 1 or 0) end
   return set and count
end

-- Shows the photos to all models; entries get `records`, `summary`, `chosen` and `trained`. Returns the paths that every
-- model could read, and how many there are beside them.
local function ask_all(list, part, classes, opt)
   local seen, bad = {}, {}
   for i, entry in ipairs(list) do seen[i], bad = ask(entry, part, classes, opt) end
   for _, entry in ipairs(bad) do console.warn("left out: %s", entry.message) end
   local paths = read_by_all(part, seen)
   if #paths == 0 then console.fail("data_dir: none of the photos in '%s' can be read", opt.data_dir) end
   for i, entry in ipairs(list) do
      entry.records = {}
      for k, path in ipairs(paths) do entry.records[k] = seen[i][path] end
      entry.summary = statistics.summary(entry.records, entry.model.classes, { seed = opt.seed })
      entry.chosen, entry.trained = count_in(entry.choosers, paths), count_in(entry.trainers, paths)
   end
   return paths, #part.paths - #paths
end

local function number_by_name(classes)
   local numbers = {}
   for i, name in ipairs(classes) do numbers[scute.nfc(name)] = i end
   return numbers
end

-- What scute.experiment.trial takes of one run. numbers: of classes, by name.
local function record_of(entry, numbers)
   local made = { state = "finished", variant = entry.name, run = "model", model = entry.path, photos = {}, labels = {},
      predicted = {}, values = { accuracy = {}, loss = {} }, image_size = entry.model.preprocessing.crop,
      parameters = entry.model:num_parameters() }
   local function number(class) return numbers[scute.nfc(entry.model.classes[class])] end
   for i, record in ipairs(entry.records) do
      made.photos[i], made.labels[i], made.predicted[i] = record.path, number(record.truth), number(record.predicted)
      made.values.accuracy[i], made.values.loss[i] = record.predicted == record.truth and 1 or 0, record.loss
   end
   local s = entry.summary
   made.figures = { accuracy = s.accuracy, loss = s.log_loss, balanced = s.balanced_accuracy, f1 = s.macro.f1 }
   return made
end

-- ---- what it comes to ----

-- Whether some of the photos trained a model.
local function is_of_trained(list)
   for _, entry in ipairs(list) do
      if (entry.trained or 0) > 0 then return true end
   end
   return false
end

-- Of --split all it is said, too, where a model's photos are not known. takes_all: whether that was asked for.
local function trained_text(photos, entry, takes_all)
   if entry.trained == nil and takes_all then return "whether some of these photos trained it is not known" end
   return tell.trained(photos, entry.trained) or ""
end

local function worth_of(list, about)
   local lines = { is_of_trained(list) and UNTESTED or nil }
   for _, entry in ipairs(list) do
      for _, text in ipairs { trained_text(about.photos, entry, about.takes_all),
         tell.chosen(about.photos, entry.chosen) or "" } do
         if text ~= "" then lines[#lines + 1] = ("%s: %s."):format(entry.name, text) end
      end
   end
   return lines
end

local function trial_by(name, list, about, records)
   local variants = {}
   for i, entry in ipairs(list) do variants[i] = { name = entry.name, options = { file = entry.path } } end
   local plan = { name = "models", variants = variants, seeds = 1, metric = name, lower = name == "loss",
      class_names = list[1].model.classes,
      settings = { { "photos", ("%d of %s"):format(about.photos, about.data_dir) }, { "split", about.split } } }
   return trial.of(plan, records, {}, { folder = about.output_dir,
      title = ("%s by %s"):format(console.count(#list, "model"), name == "loss" and "log loss" or name),
      worth = worth_of(list, about), untested = is_of_trained(list) })
end

-- What compare finds, as text.
local function as_text(found)
   local by_loss = tell_trial.statements(found.loss)
   local parts = { ("%s on %s of '%s' (%s)"):format(console.count(#found.models, "model"),
      console.count(found.about.photos, "photo"), found.about.data_dir, found.about.split),
      tell_trial.table(found.accuracy, console.is_terminal(1) and scute.terminal_size() or nil),
      table.concat(tell_trial.conclusion(found.accuracy), "\n"), table.concat(tell_trial.statements(found.accuracy), "\n"),
      #by_loss > 0 and "By log loss, of which less is better:\n" .. table.concat(by_loss, "\n") or "" }
   for i = #parts, 1, -1 do
      if parts[i] == "" then table.remove(parts, i) end
   end
   return table.concat(parts, "\n\n")
end

local COMPARISON = { __name = "scute.model_comparison", __tostring = as_text }

local function check_options(opt)
   if type(opt) == "table" and type(opt.model) == "table" and #opt.model > 1 then return end
   error("evaluate.compare: expected { model = { \"a.safetensors\", \"b.safetensors\", ... }, data_dir = ... }, at least two "
      .. "files of models", 3)
end

--- Compares models that are files. opt: as for evaluate.open, with model = a list of their paths and split "val" by default,
-- and workers, device, precision. The photos are those that evaluate.open has for each of them; those that not all of them have
-- are left out, with a warning. Returns { models = list of { name, path, model, records, summary, chosen, trained }, classes,
-- about = { data_dir, split, photos, bad }, accuracy, loss = what scute.experiment returns, by either }.
function compare.compare(opt)
   check_options(opt)
   local list = several.load(opt.model)
   local part, classes, split = several.open(list, opt)
   local paths, bad = ask_all(list, part, classes, opt)
   local about = { data_dir = opt.data_dir, split = split, photos = #paths, bad = bad, output_dir = opt.output_dir,
      takes_all = opt.split == "all" }
   local found = setmetatable({ models = list, classes = classes, about = about }, COMPARISON)
   local records, numbers = {}, number_by_name(list[1].model.classes)
   for _, entry in ipairs(list) do records[entry.name] = { record_of(entry, numbers) } end
   for _, name in ipairs(METRICS) do found[name] = trial_by(name, list, about, records) end
   return found
end

-- ---- telling ----

--- What compare found as a table for JSON.
function compare.comparison_table(found)
   local models = { _order = {} }
   for i, entry in ipairs(found.models) do
      models[entry.name], models._order[i] = tell.to_table(entry.summary, entry.model.classes,
         { model = entry.path, chosen = entry.chosen, trained = entry.trained }), entry.name
   end
   local about = found.about
   return { _order = { "conclusion", "data_dir", "split", "photos", "bad", "test", "pairs", "loss_pairs", "models" },
      conclusion = table.concat(tell_trial.conclusion(found.accuracy), " "), data_dir = about.data_dir, split = about.split,
      photos = about.photos, bad = about.bad, test = headline.test(found.accuracy), pairs = files.pairs(found.accuracy),
      loss_pairs = files.pairs(found.loss), models = models }
end

--- Prints what compare found as text, unless quiet, or with json as one JSON document.
function compare.print_comparison(found, json)
   if json then io.write(to_json(compare.comparison_table(found))) else console.say(tostring(found)) end
end

--- Writes comparison.md, .csv and .json into a folder, and into one for each model below it what evaluate.save does.
function compare.save_comparison(folder, found)
   console.guard("output_dir", scute.files.mkdirs, folder)
   files.write(folder, found.accuracy)
   for _, entry in ipairs(found.models) do
      local about = { model = entry.path, data_dir = found.about.data_dir, split = found.about.split, chosen = entry.chosen,
         trained = entry.trained, bad = found.about.bad }
      save.save(("%s/%s"):format(folder, (entry.name:gsub("/", "_"))), entry.summary, entry.records, entry.model.classes, about,
         { model = entry.model })
   end
end

return compare
