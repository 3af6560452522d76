-- What the learning rates will be, as a picture, before anything trains: schedule.png in the run's folder.
local scute = require "scute"
local console = require "scute.base.console"
local exact = require "scute.train.exact"
local photos = require "scute.train.photos"
local sampling = require "scute.train.sampling"

local outlook = {}

local function trains(group)
   for _, entry in ipairs(group.parameters) do
      if entry[2].requires_grad then return true end
   end
   return false
end

-- Rate and first epoch by name, of the groups that train at some time; one rate where all of them are alike.
local function lines_of(run)
   local rates, from, least, most = {}, {}, math.huge, 0
   for _, group in ipairs(run.optimizer.groups) do
      local first = run.unfreeze and run.unfreeze.from[group.name] or trains(group) and 1 or math.huge
      if first <= run.epochs then
         rates[group.name], from[group.name] = group.base_lr, first
         least, most = math.min(least, group.base_lr), math.max(most, group.base_lr)
      end
   end
   if least == most and not run.unfreeze then return most end
   return rates, from
end

local function steps_of(run)
   return math.ceil(photos.steps_of(sampling.length(run), run.batch_size) / run.accumulate)
end

local function draw(run)
   local rates, from = lines_of(run)
   scute.plot.schedule(run.schedule, { epochs = run.epochs, steps_per_epoch = steps_of(run), lr = rates, from = from,
      span = run.span, warmup = run.unfreeze and run.unfreeze.warmup > 0 and run.unfreeze.warmup or nil })
      :save(run.folder .. "/schedule.png")
end

local function check_state(schedule)
   local plain, why = pcall(exact.check, schedule.save and schedule.save() or {})
   if not plain then error(("schedule '%s': save: %s"):format(schedule.name, why), 0) end
end

--- Fails where a schedule has a state that cannot be saved, or gives no factor in an epoch that is to come: the first and the
-- last step of each are asked for. Of one that follows the run the first step is all that is known.
function outlook.check(run)
   local each, live = steps_of(run), run.schedule.is_live
   check_state(run.schedule)
   for epoch = 1, live and 1 or run.epochs do
      for step = (epoch - 1) * each, live and 0 or epoch * each - 1, math.max(each - 1, 1) do
         run.schedule.factor { step = step, steps_per_epoch = each, epochs = run.epochs }
      end
   end
end

--- The hook. Schedules that follow the run (plateau, or live ones of one's own) have nothing to show yet.
outlook.hook = {
   on_fit_begin = function(run)
      -- One that cannot be is told now, and as what it is.
      run.schedule.factor { step = run.step, steps_per_epoch = steps_of(run), epochs = run.epochs, span = run.span }
      if not run.folder or run.schedule.is_live then return end
      local drawn, why = pcall(draw, run)
      if drawn then
         console.line("schedule: %s; its picture is %s/schedule.png", run.schedule.name, run.folder)
      else
         console.warn("schedule.png: %s", console.message(why))
      end
   end,
}

return outlook
