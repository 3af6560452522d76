-- Where a run stands, as a part of its state: epoch and step, what the epoch has counted so far, how long the run is. A run
-- that goes on may be given more epochs than before:
--
--    rates that were taken stay as they were; a schedule that stretches over the run, and a gradual unfreezing, are planned
--    anew for the epochs that remain (run.span = where they began); what trains goes on training.
local scute = require "scute"
local console = require "scute.base.console"
local metrics = require "scute.metrics"
local schedule = require "scute.schedule"
local memory = require "scute.train.memory"

local world = scute.world

local position = { name = "position" }

--- What schedules are asked with, for the next step.
function position.of_step(run)
   return { step = run.step, steps_per_epoch = run.feed.steps, epochs = run.epochs, span = run.span }
end

--- The epoch after which the model is whole: the last one that ended.
local function epochs_done(run)
   return run.part_way and run.part_way.epoch - 1 or run.epoch
end

-- A schedule whose length the script says, whatever that of the run, goes on as it was.
local function has_its_own_length(run)
   local before = run.resumed and run.resumed.state.identity["settings of the schedule"]
   return run.schedule.epochs ~= nil and run.schedule.describe ~= nil and run.schedule:describe() == before
end

local function lengthen(run, before)
   run.lengthened = { from = before, remaining = run.epochs - epochs_done(run) }
   run.span = { step = run.step, skipped = run.skipped, goes_on = has_its_own_length(run) }
   run.stopped = nil
end

function position.save(run)
   local at = run.position
   return { epoch = at.epoch, batches = at.batches, whole = at.whole, step = run.step, skipped = run.skipped,
      mean = { sum = run.mean.sum, weight = run.mean.weight }, cells = run.confusion:cells(), epochs = run.epochs,
      span = run.span, stopped = run.stopped, micro = run.micro, micros = run.micros,
      seconds = scute.clock() - run.times.clock }
end

-- Where memory had run out a process goes on with the pieces that it took. Where there were other processes, all of them take
-- the smallest.
local function load_pieces(run, saved)
   local list = saved.micros or { saved.micro or 0 }
   if #list ~= world.size then
      local least = memory.smallest(list)
      list = {}
      for i = 1, world.size do list[i] = least end
   end
   run.micros = run.shared and list or nil
   local own = list[world.rank + 1]
   run.micro = own > 0 and own or nil
end

function position.load(run, saved)
   run.position = { epoch = saved.epoch, batches = saved.batches, whole = saved.whole }
   run.epoch = saved.whole and saved.epoch or saved.epoch - 1
   run.part_way = not saved.whole and run.position or nil
   run.step, run.skipped, run.stopped = saved.step, saved.skipped, saved.stopped
   load_pieces(run, saved)
   run.mean, run.confusion = metrics.mean(), metrics.confusion(run.set.classes):add_cells(saved.cells)
   run.mean.sum, run.mean.weight = saved.mean.sum, saved.mean.weight
   run.times.clock = run.times.clock - saved.seconds
   run.span = saved.span
   if run.epochs > saved.epochs then lengthen(run, saved.epochs) end
end

--- Starts to count an epoch. Returns the number of its batches that are done already, where the run before came so far; else
-- nil.
function position.begin_epoch(run)
   local part_way = run.part_way
   run.part_way = nil
   if part_way then return part_way.batches end
   run.confusion, run.mean = metrics.confusion(run.set.classes), metrics.mean()
end

--- Says what the lengthening of a run means for it.
function position.tell(run)
   local longer = run.lengthened
   if not longer then return end
   local name, anew = run.schedule.name or "a function", {}
   local is_planned = not run.span.goes_on and schedule.lasts_for(run.schedule, run.epochs)
   anew[#anew + 1] = is_planned and ("the schedule (%s)"):format(name) or nil
   anew[#anew + 1] = run.unfreeze and run.unfreeze.gradual and "the unfreezing" or nil
   console.line("lengthened from %s to %d, of which %d remain: %s; this is not the run that %d from the start would have been",
      console.count(longer.from, "epoch"), run.epochs, longer.remaining, #anew > 0 and table.concat(anew, " and ")
      .. (#anew > 1 and " are" or " is") .. " planned anew for them" or ("the schedule (%s) goes on"):format(name), run.epochs)
end

return position
