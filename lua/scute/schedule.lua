-- Learning rates over time, step by step, as a factor on each group's own rate.
--
--    schedule.warmup(5):then_(schedule.cosine(25))        -- epochs; what follows goes on from where the first ended
--    schedule.one_cycle():values { epochs = 10, steps_per_epoch = 50 }
--    schedule.parse "step,every=3"                        -- as a text says it
--
-- A schedule is a table with `factor(position)`; position is {step, steps_per_epoch, epochs}: the number of steps done
-- before this one, from 0, over the whole run. Lengths are in epochs, also fractions; a schedule that is given none lasts
-- for the run, or for what is left of it. One that watches the run (plateau) has `observe(row)`, a state (save, load), reset(),
-- with which every run begins, and starts_at, the factor of its first step.
-- train.fit also takes one of your own: a function f(step, epoch) -> factor, both from 1, or a table with such a function as
-- `factor` and what else schedule.custom says; docs/parts/schedule.md explains them.
--
-- In a run that was lengthened position.span = { step, skipped, goes_on } tells where the new part began, how many updates had
-- been left out by then, and whether the schedule has a length of its own and goes on as it was: otherwise a schedule that
-- stretches over the run (cosine, linear, one_cycle, and a chain that ends in one) is planned anew for it, others go on.
local as_text = require "scute.schedule.as_text"
local options = require "scute.base.options"
local public = require "scute.base.public"
local sorted_keys = require "scute.base.sorted_keys"

local schedule = {}

local Schedule = { __name = "scute.schedule", __tostring = as_text }
Schedule.__index = Schedule

-- ---- declaring ----

local LASTS = { "epochs", number = true, min = 0, show = "the run", help = "how long it lasts" }
local MINIMUM = { "minimum", number = true, min = 0, max = 1, default = 0, help = "the factor of the last step" }

local function gamma(default, most)
   return { "gamma", number = true, min = 0, max = most, default = default, help = "what the rate is multiplied with" }
end

-- ---- making ----

local function value_text(value, where)
   if type(value) == "function" then return ("a function (%s)"):format(where(value)) end
   return type(value) == "table" and "{" .. table.concat(value, ", ") .. "}" or tostring(value)
end

-- Functions are there only where `where` says of them where they stand.
local function text_of(name, o, total, where)
   local parts = {}
   for key, value in pairs(o) do
      if not (key == "epochs" and value == total) and (where or type(value) ~= "function") then
         parts[#parts + 1] = ("%s = %s"):format(key, value_text(value, where))
      end
   end
   table.sort(parts)
   return ("%s { %s }"):format(name, table.concat(parts, ", "))
end

--- Whether a schedule stretches over a run of so many epochs, whatever the length of that.
function schedule.lasts_for(which, epochs)
   return which.stretches and (not which.epochs or which.epochs == epochs) or false
end

--- The number of epochs after which a schedule stays at the rate 0; nil where it does not, or not before a run of `epochs`
-- ends.
function schedule.ends_at_zero(which, epochs)
   if not which.epochs or which.epochs >= epochs then return nil end
   local many = 1000 -- steps, so that a fraction of an epoch is one, too
   local last = { step = math.floor(which.epochs * many + 0.5), steps_per_epoch = many, epochs = epochs }
   return which.factor(last) < 1e-9 and which.epochs or nil
end

-- Where a schedule stands: the step of all its steps, and the length that counts for it.
local function place(self, position)
   local span = position.span
   if span and not span.goes_on and schedule.lasts_for(self, position.epochs) then
      return position.step - span.step, position.epochs * position.steps_per_epoch - span.step - span.skipped
   end
   return position.step, self.length(position) or position.epochs * position.steps_per_epoch
end

-- at(t, n, position): the factor of step t (from 0) of n. `epochs`: how long it lasts, nil for the rest of the run. stretches:
-- whether it looks at n.
local function new(name, o, epochs, at, stretches)
   local self = setmetatable({ name = name, options = o, at = at, epochs = epochs, stretches = stretches }, Schedule)
   function self.length(position)
      return epochs and math.floor(epochs * position.steps_per_epoch + 0.5) or nil
   end
   function self.factor(position)
      local step, n = place(self, position)
      return at(math.min(step, math.max(n - 1, 0)), n, position)
   end
   return self
end

--- What tells two schedules apart, in one line. total: epochs of the run, which a length of just that stands for. where: for
-- people, function(f) -> where a function of one's own stands, which is left out without it.
function Schedule:describe(total, where)
   return text_of(self.name, self.options, total, where)
end

--- The factors of a run of {epochs =, steps_per_epoch =}, as a list.
function Schedule:values(run)
   for _, name in ipairs { "epochs", "steps_per_epoch" } do
      local value = type(run) == "table" and run[name]
      if math.type(value) ~= "integer" or value < 1 then
         error(("schedule: values: expected %s = a whole number of at least 1, found %s"):format(name,
            tostring(value or nil)), 2)
      end
   end
   local list = {}
   for step = 0, run.epochs * run.steps_per_epoch - 1 do
      list[#list + 1] = self.factor { step = step, steps_per_epoch = run.steps_per_epoch, epochs = run.epochs }
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
      local start = next_one.starts_at or next_one.at(0, rest, position)
      local scale = from > 0 and start > 0 and from / start or 1
      if scale > 1 + 1e-9 and rest > 1 then
         error(("schedule: '%s' begins at %.3g of the rate and '%s' before it ends at %.3g; put it first, or leave one out")
            :format(next_one.name, start, self.name, from), 0)
      end
      if step < first then return self.at(step, first, position) end
      return scale * next_one.at(step - joined, rest, position)
   end
   local joined = new(self.name .. ", " .. next_one.name, {}, total, at, next_one.stretches)
   joined.observe, joined.save, joined.load, joined.reset = next_one.observe, next_one.save, next_one.load, next_one.reset
   joined.is_own, joined.is_live = self.is_own or next_one.is_own, next_one.is_live
   joined.watches = next_one.watches
   local first = self
   function joined.describe(_, whole, where)
      return first:describe(nil, where) .. ", then " .. next_one:describe(whole and whole - first.epochs, where)
   end
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

local CONSTANT = options.declare("schedule.constant", { LASTS }, "epochs")

--- The same rate from the first step to the last.
function schedule.constant(given)
   local o = CONSTANT:read(given)
   return new("constant", o, o.epochs, function() return 1 end)
end
CONSTANT:describes(schedule.constant)

local WARMUP = options.declare("schedule.warmup", {
   { "epochs", number = true, min = 0, default = 1, help = "how long it rises" },
}, "epochs")

--- Rises by equal parts to the full rate: (t + 1) / n at step t, so that the first step does not train at zero and the
-- last one has the full rate.
function schedule.warmup(given)
   local o = WARMUP:read(given)
   return new("warmup", o, o.epochs, function(t, n) return (t + 1) / math.max(n, 1) end, true)
end
WARMUP:describes(schedule.warmup)

local COSINE = options.declare("schedule.cosine", { LASTS, MINIMUM }, "epochs")

--- Half a cosine from the full rate to `minimum`, which the last step has exactly.
-- Loshchilov and Hutter, SGDR (2017), eq. 5; PyTorch's CosineAnnealingLR with T_max = steps - 1.
function schedule.cosine(given)
   local o = COSINE:read(given)
   return new("cosine", o, o.epochs, function(t, n)
      return o.minimum + (1 - o.minimum) * half_cosine(way_of(t, n))
   end, true)
end
COSINE:describes(schedule.cosine)

local LINEAR = options.declare("schedule.linear", { LASTS, MINIMUM }, "epochs")

--- A straight line from the full rate to `minimum`, which the last step has.
function schedule.linear(given)
   local o = LINEAR:read(given)
   return new("linear", o, o.epochs, function(t, n)
      return t == n - 1 and n > 1 and o.minimum or 1 + (o.minimum - 1) * way_of(t, n)
   end, true)
end
LINEAR:describes(schedule.linear)

local WARMUP_COSINE = options.declare("schedule.warmup_cosine", {
   { "warmup", number = true, min = 0, default = 1, help = "epochs in which the rate rises" },
   { "epochs", number = true, min = 1, show = "the run", help = "all of them, the warmup's included" }, MINIMUM,
}, "warmup")

--- Linear warmup, then half a cosine down to `minimum`: warmup(warmup):then_(cosine). A warmup as long as the run is cut so
-- that one step of cosine remains.
function schedule.warmup_cosine(given)
   local o = WARMUP_COSINE:read(given)
   local joined = schedule.warmup(o.warmup):then_(schedule.cosine { minimum = o.minimum })
   return new("warmup_cosine", o, o.epochs, joined.at, true)
end
WARMUP_COSINE:describes(schedule.warmup_cosine)

local STEP = options.declare("schedule.step", {
   { "every", number = true, above = 0, default = 10, help = "epochs between two steps" }, gamma(0.1), LASTS,
}, "every")

--- Times `gamma` every so many epochs: PyTorch's StepLR.
function schedule.step(given)
   local o = STEP:read(given)
   return new("step", o, o.epochs, function(t, _, position)
      return o.gamma ^ (math.floor(epoch_of(t, position) / o.every + 1e-9))
   end)
end
STEP:describes(schedule.step)

local function is_list_of_epochs(value)
   if type(value) ~= "table" or #value == 0 then return false end
   for _, epoch in ipairs(value) do
      if type(epoch) ~= "number" or not (epoch >= 0 and epoch < math.huge) then return false end
   end
   return true
end

-- "30+60" -> { 30, 60 }.
local function read_epochs(text)
   local list = {}
   for word in (text .. "+"):gmatch "([^+]*)%+" do list[#list + 1] = tonumber(word) or 0 / 0 end
   if not is_list_of_epochs(list) then error(("expected epochs as in 30+60, found '%s'"):format(text), 0) end
   return list
end

local MULTISTEP = options.declare("schedule.multistep", {
   { "at", required = true, read = read_epochs, is = options.typed(is_list_of_epochs, "number[]"),
     expected = "a list of epochs of at least 0",
     help = "a list of epochs, as in {30, 60}" }, gamma(0.1), LASTS,
})

--- Times `gamma` after each of the epochs listed: PyTorch's MultiStepLR.
function schedule.multistep(given)
   local o = MULTISTEP:read(given)
   return new("multistep", o, o.epochs, function(t, _, position)
      local passed = 0
      for _, epoch in ipairs(o.at) do
         if epoch_of(t, position) >= epoch - 1e-9 then passed = passed + 1 end
      end
      return o.gamma ^ passed
   end)
end
MULTISTEP:describes(schedule.multistep)

local EXPONENTIAL = options.declare("schedule.exponential", { gamma(0.9), LASTS }, "gamma")

--- gamma ^ epochs, step by step: PyTorch's ExponentialLR at whole epochs.
function schedule.exponential(given)
   local o = EXPONENTIAL:read(given)
   return new("exponential", o, o.epochs, function(t, _, position) return o.gamma ^ epoch_of(t, position) end)
end
EXPONENTIAL:describes(schedule.exponential)

local COSINE_RESTARTS = options.declare("schedule.cosine_restarts", {
   { "first", number = true, above = 0, default = 10, help = "epochs of the first cosine" },
   { "factor", number = true, min = 1, default = 1, help = "how many times as long as the one before each further one is" },
   MINIMUM, LASTS,
}, "first")

--- Cosines that start again. PyTorch's CosineAnnealingWarmRestarts, step by step: a cosine is at its minimum where the next one
-- begins, not a step before.
function schedule.cosine_restarts(given)
   local o = COSINE_RESTARTS:read(given)
   return new("cosine_restarts", o, o.epochs, function(t, _, position)
      local since, length = epoch_of(t, position), o.first
      while since >= length - 1e-9 do since, length = since - length, length * o.factor end
      return o.minimum + (1 - o.minimum) * half_cosine(math.max(since, 0) / length)
   end)
end
COSINE_RESTARTS:describes(schedule.cosine_restarts)

local ONE_CYCLE = options.declare("schedule.one_cycle", {
   { "start", number = true, min = 0, max = 1, default = 1 / 25, show = "1/25", help = "the factor of the first step" },
   { "rising", number = true, min = 0, max = 1, default = 0.3, help = "the share of the steps in which the rate rises" },
   { "minimum", number = true, min = 0, max = 1, default = 4e-6, help = "the factor of the last step" }, LASTS,
}, "rising")

--- One cycle: cosine up from the start share to the full rate during the `rising` share of the steps, then cosine down to
-- `minimum`. Smith and Topin (2018); PyTorch's OneCycleLR with its defaults (minimum = start / 1e4).
function schedule.one_cycle(given)
   local o = ONE_CYCLE:read(given)
   return new("one_cycle", o, o.epochs, function(t, n)
      local top = math.max(o.rising * n - 1, 0)
      if t <= top and top > 0 then return 1 + (o.start - 1) * half_cosine(t / top) end
      local way = n - 1 > top and (t - top) / (n - 1 - top) or 0
      return o.minimum + (1 - o.minimum) * half_cosine(way)
   end, true)
end
ONE_CYCLE:describes(schedule.one_cycle)

local function is_loss(name)
   return name:find "loss$" ~= nil
end

local PLATEAU = options.declare("schedule.plateau", {
   { "metric", text = true, default = "val_loss", help = "of a row of the history: val_loss, val_accuracy, a metric, ..." },
   { "direction", choices = { "max", "min" }, show = "of the metric", help = "what is better" },
   { "patience", number = true, min = 0, default = 10, help = "epochs that may pass without a better value" },
   gamma(0.1, 1),
   { "threshold", number = true, min = 0, max = 1, default = 1e-4, help = "the share by which a better value is better" },
   { "cooldown", number = true, min = 0, default = 0, help = "epochs after a step that do not count" }, MINIMUM,
}, "patience")

--- Times `gamma` when the metric has not become better for more than `patience` epochs: PyTorch's ReduceLROnPlateau with a
-- relative threshold.
function schedule.plateau(given)
   local o = PLATEAU:read(given)
   local state
   local self = new("plateau", o, nil, function() return state.factor end)
   self.starts_at, self.is_live, self.watches = 1, true, o.metric
   function self.reset() state = { factor = 1, bad = 0, cooldown = 0 } end
   self.reset()
   local function is_better(value, is_lower)
      if not state.best then return true end
      local more = not is_lower(o.metric)
      if o.direction then more = o.direction == "max" end
      if more then return value > state.best * (1 + o.threshold) end
      return value < state.best * (1 - o.threshold)
   end
   -- is_lower(name): whether less is better of a figure; a run knows that of its metrics too.
   function self.observe(row, is_lower)
      local value = row[o.metric]
      if value == nil then error(("schedule.plateau: the run has no metric '%s'"):format(o.metric), 0) end
      if is_better(value, is_lower or is_loss) then state.best, state.bad = value, 0 else state.bad = state.bad + 1 end
      if state.cooldown > 0 then state.cooldown, state.bad = state.cooldown - 1, 0 end
      if state.bad > o.patience then
         state.factor, state.cooldown, state.bad = math.max(state.factor * o.gamma, o.minimum), o.cooldown, 0
      end
   end
   function self.save() return state end
   function self.load(saved) state = saved end
   return self
end
PLATEAU:describes(schedule.plateau)

-- What a table of one's own may have: functions, and other fields.
local OWN = { "factor", "observe", "save", "load", "reset", "describe" }
local OTHER = { name = "string", live = "boolean" }
local is_own = {}
for _, name in ipairs(OWN) do is_own[name] = true end

-- level: of the caller of schedule.custom, as error counts from here.
local function check_own(given, level)
   local where = type(given.name) == "string" and ("schedule '%s'"):format(given.name) or "schedule"
   local function expect(good, text, ...)
      if not good then error(("%s: %s"):format(where, text:format(...)), level + 1) end
   end
   expect(given.factor ~= nil, "a function 'factor' is missing, as in { factor = function(step, epoch) return 1 / epoch end }")
   for _, name in ipairs(OWN) do
      local value = given[name]
      expect(value == nil or type(value) == "function", "%s: expected a function, found %s", name, tostring(value))
   end
   for name, kind in pairs(OTHER) do
      local value = given[name]
      expect(value == nil or type(value) == kind, "%s: expected a %s, found %s", name, kind, tostring(value))
   end
   for _, name in ipairs(sorted_keys(given)) do
      local known = type(given[name]) ~= "function" or is_own[name]
      expect(known, "there is no function '%s'%s", tostring(name), not known and options.hint(name, OWN))
   end
   expect((given.save == nil) == (given.load == nil), "it has '%s' and no '%s'; a run that goes on needs both",
      given.save and "save" or "load", given.save and "load" or "save")
   expect(not given.observe or given.save, "it has 'observe' and no 'save' and 'load', without which a run cannot go on: "
      .. "save() returns what observe has learned, load(saved) takes it back")
   return where
end

-- What a function of one's own gives for step t.
local function own_factor(where, f, t, position)
   local epoch = t // position.steps_per_epoch + 1
   local factor = f(t + 1, epoch, { epochs = position.epochs, steps_per_epoch = position.steps_per_epoch })
   if type(factor) ~= "number" or factor ~= factor or factor < 0 or factor == math.huge then
      error(("%s gave %s in step %d (epoch %d), expected a number of at least 0"):format(where, tostring(factor), t + 1, epoch),
         0)
   end
   return factor
end

--- One of your own: a function f(step, epoch, run) -> factor on the groups' rates, step and epoch from 1, run = { epochs,
-- steps_per_epoch }; or a table with it as `factor`. The table may have a `name`, describe() (a text of its settings), and
-- where it follows the run observe(row), called with each epoch's row of the history, save() -> plain data, load(data), and
-- reset(), with which every run begins. live = true: it depends on more than step and epoch, and is not asked before. None is a
-- method: they are called with a dot.
function schedule.custom(given)
   if type(given) ~= "function" and type(given) ~= "table" then
      error("schedule.custom: expected a table with a factor, or a function f(step, epoch), found " .. tostring(given), 2)
   end
   local own = type(given) == "table" and given or { factor = given }
   local where = check_own(own, 3)
   where = where .. (own == given and ": factor" or ": the function")
   local self = new(own.name or "custom", { f = own.factor }, nil, function(t, _, position)
      return own_factor(where, own.factor, t, position)
   end)
   self.observe, self.save, self.load, self.reset = own.observe, own.save, own.load, own.reset
   self.is_own, self.is_live = true, own.live or own.observe ~= nil
   self.starts_at = self.is_live and 1 or nil
   if own.describe then
      function self.describe() return ("%s %s"):format(self.name, tostring(own.describe(own))) end
   end
   return self
end

--- The schedule that a value of the option `schedule` stands for: one of scute.schedule as it is, one of the user's as
-- schedule.custom makes it.
function schedule.of(value)
   return getmetatable(value) == Schedule and value or schedule.custom(value)
end

local COURSE = options.declare("schedule.course", {
   { "warmup", required = true, number = true, min = 0 }, { "total", required = true, number = true, min = 1 },
})

--- The formula of the course, epoch by epoch: epoch / warmup, then 0.5 (1 + cos(pi (epoch - warmup) / (total - warmup))),
-- epochs from 0. Its first epoch trains at rate zero, and its last does not reach zero; it says so.
function schedule.course(warmup, total)
   local o = COURSE:read { warmup = warmup, total = total }
   if total <= warmup then
      error(("schedule.course: expected a total of more than the warmup, found %g and %g: the formula would divide by zero")
         :format(total, warmup), 2)
   end
   if warmup > 0 then
      require("scute.base.console").warn("schedule.course: its first epoch trains at a rate of zero; "
         .. "schedule.warmup_cosine { warmup = %g } does not", warmup)
   end
   return new("course", o, nil, function(t, _, position)
      local epoch = t // position.steps_per_epoch
      if epoch < warmup then return epoch / warmup end
      return 0.5 * (1 + math.cos(math.pi * math.min((epoch - warmup) / (total - warmup), 1)))
   end)
end

-- ---- as a text ----

local function names()
   local list = {}
   for name, make in pairs(schedule) do
      if options.of(make) then list[#list + 1] = name end
   end
   table.sort(list)
   return list
end

--- The schedule that a text names: "cosine", or with settings "step,every=3,gamma=0.5"; multistep's epochs as "at=30+60". What
-- is wrong is an error without a position.
function schedule.parse(text)
   if type(text) ~= "string" then error("schedule.parse: expected a text, found " .. type(text), 0) end
   local name, rest = text:match "^%s*([%w_]+)%s*(.*)$"
   local declaration = name and options.of(rawget(schedule, name))
   if not declaration then error(("unknown schedule '%s'%s"):format(name or text, options.hint(name or text, names())), 0) end
   local given = {}
   for word in rest:gmatch "[^,]+" do
      local key, value = word:match "^%s*([%w_]+)%s*=%s*(%S+)%s*$"
      if not key then error(("expected settings as in step,every=3, found '%s'"):format(text), 0) end
      local entry = declaration.by_name[key]
      if not entry then error(("%s: unknown setting '%s'%s"):format(name, key, options.hint(key, declaration.names)), 0) end
      local checked, why = options.from_text(entry, value)
      if checked == nil then error(("%s: %s: %s"):format(name, key, why), 0) end
      given[key] = checked
   end
   return schedule[name](given)
end

public.hide(schedule, "of")
return schedule
