-- A run of an experiment (see scute.experiment) while it is under way. What makes runs comparable is the experiment's then,
-- alike for all variants: where train.fit writes, its seed, how long it trains, which photos validate, and whether it goes on
-- from a checkpoint. What a command line says of these is replaced; what a script has written by hand is refused where it is
-- another.
local born = require "scute.nn.born"
local options = require "scute.base.options"
local figures = require "scute.train.figures"
local named = require "scute.metrics.named"
local FIT = require "scute.train.options"

local within = {}

local Asked = {} -- of what ends a run that is only asked for its options

local current -- the run that is under way; nil: none

--- Begins a run. state: { run = its name, set (that of its seed or fold), folder, seed, resume, epochs or minutes (of the
-- budget; nil: none), hooks, metric, lower (whether less is better of it; nil: as the run says), tensorboard, variant = its
-- name, arguments = what that says, for run.json, asks = whether train.fit only tells }. It ends when the value that is
-- returned goes out of scope. Returns also the list, empty yet, of what train.fit does in it, as {run, result}.
function within.begin(state)
   if current then
      error(("scute.experiment: within '%s' another one began; one stands after the other"):format(current.run), 0)
   end
   state.fits, state.models, current = {}, born.count(), state
   return setmetatable({}, { __close = function() current = nil end }), state.fits
end

--- Whether a run of an experiment is under way.
function within.is_under_way()
   return current ~= nil
end

-- ---- options ----

local function copy_of(given)
   local own = {}
   for name, value in next, given do own[name] = value end
   return own
end

-- A copy, by the options' own names.
local function by_name(given)
   local own = {}
   for name, value in next, given do
      local entry = FIT.by_name[name]
      own[entry and rawget(given, entry[1]) == nil and entry[1] or name] = value
   end
   return own
end

-- Whether a value is the one that a command line has said.
local function is_told(given, name)
   local told = rawget(given, "arguments")
   return options.declaration_of(told) ~= nil and rawget(told, name) == given[name]
end

local function budget_text(state)
   return state.minutes and ("minutes=%g"):format(state.minutes) or ("epochs=%d"):format(state.epochs)
end

local REMEDY = "; leave it out"

-- What is the experiment's: values by name, and what is said of each.
local function of_experiment(state, folder)
   local values = { output_dir = folder, seed = state.seed, overwrite = true, keep = 1,
      resume = state.resume and "auto" or nil }
   local says = { output_dir = ("the experiment's own folder (%s)"):format(folder),
      seed = ("the experiment's (%d; context.seed is that of each run)"):format(state.seed or 0),
      overwrite = "the experiment's: results that are there stay or go as its own options say",
      keep = "the experiment's: checkpoints go once a run is finished",
      resume = "the experiment's: what was interrupted goes on with its own resume = true" }
   if state.epochs then
      values.epochs, says.epochs = state.epochs, ("what the budget (%s) says"):format(budget_text(state))
   end
   return values, says
end

local NAMES = { "output_dir", "seed", "epochs", "resume", "overwrite", "keep" }

-- What is wrong with options that a script has given; nil where nothing is.
local function fault_of(given, values, says)
   for _, name in ipairs(NAMES) do
      local value = given[name]
      local is_own = value ~= nil and value ~= false and value ~= values[name] and not is_told(given, name)
      if is_own and says[name] then
         return ("in a run of an experiment %s is %s, found %s%s"):format(name, says[name], tostring(value), REMEDY)
      end
   end
end

-- The metric that the experiment compares, where a name alone says it and the script does not.
local function with_metric(given, metric)
   local is_named = metric and not figures.is_short(metric) and named.get(metric)
   if not is_named or given and type(given) ~= "table" and type(given) ~= "string" then return given end
   local list = {}
   for word in (type(given) == "string" and given or ""):gmatch "[^,%s]+" do list[#list + 1] = word end
   for key, value in pairs(type(given) == "table" and given or {}) do list[key] = value end
   for key, value in pairs(list) do
      if key == metric or value == metric then return given end
   end
   list[#list + 1] = metric
   return list
end

-- What tells runs of an experiment apart is kept beside their results, so that a flag of the script's which changes no number
-- is nothing to a checkpoint.
local function arguments_of(state, given)
   local told = { variant = state.variant }
   for name, value in pairs(state.arguments or {}) do told[name] = value end
   told.layout = given.arguments and rawget(given.arguments, "layout") -- where photos lie, which results must not
   return told
end

-- Where train.fit writes: one after the other has a folder of its own.
local function folder_of(state)
   local n = #state.fits
   return n == 0 and state.folder or ("%s/fit%d"):format(state.folder, n + 1)
end

-- Options of `what` (train.fit, train.lr_find) as the run has them, or nil and what is wrong.
local function taken(given, values, says)
   local own = by_name(given)
   local fault = fault_of(own, values, says)
   if fault then return nil, fault end
   for name in pairs(says) do own[name] = values[name] end
   own.arguments = arguments_of(current, own)
   return own
end

local function with_hooks(list, more)
   if list and type(list) ~= "table" then return list end -- which is an error
   local all = table.move(list or {}, 1, list and #list or 0, 1, {})
   return table.move(more or {}, 1, more and #more or 0, #all + 1, all)
end

--- The options of train.fit as a new table: in a run of an experiment with what is its. What is wrong is an error at the caller
-- of the function that calls this one.
function within.options(given)
   if not current then return copy_of(given) end
   local state = current
   if #state.fits > 0 and (state.epochs or state.minutes) then
      error(("train.fit: a run with a budget (%s) trains once, and this is the second train.fit in it; leave the budget out "
         .. "and say epochs for each, or train in one, as with unfreeze = \"gradual\""):format(budget_text(state)), 3)
   end
   local values, says = of_experiment(state, folder_of(state))
   local own, fault = taken(given, values, says)
   if not own then error("train.fit: " .. fault, 3) end
   own.tensorboard = own.tensorboard or state.tensorboard
   own.hooks, own.metrics = with_hooks(own.hooks, state.hooks), with_metric(own.metrics, state.metric)
   return own
end

--- The same for train.lr_find, which looks for what a run shall train with: of that only folder and seed are the experiment's.
function within.rates(given)
   if not current then return given end
   local values, says = of_experiment(current, folder_of(current))
   local own, fault = taken(given, values, { output_dir = says.output_dir, seed = says.seed })
   if not own then error("train.lr_find: " .. fault, 3) end
   own.epochs, own.resume = nil, nil -- which mean nothing there
   return own
end

--- Options that the experiment gives a run, by name.
function within.values()
   return (of_experiment(current, folder_of(current)))
end

-- ---- whether runs are comparable ----

local function same_list(first, second)
   for i = 1, math.max(#first, #second) do
      if first[i] ~= second[i] then return false end
   end
   return true
end

local function check_photos(run, set)
   local hint = "; give train.fit context.set, or what is made of its photos that train"
   if not (same_list(run.set.val.paths, set.val.paths) and same_list(run.set.val.labels, set.val.labels)) then
      error("train.fit: other photos validate than in the other variants' runs (context.set.val)" .. hint, 0)
   end
   local held = {}
   for _, part in ipairs { set.val, set.test } do
      for _, path in ipairs(part.paths) do held[path] = true end
   end
   for _, path in ipairs(run.set.train.paths) do
      if held[path] then
         error(("train.fit: '%s' trains, but in this run of the experiment it validates or tests"):format(path) .. hint, 0)
      end
   end
end

-- An experiment and a run that say of a metric which way is better must say the same.
local function check_lower(run, metric, lower)
   local is_lower = figures.is_lower_better(run, metric)
   if lower == nil or is_lower == lower then return end
   error(("train.fit: metrics: of '%s' %s is better, and scute.experiment says lower = %s"):format(metric,
      is_lower and "less" or "more", lower), 0)
end

local function check_metric(run, metric, lower)
   local known = table.move(figures.SHORT, 1, #figures.SHORT, 1, {})
   for _, entry in ipairs(run.metrics) do known[#known + 1] = entry.name end
   for _, name in ipairs(known) do
      if name == metric then return check_lower(run, metric, lower) end
   end
   error(("scute.experiment: metric: a run has no figure '%s'%s"):format(metric, named.hint(metric, known,
      "metrics = { name = f } gives train.fit one of yours")), 0)
end

-- A schedule of another length than the run, as one for the epochs of a command line, would never end, or too early.
local function check_schedule(run, state)
   local own = run.schedule
   if not own.stretches then return end
   if state.minutes then
      error(("train.fit: the schedule (%s) goes by epochs, and the budget is %s; schedule = context.schedule goes by time")
         :format(own.name, budget_text(state)), 0)
   elseif state.epochs and own.epochs and own.epochs ~= state.epochs then
      error(("train.fit: the schedule (%s) lasts for %g epochs, and the budget is %s; leave its epochs out, and it lasts as "
         .. "long as the run"):format(own.name, own.epochs, budget_text(state)), 0)
   end
end

--- Fails where a run of train.fit that is about to begin could not be compared with the other variants'.
function within.check(run)
   if not current then return end
   if not born.is_after(run.model, current.models) then
      error("train.fit: this model was made before the run of the experiment, so that all runs would begin with the same "
         .. "random numbers, or one with what another has learned; create it in run", 0)
   end
   check_photos(run, current.set)
   if current.metric then check_metric(run, current.metric, current.lower) end
   if current.asks then error(setmetatable({ run = run }, Asked), 0) end
   check_schedule(run, current)
end

--- What train.fit is told in f(...), as the run that it would begin; it does not. nil where there is no train.fit in it.
function within.asked(f, ...)
   local done, run = pcall(f, ...)
   if done then return nil end
   if getmetatable(run) ~= Asked then error(run, 0) end
   return run.run
end

--- Hears of a run of train.fit that has ended; returns its result.
function within.ended(run, result)
   if current then current.fits[#current.fits + 1] = { run = run, result = result } end
   return result
end

return within
