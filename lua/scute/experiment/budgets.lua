-- What each run of a comparison may spend: so many epochs, or so many minutes.
local scute = require "scute"
local console = require "scute.base.console"
local cost = require "scute.experiment.cost"
local features = require "scute.train.features"
local kept_random = require "scute.base.kept_random"
local precision = require "scute.base.precision"

local budgets = {}

local world = scute.world

local MOST_EPOCHS = 1000 -- of a run that counts minutes: epochs on cached features take milliseconds
local WARMUP = 0.1       -- share of the minutes in which the learning rate rises
local PROBE = 8          -- photos of the batch that tells in advance how fast a frozen network is

--- "epochs=10" or "minutes=5" as {epochs = 10} or {minutes = 5.0}; anything else is an error.
function budgets.read(text)
   local unit, amount = text:match "^%s*(%a+)%s*=%s*([%d.]+)%s*$"
   amount = tonumber(amount)
   if unit == "epochs" and math.type(amount) == "integer" and amount >= 1 then return { epochs = amount } end
   if unit == "minutes" and amount and amount > 0 then return { minutes = amount + 0.0 } end
   error(("expected epochs=N or minutes=N as in epochs=10, found '%s'"):format(text), 0)
end

-- "did not fit" is what the comparison looks for.
local function refuse(limits, seconds, what)
   console.fail("%s did not fit the budget of minutes=%g: %s takes about %s; give it at least minutes=%g", limits.name,
      limits.minutes, what, console.duration(seconds), math.ceil(seconds / 6 * 1.1) / 10)
end

-- What the first of several processes has measured. Together.
local function of_first(seconds)
   return world.size == 1 and seconds or world.sums({ world.rank == 0 and seconds or 0 })[1]
end

-- A frozen network sees each photo once, which nothing interrupts: so it is estimated before.
local function check_frozen(limits, run)
   local model, shape, seconds = run.model, cost.shape(run.model, run.set), math.huge
   local random <close> = kept_random() -- luacheck: ignore
   local x <close> = scute.randn(PROBE, table.unpack(shape)):to(run.device)
   local dtype = precision.dtype(run.precision, run.device, run.batch_size * shape[2] * shape[3])
   model:eval()
   for _ = 1, 2 do
      local start = scute.clock()
      precision.call(dtype, model.embed, model, x):free()
      seconds = math.min(seconds, scute.clock() - start)
   end
   seconds = of_first(seconds) / PROBE * (#run.set.train.paths + #run.set.val.paths) / world.size
   if seconds > 60 * limits.minutes then refuse(limits, seconds, "sending the photos through it once") end
end

-- Stops after the last epoch that fits, and refuses where not even the first one does. tick(): the time that is spent, see
-- budgets.new.
local function minutes_hook(limits, elapsed, tick, add)
   local limit, first, began = 60 * limits.minutes, 0, 0
   return {
      name = "budget",
      save = function() return { seconds = elapsed() } end,
      load = function(_, saved) add(saved.seconds) end, -- what a run had spent before it was resumed
      on_fit_begin = function(run)
         if features.wanted(run) then check_frozen(limits, run) end
      end,
      on_epoch_begin = function() began, first = tick(), 0 end,
      on_step_end = function(run)
         local now = tick()
         if run.epoch > 1 then return end
         if run.step == 1 then first = now end -- the first step sets things up and says little
         local whole = first
         if run.step > 1 then whole = first + (now - first) / (run.step - 1) * (run.feed.steps - 1) end
         if whole > limit then
            run.meter:clear()
            refuse(limits, whole, "one epoch")
         end
      end,
      on_epoch_end = function(run)
         local now = tick()
         if now + (now - began) > limit and run.epoch < run.epochs then
            run.stopped = ("the next would not fit the budget of %g min"):format(limits.minutes)
         end
      end,
   }
end

-- Rises, then falls as half a cosine with the time that is spent (or with the epochs, if those end first).
local function minutes_schedule(minutes, spent)
   return { name = "warmup_cosine over time", live = true, factor = function(step, _, run)
      local way = math.min(1, math.max(spent() / (60 * minutes), (step - 1) / (run.epochs * run.steps_per_epoch)))
      if way < WARMUP then return math.max(way / WARMUP, 0.01) end
      return 0.5 * (1 + math.cos(math.pi * (way - WARMUP) / (1 - WARMUP)))
   end }
end

-- A hook that counts photos and the time of the epochs' training part, and a function that gives photos per second.
local function speedometer()
   local photos, seconds, last, run = 0, 0, 0, nil
   local meter = {
      name = "speed",
      save = function() return { photos = photos, seconds = seconds } end,
      load = function(_, saved) photos, seconds = saved.photos, saved.seconds end,
      on_fit_begin = function(started) run, last = started, scute.clock() end,
      on_step_begin = function() if last == 0 then last = scute.clock() end end,
      on_step_end = function(current)
         local now = scute.clock()
         photos, seconds, last = photos + current.last.n, seconds + now - last, now
      end,
      on_epoch_end = function() last = 0 end,
   }
   return meter, function()
      local passed = run and #run.set.train.paths + #run.set.val.paths - #run.bad
      if passed and run.times.features then return passed / run.times.features end
      return seconds > 0 and photos / seconds or nil
   end
end

--- What train.fit needs to keep a run within its budget. limits: { epochs or minutes (nil: what the run itself says), name = of
-- the run, for messages }. Returns { epochs, schedule (nil: by epochs), hooks, images_per_second = function that tells, after
-- the run, photos per second through the network while it trained }. The clock starts here.
function budgets.new(limits)
   local start = scute.clock()
   local function elapsed() return scute.clock() - start end
   local function add(seconds) start = start - seconds end
   local meter, images_per_second = speedometer()
   local budget = { epochs = limits.epochs, hooks = { meter }, images_per_second = images_per_second }
   -- Several processes go by the clock of the first one, as it stood at the last tick: rates and the end are the same in all.
   local last = 0
   local function tick()
      last = of_first(elapsed())
      return last
   end
   local function spent() return world.size == 1 and elapsed() or last end
   if limits.minutes then
      budget.epochs, budget.hooks[2] = MOST_EPOCHS, minutes_hook(limits, elapsed, tick, add)
      budget.schedule = minutes_schedule(limits.minutes, spent)
   end
   return budget
end

return budgets
