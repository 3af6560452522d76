-- Learning rates over time, step by step, as a factor on each group's own rate.
--
--    schedule.warmup(5):then_(schedule.cosine(25))        -- epochs; what follows goes on from where the first ended
--    schedule.one_cycle():values { epochs = 10, steps_per_epoch = 50 }
--
-- A schedule is a table with `factor(position)`; position is {step, steps_per_epoch, epochs}: the number of steps done
-- before this one, from 0, over the whole run. Lengths are in epochs, also fractions; a schedule that is given none lasts
-- for the run, or for what is left of it. One that watches the run (plateau) has `observe(row)` and a state.
-- train.fit also takes a function f(step, epoch) -> factor, both from 1.
local scute = require "scute.core"

local schedule = {}

local Schedule = {}
Schedule.__index = Schedule

-- ---- reading options ----

local function check(name, options, allowed)
   for key in pairs(options) do
      if not allowed[key] then
         local known = {}
         for k in pairs(allowed) do known[#known + 1] = k end
         table.sort(known)
         local nearest = scute.nearest(tostring(key), known)
         error(("schedule.%s: unknown option '%s'%s"):format(name, key,
            nearest and (", did you mean '%s'?"):format(nearest) or "; expected " .. table.concat(known, ", ")), 4)
      end
   end
end

-- level: of the function that is called by the user, as error counts in here.
local function check_range(name, key, value, low, high, level)
   if type(value) ~= "number" or not (value >= low and value <= high) then
      error(("schedule.%s: expected %s from %g to %g, found %s"):format(name, key, low, high, tostring(value)), level or 4)
   end
end

-- Options with defaults; ranges = {key = {default or nil, low, high}}. A plain number is the one named `first`.
local function read(name, given, ranges, first)
   if type(given) == "number" and first then given = { [first] = given } end
   given = given or {}
   if type(given) ~= "table" then
      error(("schedule.%s: expected a table of options%s, found %s"):format(name, first and " or a number" or "",
         tostring(given)), 3)
   end
   check(name, given, ranges)
   local options = {}
   for key, range in pairs(ranges) do
      local value = given[key]
      if value == nil then value = range[1] end
      if value ~= nil and value ~= false and range[2] then check_range(name, key, value, range[2], range[3]) end
      options[key] = value or nil
   end
   return options
end

local function text_of(name, options)
   local parts = {}
   for key, value in pairs(options) do
      parts[#parts + 1] = ("%s = %s"):format(key, type(value) == "table" and "{" .. table.concat(value, ", ") .. "}"
         or tostring(value))
   end
   table.sort(parts)
   return ("%s { %s }"):format(name, table.concat(parts, ", "))
end

-- ---- making ----

-- at(t, n, position): the factor of step t (from 0) of n. `epochs`: how long it lasts, nil for the rest of the run.
local function new(name, options, epochs, at)
   local self = setmetatable({ name = name, text = text_of(name, options), at = at, epochs = epochs }, Schedule)
   function self.length(position)
      return epochs and math.floor(epochs * position.steps_per_epoch + 0.5) or nil
   end
   function self.factor(position)
      local n = self.length(position) or position.epochs * position.steps_per_epoch
      return at(math.min(position.step, math.max(n - 1, 0)), n, position)
   end
   return self
end

--- The factors of a run of {epochs =, steps_per_epoch =}, as a list.
function Schedule:values(options)
   for _, name in ipairs { "epochs", "steps_per_epoch" } do
      local value = type(options) == "table" and options[name]
      if math.type(value) ~= "integer" or value < 1 then
         error(("schedule: values: expected %s = a whole number of at least 1, found %s"):format(name,
            tostring(value or nil)), 2)
      end
   end
   local list = {}
   for step = 0, options.epochs * options.steps_per_epoch - 1 do
      list[#list + 1] = self.factor { step = step, steps_per_epoch = options.steps_per_epoch, epochs = options.epochs }
   end
   return list
end

--- This schedule, and after it another one, scaled so that it goes on from where this one ended (from the full rate where
-- that was zero). The last step of the first is the first of the second, so that no step is flat at the join. One that rises
-- from below that, as warmup and one_cycle do, would be scaled to beyond the full rate: it comes first, or stands alone.
function Schedule:then_(next_one)
   if type(next_one) ~= "table" or not next_one.at then
      error("schedule: then_: expected a schedule, found " .. tostring(next_one), 2)
   end
   if not self.epochs then
      error(("schedule: then_: '%s' lasts for the whole run; say how many epochs"):format(self.name), 2)
   end
   local total = next_one.epochs and self.epochs + next_one.epochs
   local function at(step, n, position)
      local first = math.min(self.length(position), math.max(n - 1, 0))
      local joined = math.max(first - 1, 0)
      local rest = n - joined
      local from = first > 0 and self.at(first - 1, first, position) or 1
      local start = next_one.at(0, rest, position)
      local scale = from > 0 and start > 0 and from / start or 1
      if scale > 1 + 1e-9 and rest > 1 then
         error(("schedule: '%s' begins at %.3g of the rate and '%s' before it ends at %.3g; put it first, or leave one out")
            :format(next_one.name, start, self.name, from), 0)
      end
      if step < first then return self.at(step, first, position) end
      return scale * next_one.at(step - joined, rest, position)
   end
   local joined = new(self.name .. ", " .. next_one.name, {}, total, at)
   joined.text = self.text .. ", then " .. next_one.text
   joined.observe, joined.save, joined.load = next_one.observe, next_one.save, next_one.load
   return joined
end

-- ---- the schedules ----

-- Half a cosine from 1 to 0 as way goes from 0 to 1; exactly so at both ends.
local function half_cosine(way)
   if way >= 1 then return 0 end
   return 0.5 * (1 + math.cos(math.pi * way))
end

-- Way of step t through n: 0 at the first, 1 at the last; a single step has the full rate.
local function way_of(t, n)
   return n > 1 and t / (n - 1) or 0
end

-- Whole epochs done before step t; tolerant of lengths that are not whole.
local function epoch_of(t, position)
   return t / position.steps_per_epoch
end

--- The same rate from the first step to the last. { epochs = (all) }
function schedule.constant(options)
   local o = read("constant", options, { epochs = { nil, 0, 1e9 } }, "epochs")
   return new("constant", o, o.epochs, function() return 1 end)
end

--- Rises by equal parts to the full rate: (t + 1) / n at step t, so that the first step does not train at zero and the
-- last one has the full rate. { epochs = 1 }
function schedule.warmup(options)
   local o = read("warmup", options, { epochs = { 1, 0, 1e9 } }, "epochs")
   return new("warmup", o, o.epochs, function(t, n) return (t + 1) / math.max(n, 1) end)
end

--- Half a cosine from the full rate to `minimum`, which the last step has exactly. { epochs = (all), minimum = 0 }
-- Loshchilov and Hutter, SGDR (2017), eq. 5; PyTorch's CosineAnnealingLR with T_max = steps - 1.
function schedule.cosine(options)
   local o = read("cosine", options, { epochs = { nil, 0, 1e9 }, minimum = { 0, 0, 1 } }, "epochs")
   return new("cosine", o, o.epochs, function(t, n)
      return o.minimum + (1 - o.minimum) * half_cosine(way_of(t, n))
   end)
end

--- A straight line from the full rate to `minimum`, which the last step has. { epochs = (all), minimum = 0 }
function schedule.linear(options)
   local o = read("linear", options, { epochs = { nil, 0, 1e9 }, minimum = { 0, 0, 1 } }, "epochs")
   return new("linear", o, o.epochs, function(t, n)
      return t == n - 1 and n > 1 and o.minimum or 1 + (o.minimum - 1) * way_of(t, n)
   end)
end

--- Linear warmup, then half a cosine down to `minimum`: warmup(warmup):then_(cosine).
-- warmup: epochs, also fractions (default 1). epochs: all of them, the warmup's included (default: the run's). minimum: the
-- factor of the last step (default 0). A warmup as long as the run is cut so that one step of cosine remains.
function schedule.warmup_cosine(options)
   local o = read("warmup_cosine", options,
      { warmup = { 1, 0, 1e9 }, epochs = { nil, 1, 1e9 }, minimum = { 0, 0, 1 } }, "warmup")
   local joined = schedule.warmup(o.warmup):then_(schedule.cosine { minimum = o.minimum })
   return new("warmup_cosine", o, o.epochs, joined.at)
end

--- Times `gamma` every so many epochs: PyTorch's StepLR. { every = 10, gamma = 0.1, epochs = (all) }
function schedule.step(options)
   local o = read("step", options, { every = { 10, 1e-9, 1e9 }, gamma = { 0.1, 0, 1e9 }, epochs = { nil, 0, 1e9 } }, "every")
   return new("step", o, o.epochs, function(t, _, position)
      return o.gamma ^ (math.floor(epoch_of(t, position) / o.every + 1e-9))
   end)
end

--- Times `gamma` after each of the epochs listed: PyTorch's MultiStepLR. { at = {30, 60}, gamma = 0.1, epochs = (all) }
function schedule.multistep(options)
   local o = read("multistep", options, { at = {}, gamma = { 0.1, 0, 1e9 }, epochs = { nil, 0, 1e9 } })
   if type(o.at) ~= "table" or #o.at == 0 then
      error("schedule.multistep: expected at = a list of epochs, found " .. tostring(o.at), 2)
   end
   for i, epoch in ipairs(o.at) do check_range("multistep", ("at[%d]"):format(i), epoch, 0, 1e9, 3) end
   return new("multistep", o, o.epochs, function(t, _, position)
      local passed = 0
      for _, epoch in ipairs(o.at) do
         if epoch_of(t, position) >= epoch - 1e-9 then passed = passed + 1 end
      end
      return o.gamma ^ passed
   end)
end

--- gamma ^ epochs, step by step: PyTorch's ExponentialLR at whole epochs. { gamma = 0.9, epochs = (all) }
function schedule.exponential(options)
   local o = read("exponential", options, { gamma = { 0.9, 0, 1e9 }, epochs = { nil, 0, 1e9 } }, "gamma")
   return new("exponential", o, o.epochs, function(t, _, position) return o.gamma ^ epoch_of(t, position) end)
end

--- Cosines that start again: the first lasts `first` epochs, each further one `factor` times as long as the one before.
-- { first = 10, factor = 1, minimum = 0, epochs = (all) }. PyTorch's CosineAnnealingWarmRestarts, step by step: a cosine is
-- at its minimum where the next one begins, not a step before.
function schedule.cosine_restarts(options)
   local o = read("cosine_restarts", options, { first = { 10, 1e-9, 1e9 }, factor = { 1, 1, 1e9 }, minimum = { 0, 0, 1 },
      epochs = { nil, 0, 1e9 } }, "first")
   return new("cosine_restarts", o, o.epochs, function(t, _, position)
      local since, length = epoch_of(t, position), o.first
      while since >= length - 1e-9 do since, length = since - length, length * o.factor end
      return o.minimum + (1 - o.minimum) * half_cosine(math.max(since, 0) / length)
   end)
end

--- One cycle: cosine up from the start share to the full rate during the `rising` share of the steps, then cosine down to
-- `minimum`. { start = 1/25, rising = 0.3, minimum = 4e-6, epochs = (all) }. Smith and Topin (2018); PyTorch's OneCycleLR
-- with its defaults (minimum = start / 1e4).
function schedule.one_cycle(options)
   local o = read("one_cycle", options, { start = { 1 / 25, 0, 1 }, rising = { 0.3, 0, 1 }, minimum = { 4e-6, 0, 1 },
      epochs = { nil, 0, 1e9 } }, "rising")
   return new("one_cycle", o, o.epochs, function(t, n)
      local top = math.max(o.rising * n - 1, 0)
      if t <= top and top > 0 then return 1 + (o.start - 1) * half_cosine(t / top) end
      local way = n - 1 > top and (t - top) / (n - 1 - top) or 0
      return o.minimum + (1 - o.minimum) * half_cosine(way)
   end)
end

--- Times `gamma` when the metric has not become better for more than `patience` epochs: PyTorch's ReduceLROnPlateau with a
-- relative threshold. { metric = "val_loss", patience = 10, gamma = 0.1, threshold = 1e-4, cooldown = 0, minimum = 0 }.
-- Metrics with "accuracy" in their name are better when higher.
function schedule.plateau(options)
   local o = read("plateau", options, { metric = { "val_loss" }, patience = { 10, 0, 1e9 }, gamma = { 0.1, 0, 1 },
      threshold = { 1e-4, 0, 1 }, cooldown = { 0, 0, 1e9 }, minimum = { 0, 0, 1 } }, "patience")
   if type(o.metric) ~= "string" then
      error("schedule.plateau: expected metric = a name as \"val_loss\", found " .. tostring(o.metric), 2)
   end
   local state = { factor = 1, bad = 0, cooldown = 0 }
   local more = o.metric:find "accuracy" ~= nil
   local self = new("plateau", o, nil, function() return state.factor end)
   local function is_better(value)
      if not state.best then return true end
      if more then return value > state.best * (1 + o.threshold) end
      return value < state.best * (1 - o.threshold)
   end
   function self.observe(row)
      local value = row[o.metric]
      if value == nil then error(("schedule.plateau: the run has no metric '%s'"):format(o.metric), 0) end
      if is_better(value) then state.best, state.bad = value, 0 else state.bad = state.bad + 1 end
      if state.cooldown > 0 then state.cooldown, state.bad = state.cooldown - 1, 0 end
      if state.bad > o.patience then
         state.factor, state.cooldown, state.bad = math.max(state.factor * o.gamma, o.minimum), o.cooldown, 0
      end
   end
   function self.save() return state end
   function self.load(saved) state = saved end
   return self
end

--- A function of one's own: f(step, epoch) -> factor, both from 1.
function schedule.custom(f)
   if type(f) ~= "function" then error("schedule.custom: expected a function f(step, epoch), found " .. tostring(f), 2) end
   return new("custom", {}, nil, function(t, _, position)
      local factor = f(t + 1, t // position.steps_per_epoch + 1)
      if type(factor) ~= "number" or factor ~= factor or factor < 0 then
         error(("schedule: the function gave %s in step %d, expected a number of at least 0"):format(tostring(factor), t + 1),
            0)
      end
      return factor
   end)
end

--- The formula of the course, epoch by epoch: epoch / warmup, then 0.5 (1 + cos(pi (epoch - warmup) / (total - warmup))),
-- epochs from 0. Its first epoch trains at rate zero, and its last does not reach zero; it says so.
function schedule.course(warmup, total)
   check_range("course", "warmup", warmup, 0, 1e9, 3)
   check_range("course", "total", total, 1, 1e9, 3)
   if total <= warmup then
      error(("schedule.course: expected a total of more than the warmup, found %g and %g: the formula would divide by zero")
         :format(total, warmup), 2)
   end
   if warmup > 0 then
      require("scute.base.console").warn("schedule.course: its first epoch trains at a rate of zero; "
         .. "schedule.warmup_cosine { warmup = %g } does not", warmup)
   end
   return new("course", { warmup = warmup, total = total }, nil, function(t, _, position)
      local epoch = t // position.steps_per_epoch
      if epoch < warmup then return epoch / warmup end
      return 0.5 * (1 + math.cos(math.pi * math.min((epoch - warmup) / (total - warmup), 1)))
   end)
end

return schedule
