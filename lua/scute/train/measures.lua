-- The metrics of a run: numbers of the user's about what the model says of the photos that validate, once an epoch. Each is in
-- the rows of the history under its name. See docs/parts/metric.md.
local scute = require "scute"
local console = require "scute.base.console"
local metrics = require "scute.metrics"
local named = require "scute.metrics.named"
local options = require "scute.base.options"
local sorted_keys = require "scute.base.sorted_keys"
local figures = require "scute.train.figures"
local parallel = require "scute.train.parallel"
local stopping = require "scute.train.stopping"

local measures = {}

local MOST = 1000000 -- numbers in the logits of the photos that metrics are tried on

-- ---- what the option says ----

local function fail(text, ...)
   error(("train.fit: metrics: " .. text):format(...), 0)
end

local FIELDS = { "f", "lower" }
local TAKEN = { "epoch", "step", "rates", "confusion", "worst", "weights", "saved", "accuracy", "loss", "balanced", "answers" }

local function check_name(name)
   if type(name) ~= "string" or not name:find "^%a[%w_]*$" then
      fail("expected a name of letters, digits and _ for each, as in { f1 = f }, found %s", tostring(name))
   end
   local taken = name:find "^train_" or name:find "^val_" or name:find "^ema_" or name:find "^lr_"
   for _, each in ipairs(TAKEN) do taken = taken or each == name end
   if taken then fail("a row of the history has a field '%s' already; call yours something else", name) end
end

local function is_called(value)
   return type(value) == "function" or type(value) == "table" and (getmetatable(value) or {}).__call ~= nil
end

--- Whether a name sounds as if less were better.
function measures.sounds_lower(name)
   local word = name:lower()
   return word:find "loss$" ~= nil or word:find "error$" ~= nil
end

-- Which way is better has to be said where the name says the other one.
local function check_lower(name, lower)
   if lower ~= nil and type(lower) ~= "boolean" then
      fail("'%s': lower: expected true or false, found %s", name, console.brief(lower))
   end
   if lower == nil and measures.sounds_lower(name) then
      fail("'%s': is less better? Say %s = { f = f, lower = true }, or lower = false where more is", name, name)
   end
end

-- A function of the script's, or { f = function, lower = whether less is better }.
local function read_own(name, value)
   check_name(name)
   local own = type(value) == "table" and not is_called(value) and value or { f = value }
   for _, field in ipairs(sorted_keys(own)) do
      if field ~= "f" and field ~= "lower" then
         fail("'%s': there is no '%s'%s", name, tostring(field), options.hint(field, FIELDS))
      end
   end
   if not is_called(own.f) then
      fail("'%s': expected a function, or { f = function, lower = true } where less is better, found %s", name,
         console.brief(value))
   end
   check_lower(name, own.lower)
   return { name = name, f = own.f, lower = own.lower or false }
end

local function read_named(name)
   local f = named.get(name)
   if f then return { name = name, f = f, lower = false } end
   fail("there is no metric '%s'%s", console.brief(name), named.hint(name, named.NAMES, "one of yours is { name = f }"))
end

local function add(list, seen, entry)
   if seen[entry.name] then fail("'%s' is given twice", entry.name) end
   seen[entry.name], list[#list + 1] = true, entry
end

-- Those that are spoken of elsewhere and that a name says need not be given.
local function add_asked(run, list, seen)
   local by = run.best_by
   for _, asked in ipairs { by, stopping.metric(run.early_stop) or by, run.schedule.watches or by } do
      local name = asked:gsub("^ema_", "")
      if not seen[name] and not figures.is_short(name) and named.get(name) then add(list, seen, read_named(name)) end
   end
end

-- The option `metrics` of a run as a list of { name, f, lower }, sorted by name.
local function list_of(run)
   local list, seen = {}, {}
   for _, key in ipairs(sorted_keys(run.metrics or {})) do
      local value = run.metrics[key]
      add(list, seen, math.type(key) == "integer" and read_named(value) or read_own(key, value))
   end
   add_asked(run, list, seen)
   table.sort(list, function(a, b) return a.name < b.name end)
   return list
end

--- Takes that option, and looks whether what a run is told by (best_by, early stopping, a schedule) is there.
function measures.read(run)
   run.metrics = list_of(run)
   figures.check_best(run)
   run.less_is_better = figures.is_lower_better(run, run.best_by)
   if run.schedule.watches then
      figures.check(run, ("schedule.%s: option 'metric'"):format(run.schedule.name), run.schedule.watches)
   end
end

-- ---- what --check asks ----

local NO_SCHEDULE = {}

-- The metrics that the option names, whatever computes them; nil where it does not tell all.
local function names_of(given)
   local list = {}
   if type(given) == "string" then given = named.parse(given) end
   if type(given or {}) ~= "table" then return nil end
   for _, key in ipairs(sorted_keys(given or {})) do
      local name = type(key) == "string" and key or given[key]
      if type(name) ~= "string" then return nil end
      list[#list + 1] = { name = name, lower = false }
   end
   return list
end

-- A run of these options, as far as its figures go; nil where its metrics are not known.
local function run_of(beside)
   local list = names_of(beside.metrics)
   local run = { metrics = list, best_by = beside.best_by or "accuracy", early_stop = beside.early_stop, ema = beside.ema,
      schedule = NO_SCHEDULE }
   local seen = {}
   for _, metric in ipairs(list or {}) do seen[metric.name] = true end
   if list then add_asked(run, list, seen) end
   return list and run
end

--- Fail where the values of the options `metrics`, best_by and early_stop are none. beside: all that is given (nil: not known).
function measures.examine(given)
   list_of { metrics = given, best_by = "accuracy", schedule = NO_SCHEDULE }
end

function measures.examine_best(_, beside)
   local run = beside and run_of(beside)
   if run then figures.check_best(run) end
end

function measures.examine_stop(given, beside)
   local run = beside and run_of(beside)
   if run then stopping.check(given, run) end
end

-- ---- what the model said ----

local SEEN = { "truth", "predicted", "logits", "probabilities", "confusion", "classes", "paths" }

-- What is made when it is asked for.
local made = {}

function made.probabilities(seen)
   return seen.logits:softmax(2)
end

local OF_SEEN = { __index = function(seen, name)
   if not made[name] then
      error(("metrics: what a metric gets has no '%s'%s"):format(tostring(name), options.hint(name, SEEN)), 2)
   end
   local value = made[name](seen)
   rawset(seen, name, value)
   return value
end }

-- Calls visit with each metric's name and what pcall says of it.
local function each(run, seen, visit)
   setmetatable(seen, OF_SEEN)
   scute.no_grad(function()
      for _, metric in ipairs(run.metrics) do visit(metric.name, pcall(metric.f, seen)) end
   end)
   if rawget(seen, "probabilities") then rawget(seen, "probabilities"):free() end
end

--- What a function that is a metric says of answers { truth, predicted, logits, confusion, classes, paths }: what pcall does.
function measures.ask(f, seen)
   local said
   each({ metrics = { { f = f } } }, seen, function(_, ...) said = table.pack(...) end)
   return table.unpack(said, 1, said.n)
end

local function is_finite(value)
   return type(value) == "number" and value == value and value ~= math.huge and value ~= -math.huge
end

local function fault_of(run, name, ok, value)
   return ("metrics: '%s' %s in epoch %d%s"):format(name, ok and "gave " .. console.brief(value) or "failed", run.epoch,
      ok and ", expected a finite number" or ": " .. console.message(value))
end

-- Ends the run where a metric has failed in any process, with what was good so far on disk. why: in this one, or nil. Together.
local function check_faults(run, why)
   if not parallel.any(run, why) then return end
   local saved = run.checkpoint.saved or run.checkpoint.writing
   run.meter:clear()
   parallel.fail(run, why, function() require("scute.train.record").rescue(run) end,
      saved and "; once it is mended --resume auto goes on from the last checkpoint" or "")
end

--- The values by name. said: the answers about the photos that validate (see scute.train.answers); confusion: what counts them.
-- Together.
function measures.of_answers(run, said, confusion)
   local values, part, truth, paths = {}, run.set.val, {}, {}
   if #run.metrics == 0 then return values end
   for i, index in ipairs(said.indices) do truth[i], paths[i] = part.labels[index], part.paths[index] end
   local own, why = said:whole(), nil
   local logits, guesses <close> = own:to "f32", own:argmax(2)
   each(run, { truth = truth, predicted = guesses:values(), logits = logits, confusion = confusion, classes = run.set.classes,
      paths = paths }, function(name, ok, value)
      if not ok or not is_finite(value) then why = why or fault_of(run, name, ok, value) end
      values[name] = value
   end)
   check_faults(run, why)
   if logits ~= own then logits:free() end
   return values
end

-- Answers that are right for the first photos that validate, as many as make few numbers.
local function right_answers(run)
   local val, classes, scores = run.set.val, run.set.classes, {}
   local n = math.max(1, math.min(#val.paths, MOST // #classes))
   local truth = table.move(val.labels, 1, n, 1, {})
   for i, label in ipairs(truth) do
      for class = 1, #classes do scores[(i - 1) * #classes + class] = class == label and 10 or 0 end
   end
   return { truth = truth, predicted = table.move(truth, 1, n, 1, {}), logits = scute.tensor(scores):reshape(n, #classes),
      confusion = metrics.confusion(classes):add(truth, truth), classes = classes, paths = table.move(val.paths, 1, n, 1, {}) }
end

--- Fails where a metric gives no number of answers that are all right: told before anything is written or trained. What is no
-- number for them alone (NaN) may be one later.
function measures.check(run)
   if #run.metrics == 0 then return end
   local right = right_answers(run)
   each(run, right, function(name, ok, value)
      if ok and type(value) == "number" then return end
      fail("'%s' %s where it was tried on answers that are all right%s", name,
         ok and "gave " .. console.brief(value) or "failed", ok and ", expected a number" or ": " .. console.message(value))
   end)
   right.logits:free()
end

-- ---- telling ----

--- The values in a row of the history by name; nil where a run has no metrics. prefix: "ema_" for those of the averaged
-- weights.
function measures.of_row(run, row, prefix)
   local values
   for _, metric in ipairs(row and run.metrics or {}) do
      values = values or {}
      values[metric.name] = row[(prefix or "") .. metric.name]
   end
   return values
end

--- A value as it is printed.
function measures.text(value)
   if value ~= value then return "NaN" end -- printf gives it a sign, which says nothing
   return (math.abs(value) < 10 and "%.3f" or "%.4g"):format(value)
end

--- The values in a row as words, "f1 0.812", sorted by name; none where there is no row yet. before: what each begins with.
function measures.words(run, row, before)
   local list = {}
   for i, metric in ipairs(row and run.metrics or {}) do
      list[i] = ("%s%s %s"):format(before or "", metric.name, measures.text(row[metric.name]))
   end
   return list
end

return measures
