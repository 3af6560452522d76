-- The runs of an experiment where there is no script to start again: at the prompt, with -e, from standard input. They are done
-- here, one after the other; memory, time and what is left behind are then not those of a process of their own.
local console = require "scute.base.console"
local jobs = require "scute.experiment.jobs"
local scute = require "scute"
local variants = require "scute.experiment.variants"

local in_session = {}

-- What a run has raised, as the pool tells it.
local function outcome(problem)
   local status = type(problem) == "table" and rawget(problem, "exit")
   if status == 130 or status == 143 or scute.interrupted() then return "interrupted", "interrupted" end
   return "failed", console.message(problem)
end

-- Does a job, which Ctrl-C and SIGTERM end wherever its code is: train.fit asks for the time to finish a step itself.
local function perform(job, options)
   local before = scute.on_interrupt "stop"
   local how <close> = setmetatable({}, { __close = function() scute.on_interrupt(before) end }) -- luacheck: ignore
   return jobs.perform(job, options)
end

--- Runs jobs as scute.experiment.pool does, with the options of it that make sense here. trial: what scute.experiment.parent
-- has of the experiment.
function in_session.run(list, trial, options)
   local given, i = trial.given, 0
   while i < #list and not scute.interrupted() do
      i = i + 1
      local job = list[i]
      if options.started(job) ~= false then
         local ok, problem = pcall(perform, job.job, { set = given.set, run = given.run,
            variant = variants.strict(trial.variants, job.run.variant) })
         if ok then options.ended(job, "done") else options.ended(job, outcome(problem)) end
         collectgarbage()
      end
   end
   return scute.interrupted() and "interrupted" or "done"
end

return in_session
