-- Runs jobs in processes of their own, so many at once. A job is { words = the program and its arguments, folder = where
-- output.log and errors.log go, env = { NAME = text }, title, timeout = seconds or nil, memory = bytes or nil,
-- goes_on = whether those have the words of an earlier start, which stay }.
local scute = require "scute"
local console = require "scute.base.console"
local lines = require "scute.experiment.lines"
local process = require "scute.experiment.process"

local pool = {}

local LOOK = 0.25 -- seconds from one look at all runs to the next; an end is noticed at once
local GRACE = 10 -- seconds from the polite signal to the other, for one whose time is over
local MOST = 1 -- seconds that count between two looks: while this process is stopped (Ctrl-Z) the runs are too

-- ---- one run ----

local function free_slot(running)
   local taken, slot = {}, 1
   for _, run in ipairs(running) do taken[run.slot] = true end
   while taken[slot] do slot = slot + 1 end
   return slot
end

-- The GPU of a slot; nil where all are to be seen.
local function gpu_for(self, job, slot)
   if self.at_once == 1 or #self.gpus < 2 or process.names_device(job.words) then return nil end
   return self.gpus[(slot - 1) % #self.gpus + 1]
end

local function start(self, job)
   local slot = free_slot(self.running)
   local gpu = gpu_for(self, job, slot)
   local started, id = pcall(process.start, job, slot, gpu)
   if not started then return self.ended(job, "failed", console.message(id)) end
   self.running[#self.running + 1] = { job = job, id = id, slot = slot, seconds = 0 }
end

-- How it ended, and why; an end that was asked for here is told as that.
local function outcome(run, how, code)
   local what, why, signal = process.outcome(run.job, how, code)
   if what ~= "done" and run.is_late then
      return "timeout", ("it took longer than %s (timeout)"):format(console.duration(run.job.timeout))
   end
   if run.was_told and how == "signal" then return "interrupted", why end
   if what == "memory" and run.job.memory then
      why = ("%s (memory: it may have %s)"):format(why, console.bytes(run.job.memory))
   end
   return what, why, signal
end

local function finish(self, id, how, code)
   for i, run in ipairs(self.running) do
      if run.id == id then
         table.remove(self.running, i)
         return self.ended(run.job, outcome(run, how, code))
      end
   end
end

-- ---- signals ----

-- It may have ended in this moment.
local function send(run, name)
   pcall(scute.process.signal, run.id, name)
end

-- Ctrl-C at a terminal reaches this process alone. It is passed on as SIGTERM, to the run and to all that it has started: while
-- a run waits for a command (os.execute) it does not hear of it.
local function pass_on(self)
   if not scute.interrupted() then return end
   for _, run in ipairs(self.running) do
      if not run.was_told then
         run.was_told = true
         send(run, "SIGTERM")
      end
   end
end

local function look_at_times(self)
   local now = scute.clock()
   local passed = math.min(now - self.looked, MOST)
   self.looked = now
   for _, run in ipairs(self.running) do
      run.seconds = run.seconds + passed
      local over = run.job.timeout and run.seconds - run.job.timeout or -1
      if over > 0 and not run.is_late then
         run.is_late = true
         send(run, "SIGTERM")
      elseif over > self.grace then
         send(run, "SIGKILL")
      end
   end
end

-- ---- all of them ----

local function start_those_that_fit(self, jobs)
   while not scute.interrupted() and #self.running < self.at_once and self.next <= #jobs do
      local job = jobs[self.next]
      self.next = self.next + 1
      if self.started(job) ~= false then start(self, job) end
   end
end

local function wait(self)
   local ids = {}
   for i, run in ipairs(self.running) do ids[i] = run.id end
   return scute.process.wait(ids, LOOK)
end

-- Where a function of the caller's raised an error, no process is left behind.
local function stop_all(self)
   for _, run in ipairs(self.running) do send(run, "SIGTERM") end
   local until_then = scute.clock() + self.grace
   while #self.running > 0 do
      if scute.clock() > until_then then
         for _, run in ipairs(self.running) do send(run, "SIGKILL") end
      end
      local id = wait(self)
      for i, run in ipairs(self.running) do
         if run.id == id then table.remove(self.running, i) break end
      end
   end
end

local function nothing() end

local function new(options)
   return setmetatable({ at_once = options.at_once or 1, started = options.started or nothing, ended = options.ended or nothing,
      grace = options.grace or GRACE, gpus = process.gpus(), running = {}, next = 1, looked = scute.clock() },
      { __close = stop_all })
end

--- Runs all jobs, and returns "done", or "interrupted" where Ctrl-C or SIGTERM asked to stop: then no other is started, and
-- those that run are told and have the time to save. Jobs that are added to the list meanwhile run too. The caller has set
-- scute.on_interrupt "finish". options:
--   at_once  so many at once (default 1), each with a number from 1 on in SCUTE_EXPERIMENT_SLOT and, where there are several
--            GPUs, one of those (where the command line does not say --device cpu or a card's number)
--   started  f(job), called before it starts: false leaves it out
--   ended    f(job, how, why, signal) with how = "done", "failed", "interrupted", "timeout" (its time was over) or "memory"
--            (there was none left), why in one line, and the signal that ended it, if one did
--   shown    the latest line of each run is shown in place (default: on a terminal, unless quiet)
--   grace    seconds that one has to save whose time is over (default 10)
function pool.run(jobs, options)
   local shown = options.shown
   if shown == nil then shown = console.is_terminal(1) and not (options.quiet or console.quiet) end
   local self <close> = new(options)
   local screen <close> = lines.new(shown)
   while true do
      start_those_that_fit(self, jobs)
      if #self.running == 0 then break end
      screen:show(self.running)
      local id, how, code = wait(self)
      pass_on(self)
      look_at_times(self)
      if id then
         screen:clear()
         finish(self, id, how, code)
      end
   end
   return scute.interrupted() and "interrupted" or "done"
end

return pool
