-- The jobs of an experiment: what is written for each run, and how the runs are done, in processes or here.
local scute = require "scute"
local budgets = require "scute.experiment.budgets"
local console = require "scute.base.console"
local content = require "scute.experiment.content"
local one = require "scute.experiment.one"
local plan = require "scute.experiment.plan"
local process = require "scute.experiment.process"
local to_json = require "scute.base.json"

local jobs = {}

local ORDER = { "format", "kind", "experiment", "folder", "trial", "variant", "run", "seed", "fold", "inner", "folds", "nested",
   "split_seed", "epochs", "minutes", "pause", "resume", "threads", "memory", "jobs", "metric", "lower", "tensorboard",
   "content" }

-- How many runs go on at once: no more than there are. Where few of them are missing, those have the threads that the others
-- had.
local function at_once(trial)
   return math.min(trial.given.jobs, #plan.runs(trial.plan))
end

--- Threads for each run, so that all together have those that there are.
function jobs.threads(trial)
   return math.max(1, trial.plan.threads // at_once(trial))
end

--- The job of a run as a table. trial: what scute.experiment.parent has of the experiment. fields: more of it, or other values.
function jobs.of(trial, run, fields)
   local made, given = trial.plan, trial.given
   local limits, together = made.budget and budgets.read(made.budget) or {}, at_once(trial)
   local job = { _order = ORDER, format = 1, kind = "train", experiment = made.name, folder = plan.folder(trial.folder, run),
      trial = trial.folder, variant = run.variant, run = run.run, seed = run.seed, fold = run.fold, inner = run.inner,
      folds = made.folds, nested = made.nested, split_seed = made.seed, epochs = limits.epochs, minutes = limits.minutes,
      threads = jobs.threads(trial), memory = given.memory and math.ceil(given.memory), jobs = together, metric = made.metric,
      lower = made.lower,
      tensorboard = given.tensorboard or nil, content = content.run(trial.contents, run, made.seed) }
   for name, value in pairs(fields or {}) do job[name] = value end
   return job
end

-- A job in a few words: "frozen, seed0".
local function title(job)
   return ("%s, %s%s"):format(job.variant, job.run, job.kind == "test" and ", test" or "")
end

-- Where job.json and what is said go: a test leaves what training has said.
local function place_of(job)
   return job.kind == "test" and job.folder .. "/test" or job.folder
end

--- Writes job.json of a run, and returns the job as scute.experiment.pool takes it, with run = the run and job = what was
-- written.
function jobs.write(trial, run, fields)
   local job = jobs.of(trial, run, fields)
   local place = place_of(job)
   local path = place .. "/job.json"
   console.guard("output_dir", scute.files.mkdirs, place)
   console.guard("output_dir", scute.files.write, path, to_json(job))
   local words = job.kind == "test" and trial.command_alone or trial.command
   return { words = words, env = process.environment(path), folder = place, title = title(job), run = run,
      goes_on = job.resume, timeout = trial.given.timeout, memory = job.memory, job = job }
end

--- Does what a job says, in this process. options: { set, run = the script's function, variant = what that gets }.
function jobs.perform(job, options)
   return one[job.kind](job, options)
end

return jobs
