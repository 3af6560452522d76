-- One run of an experiment, in a process of its own or in a session: the photos of its seed or fold, `run` of the script, and
-- what is left of it as a record on disk (see scute.experiment.record). Whatever it changes is put back.
--
-- A job says which run it is:
--    kind                         "train", or "test" for photos that chose nothing
--    variant, run, seed           names, and the number that random numbers begin with
--    fold, folds, inner, nested   fold `fold` of `folds` instead of seeds, inner fold `inner` of `nested`, drawn by split_seed
--    folder, trial                of this run, and of the experiment: split.csv there says which photos there are
--    epochs or minutes            the budget, nil for none; pause: the epoch after which a search stops the run
--    resume, threads              whether it goes on from a checkpoint; nil: as many threads as there are
--    metric, lower, tensorboard   the figure that counts and whether less is better (nil: a run knows); event files
--    content, jobs                what the result hangs on and how many runs went on at once, for the record
local architectures = require "scute.nn.architectures"
local as_text = require "scute.data.as_text"
local budgets = require "scute.experiment.budgets"
local console = require "scute.base.console"
local context_of = require "scute.experiment.context"
local folds = require "scute.experiment.folds"
local kept_random = require "scute.base.kept_random"
local measured = require "scute.experiment.measured"
local pause = require "scute.experiment.pause"
local photos = require "scute.experiment.photos"
local plain_text = require "scute.base.plain_text"
local record = require "scute.experiment.record"
local named = require "scute.metrics.named"
local returned = require "scute.experiment.returned"
local scute = require "scute"
local tested = require "scute.experiment.tested"
local traceback = require "scute.base.traceback"
local variants = require "scute.experiment.variants"
local within = require "scute.train.within"

local one = {}

-- ---- photos ----

local function copy_of(set)
   local copy = {}
   for name, value in next, set do copy[name] = value end
   copy.notes = table.move(set.notes or {}, 1, #(set.notes or {}), 1, {})
   return as_text.set(copy)
end

-- The photos of a run: those of the trial, as it began, of this seed or fold.
local function photos_of(job, set)
   local own = copy_of(set)
   photos.hold(own, job.trial)
   if not job.fold then return own end
   return folds(own, job.fold, job.folds, job.split_seed or job.seed, job.inner, job.nested)
end

-- ---- the process ----

-- Threads and random numbers as the job says, until the value goes out of scope.
local function settled(job)
   local random, threads = kept_random(), scute.threads()
   if job.threads then scute.threads(job.threads) end
   scute.manual_seed(job.seed)
   return setmetatable({}, { __close = function()
      scute.threads(threads)
      getmetatable(random).__close()
   end })
end

-- What tells a run from others, for run.json and its checkpoints: what its variant says that is plain, and in one number what
-- the result hangs on, so that a run which is done anew does not go on with what came of another text.
local function told_of(job, variant)
   local told = { content = job.content and scute.checksum { plain_text(job.content) } }
   for key, value in next, variants.options(variant) do
      local kind = type(value)
      if key ~= "name" and (kind == "number" or kind == "string" or kind == "boolean") then told[key] = value end
   end
   return told
end

-- Checkpoints are of use to a run that is not finished; with many runs they would fill a disk.
local function tidy(folder)
   for _, name in ipairs { "checkpoint", "checkpoint-1", "last" } do os.remove(("%s/%s.safetensors"):format(folder, name)) end
end

-- ---- training ----

local function begun(job, options, set, budget, stop)
   local hooks = table.move(budget.hooks, 1, #budget.hooks, 1, {})
   hooks[#hooks + 1] = stop
   return within.begin { run = ("%s, %s"):format(job.variant, job.run), set = set, folder = job.folder, seed = job.seed,
      resume = job.resume, epochs = budget.epochs, minutes = job.minutes, hooks = hooks, metric = job.metric, lower = job.lower,
      tensorboard = job.tensorboard, variant = job.variant, arguments = told_of(job, options.variant) }
end

-- run of the script, and what train.fit did in it.
local function called(job, options, set)
   local budget = budgets.new { epochs = job.epochs, minutes = job.minutes, name = job.variant }
   local stop, start = pause(job.pause), scute.clock()
   local state <close>, fits = begun(job, options, set, budget, stop) -- luacheck: ignore
   local result = options.run(options.variant, context_of(job, set, budget))
   return { result = result, fits = fits, fit = returned.fit(job, options.run, result, fits, set), paused = stop.paused,
      seconds = scute.clock() - start, images_per_second = budget.images_per_second() }
end

-- What went wrong, at the user's line: the stack is gone once it is caught.
local function told(err)
   return type(err) == "string" and traceback.describe(err, 2) or err
end

-- A checkpoint that is no use costs the time that it would have saved, no more.
local function trained(job, options, set)
   if not job.resume then return called(job, options, set) end
   local ok, found = xpcall(called, told, job, options, set)
   if ok then return found end
   if not console.is_failure(found) or not found.message:find "^resume: " then error(found, 0) end
   console.warn("%s; the run begins anew", found.message)
   scute.manual_seed(job.seed)
   job.resume = nil
   return called(job, options, set)
end

local OF_JOB = { "variant", "run", "seed", "fold", "inner", "content", "metric", "jobs" }

local function with_job(job, found)
   for _, name in ipairs(OF_JOB) do found[name] = job[name] end
   found.threads = scute.threads()
   return found
end

--- Trains the run of a job and writes its record. options: { set = of the script, run = its function, variant = what that gets
-- }. Returns the record; nil in all but the first of several processes.
function one.train(job, options)
   local how <close> = settled(job) -- luacheck: ignore
   local set = photos_of(job, options.set)
   local done = trained(job, options, set)
   if scute.world.rank > 0 then return nil end -- of several processes the first one writes
   local found = with_job(job, measured.of(job, set, done))
   found.unread = variants.unread(options.variant)
   record.write(job.folder, record.RESULT, found)
   if found.state == "finished" then
      for _, fit in ipairs(done.fits) do tidy(fit.result.folder) end
   end
   return found
end

-- ---- testing ----

-- What may be known to `run` alone, metrics, a loss and a network of its own, as the run of train.fit that it is about to
-- begin; nil where names say all.
local function asked(job, options, set, architecture)
   local is_plain = job.metric == "accuracy" or named.get(job.metric) ~= nil
   if is_plain and architectures.get(architecture) then return nil end
   local budget = budgets.new { epochs = job.epochs, minutes = job.minutes, name = job.variant }
   local title = ("%s, %s"):format(job.variant, job.run)
   local state <close> = within.begin { run = title, set = set, seed = job.seed, -- luacheck: ignore
      folder = job.folder, epochs = budget.epochs, minutes = job.minutes, metric = job.metric, variant = job.variant,
      asks = true }
   return within.asked(options.run, options.variant, context_of(job, set, budget))
end

--- Shows the photos that chose nothing to the model of a run that is finished, once, and writes test.json beside its result.
-- Returns the record.
function one.test(job, options)
   local how <close> = settled(job) -- luacheck: ignore
   local set = photos_of(job, options.set)
   local result, why = record.read(job.folder .. "/" .. record.RESULT, job)
   if not result then console.fail("test: %s", why) end
   if not set.test then console.fail "test: the set has no photos to test, and there is no outer fold" end
   if not result.model then console.fail("test: '%s' has left no model, which train.fit does", job.variant) end
   local found = with_job(job, tested.of(job, set, result, asked(job, options, set, result.architecture)))
   record.write(job.folder, record.TEST, found)
   return found
end

return one
