-- A run in a process of its own: the script once more, which comes to the same call of scute.experiment and trains the one run
-- that its job says. Ends with that; what the script does behind the call is for the process that the user started.
local absolute = require "scute.base.absolute"
local console = require "scute.base.console"
local content = require "scute.experiment.content"
local jobs = require "scute.experiment.jobs"
local json_file = require "scute.base.json_file"
local photos = require "scute.experiment.photos"
local process = require "scute.experiment.process"
local scute = require "scute"
local traceback = require "scute.base.traceback"
local variants = require "scute.experiment.variants"

local worker = {}

local known

--- The job of this process; nil in one that the user started.
function worker.job()
   local path = process.job()
   if not path then return nil end
   if not known then
      local job, why = json_file.read(path)
      if not job then console.fail("%s", why) end
      known = job
      process.settle(job.memory)
   end
   return known
end

-- What the program says of an error that nobody caught, and the status with which it ends: see host/bind/run.c.
local function told(problem)
   scute.world.saves(true) -- what is to be closed now may save, see host/bind/run.c
   local cli, signal = package.loaded["scute.cli"], scute.interrupted()
   local status = type(problem) == "table" and math.tointeger(rawget(problem, "exit"))
   if status then return { status = status, text = rawget(problem, "message") } end
   if signal then return { status = signal == "SIGTERM" and 143 or 130, text = "interrupted" } end
   local explained = cli and cli.explain(problem)
   return { status = 1, text = explained and explained.message or traceback.describe(tostring(problem), 2) }
end

local function finish(ok, ended, ...)
   if ok then return ended, ... end
   if type(ended) ~= "table" then ended = { status = 1, text = tostring(ended) } end -- without memory nobody is asked
   io.stdout:flush()
   local was_asked = ended.status == 130 or ended.status == 143 -- as all of several processes are
   local speaks, who
   if scute.world.rank == 0 or not was_asked then speaks, who = scute.world.speaks() end
   if ended.text and speaks then io.stderr:write(who, console.visible(tostring(ended.text)), "\n") end
   os.exit(ended.status, true)
end

--- Whether a call of scute.experiment with these options is that of this process.
function worker.is_for(given)
   return type(given) == "table" and worker.job().experiment == (given.name or "experiment")
end

--- Calls f(...); an error ends the process as one that nobody caught, whatever the script catches: what stands behind the call
-- is not for a run.
function worker.whole(f, ...)
   return finish(xpcall(f, told, ...))
end

-- The run of a job with the options that the script has for its variant now.
local function run_of(job, list)
   for _, variant in ipairs(list) do
      if variant.name == job.variant then
         return { variant = variant.name, options = variant.options, run = job.run, seed = job.seed, fold = job.fold,
            inner = job.inner }
      end
   end
   console.fail("the script has no variant '%s' any more: it was edited while the experiment went on", job.variant)
end

-- What was edited meanwhile, or is another in each process, must not be mixed with the runs that are done.
local function check(job, given, list)
   local contents = content.of(given)
   local changes = content.changes(job.content, content.run(contents, run_of(job, list), job.split_seed), contents.places)
   if #changes == 0 then return end
   console.fail("this run would not be the one that was planned: %s. Was the script edited while the experiment went on? Then "
      .. "--resume --overwrite does it anew; and what differs from process to process (a time, a random name) must not be a "
      .. "setting of run", content.told(changes))
end

--- Does what the job says. given: the options of its experiment; list: the variants. Does not return.
function worker.run(given, list)
   local job = worker.job()
   job.folder, job.trial = absolute(job.folder), absolute(job.trial) -- run may change to another folder
   photos.hold(given.set, job.trial)
   check(job, given, list)
   jobs.perform(job, { set = given.set, run = given.run, variant = variants.strict(list, job.variant) })
   os.exit(true, true)
end

return worker
