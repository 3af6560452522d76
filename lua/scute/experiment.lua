-- Experiments: any comparison is a short script, and every comparison is fair.
--
--    local trial = scute.experiment {
--       set = data.open "photos", seeds = 3, budget = "epochs=10",
--       variants = { { "frozen", unfreeze = "none" }, { "gradual", unfreeze = "gradual" } },
--       run = function(variant, context)
--          local model = models.create("resnet18", { classes = context.set.classes })
--          return train.fit(model, context.set, { optimizer = optim.adamw(model:groups { lr = 1e-3 }),
--             unfreeze = variant.unfreeze })
--       end,
--    }
--    print(trial)
--
-- Each run is a process of its own, which runs the script once more up to this call. Returns { name, folder, rows (one for each
-- variant, the best first), ranked, unranked, pairs (which differences are real), best (a row), test (what the choice came to
-- on photos that chose nothing, or nil), photos (how many validated), failures, missing (how many runs) }, which prints as a
-- table with what can be said. Runs that fail are told, and the script ends with status 1. Where there is no script to start
-- again (at the prompt, with -e, from standard input) the runs are here, one after the other. The page docs/parts/experiment.md
-- says more.
--
-- The parts, in experiment/:
--    options, variants      what is asked for, and what is compared
--    plan, content          the runs, and what the result of each hangs on: reached (code and values), code (its text), known
--    settle, gather         what lies in the folder already, and what of it is done
--    parent, jobs, choice   the flow: which runs are missing, what each is told, which model is measured at last
--    pool, process          processes, so many at once; in_session: where there is no script to start again
--    together               where several processes run the script: each run is as many
--    worker, one, context   a run in its process: its photos, and what `run` of the script gets
--    budgets, folds, photos what a run may spend, which photos it has, and that they are the same ones
--    record, measured       what is left of a run on disk; failed: of one that failed; threads: where other ones make the last
--                           digits differ
--    halving, pause         stopping poor variants early; hopeless: when failures end it all
--    trial, paired, ...     what came out, and which differences are real; tell and report: how that is shown
local again = require "scute.experiment.again"
local budgets = require "scute.experiment.budgets"
local cli = require "scute.cli"
local console = require "scute.base.console"
local direction = require "scute.experiment.direction"
local options = require "scute.base.options"
local parent = require "scute.experiment.parent"
local process = require "scute.experiment.process"
local strict = require "scute.base.strict"
local surplus = require "scute.base.surplus"
local together = require "scute.experiment.together"
local variants = require "scute.experiment.variants"
local within = require "scute.train.within"
local worker = require "scute.experiment.worker"
local OPTIONS = require "scute.experiment.options"

local experiment = {}

-- ---- the command line ----

-- Those that a text can say, and what a script needs beside them.
local function flags()
   local list = {}
   for _, entry in ipairs(OPTIONS.entries) do
      if not entry.script_only then list[#list + 1] = entry end
   end
   return table.move(cli.pick(cli.common, "profile", "quiet"), 1, 2, #list + 1, list)
end

local changed_ones = setmetatable({}, { __mode = "k" }) -- entries of this family that a script has changed

--- The flag of an experiment of that name with some fields changed, as cli.changed does it with those of training:
-- experiment.changed("budget", { default = "epochs=10" }).
function experiment.changed(name, changes)
   local entry = {}
   for key, value in pairs(cli.pick(experiment.flags, name)[1]) do entry[key] = value end
   for key, value in pairs(changes) do entry[key] = value end
   changed_ones[entry] = true
   return entry
end

--- The flags of an experiment, as cli.parse takes them: alone, or before those of training as
-- cli.flags(scute.experiment.flags).
experiment.flags = flags()

-- Flags of training that mean the same here; a run's own seed and folder are the experiment's.
local OF_BOTH = { seed = true, threads = true, output_dir = true, overwrite = true, tensorboard = true }

--- The options of scute.experiment that a command line says (see cli.parse); what a script adds (set, variants, run, ...) is
-- written into it. It is strict: a field that is no option is an error with the nearest name. opt: what cli.parse returns, of
-- which what is no option of an experiment is passed over, or a table of options.
function experiment.options(opt)
   if type(opt) ~= "table" then
      error("experiment.options: expected what cli.parse returns, found " .. console.brief(opt), 2)
   end
   local given, declaration = {}, options.declaration_of(opt)
   for name, value in next, opt do
      local entry = OPTIONS.by_name[name]
      if not entry and not declaration then error("experiment.options: " .. OPTIONS:unknown(name), 2) end
      local said = declaration and declaration.by_name[name]
      local is_other = said and said ~= entry and not changed_ones[said] and not OF_BOTH[name]
      if entry and not is_other then given[name] = value end
   end
   if declaration and declaration.by_name.resume == OPTIONS.by_name.resume then again.mark(given) end
   return OPTIONS:strict(given)
end

-- ---- the call ----

local taken, first = {}, nil -- names of the experiments of this script

-- What is wrong with options beside each other; nil where nothing is.
local function fault_of(o)
   if o.nested and not o.folds then return "option 'nested': inner folds need outer ones; give folds too" end
   local limits = o.budget and budgets.read(o.budget)
   if o.search == "halving" and not (limits and limits.epochs) then
      return "option 'search': halving needs a budget of epochs, as budget = \"epochs=10\""
   end
   local lower = direction.of(o.metric)
   if lower ~= nil and o.lower ~= nil and lower ~= o.lower then
      return ("option 'lower': of '%s' %s"):format(o.metric, direction.words(lower))
   end
   if within.is_under_way() then
      return "a run of an experiment begins no other one; they stand after each other in the script"
   end
end

local function check_name(o)
   if not process.command() then return nil end
   if taken[o.name] then
      return ("there are two experiments called '%s' in this script; give each a name, as name = \"heads\""):format(o.name)
   end
   taken[o.name], first = true, first or o.name
end

-- In a run of one experiment the others are what they were.
local function in_worker(o, list)
   if worker.job().experiment ~= o.name then return parent.trial(o, list) end
   return worker.run(o, list)
end

local function begin(given, ...)
   surplus.refuse("scute.experiment(options)", "options stand in one table", ...)
   local o = OPTIONS:read(given)
   o.seeds = not o.folds and (o.seeds or 3) or nil
   local list, why, axes
   if not o.report_only then list, why, axes = variants.of(o) end -- what lies there says what was compared
   why = why or fault_of(o) or check_name(o)
   if why then error("scute.experiment: " .. why, 2) end
   if worker.job() then return in_worker(o, list) end
   local is_first = not first or first == o.name
   return together.run(o, list, function()
      return parent.run(o, list, axes, { flag = again.marked(given), is_first = is_first })
   end)
end

local function call(_, given, ...)
   if worker.job() and worker.is_for(given) then return worker.whole(begin, given, ...) end
   return begin(given, ...)
end

strict.family("scute.experiment", experiment)
debug.getmetatable(experiment).__call = call
return OPTIONS:describes(experiment)
