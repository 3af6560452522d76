--- Progressive fine-tuning: which groups of a model train from which epoch on.
--
--    local plan = unfreeze.plan(model, "head,layer4@3,layer3@6", { epochs = 10 })
--    train.fit(model, set, { optimizer = ..., epochs = 10, unfreeze = plan })
--
-- A schedule is data: a text, or a table {group = epoch}. As a text it is one of
--    head,layer4@3,layer3@6   groups with the epoch (from 1) in which they join; without one, the first
--    gradual:2                the head first, then one more group every 2 epochs, down to the stem
--    gradual                  the same, evenly over the run: what is taken where nothing is said
--    all                      everything trains from the start
--    none                     the head alone
-- In a run that is lengthened `gradual` is planned anew: what trains goes on, the groups that wait join evenly over what
-- remains. Groups are the model's (model:groups()), "head" and "backbone"; "backbone" stands for those of it that have not
-- joined yet. A group that joins gets fresh optimizer state, since that is kept by parameter; what trained already goes on as
-- if nothing had happened. Parts that wait keep parameters and batch norm statistics bit for bit.
local scute = require "scute"
local console = require "scute.base.console"
local options = require "scute.base.options"
local sorted_keys = require "scute.base.sorted_keys"

local unfreeze = {}

local WIDTH = 50     -- characters of the timeline
local MOST = 1000000 -- epochs between two groups

local Plan = { __name = "scute.unfreezing" }
Plan.__index = Plan

-- A schedule that makes no sense is a mistake in the command: exit status 2.
local function refuse(format, ...)
   console.stop(2, "unfreeze: " .. format, ...)
end

-- ---- reading ----

-- "layer4@3" -> "layer4", 3.
local function read_entry(word)
   local name, epoch = word:match "^([^@%s]+)%s*@%s*(%S+)$"
   if not name then
      name = word:match "^([^@%s]+)$"
      if not name then refuse("expected GROUP or GROUP@EPOCH, found '%s', as in head,layer4@3", word) end
      return name, 1
   end
   local number = epoch:find "^%d+$" and math.tointeger(tonumber(epoch))
   if not number or number < 1 then
      refuse("'%s': expected an epoch of at least 1 behind the @, found '%s'", word, epoch)
   end
   return name, number
end

local function read_text(text)
   local entries = {}
   for word in (text .. ","):gmatch "([^,]*)," do
      local name, epoch = read_entry(word:match "^%s*(.-)%s*$")
      entries[#entries + 1] = { name, epoch }
   end
   return entries
end

local function read_table(map)
   local entries = {}
   for name, epoch in pairs(map) do
      if type(name) ~= "string" or math.type(epoch) ~= "integer" or epoch < 1 then
         refuse("expected {group = epoch} with whole epochs of at least 1, found %s = %s", tostring(name), tostring(epoch))
      end
      entries[#entries + 1] = { name, epoch }
   end
   table.sort(entries, function(a, b) -- the aliases behind the groups of the same epoch
      if a[2] ~= b[2] then return a[2] < b[2] end
      if (a[1] == "backbone") ~= (b[1] == "backbone") then return b[1] == "backbone" end
      return a[1] < b[1]
   end)
   return entries
end

-- Epochs between two groups: nil where the text is no gradual schedule.
local function read_gradual(text, groups, epochs)
   if text == "gradual" then return math.max(1, epochs // groups) end
   local interval = text:match "^gradual:(.*)$"
   if not interval then return nil end
   local number = interval:find "^%d+$" and math.tointeger(tonumber(interval))
   if not number or number < 1 or number > MOST then
      refuse("'%s': expected a whole number of epochs from 1 to %d, as in gradual:2", text, MOST)
   end
   return number
end

-- ---- planning ----

local function members(model, name, names)
   local aliases = model:group_aliases()
   if aliases[name] then return aliases[name] end
   for _, group in ipairs(names) do
      if group == name then return { name } end
   end
   local known = table.move(names, 1, #names, 1, {})
   for _, alias in ipairs(sorted_keys(aliases)) do known[#known + 1] = alias end
   local near = scute.nearest(name, known)
   refuse("no group '%s' in %s%s; groups: %s", name, model.arch or "the model",
      near and ("; did you mean '%s'?"):format(near) or "", table.concat(known, ", "))
end

local function add_entry(plan, model, name, epoch)
   local joined = false
   local list = members(model, name, plan.groups)
   for _, group in ipairs(list) do
      if not plan.from[group] then
         plan.from[group] = epoch
         joined = true
      end
   end
   if not joined then refuse("'%s' is named twice", name) end
   if epoch > plan.epochs then
      plan.warnings[#plan.warnings + 1] = ("unfreeze: %s@%d lies beyond the %s of the run, so it stays frozen"):format(name,
         epoch, console.count(plan.epochs, "epoch"))
   end
end

local function from_entries(plan, model, entries)
   local last
   for _, entry in ipairs(entries) do
      local name, epoch = entry[1], entry[2]
      if last and epoch < last[2] then
         refuse("it goes backwards: '%s@%d' comes after '%s@%d'; list the groups in the order in which they join", name,
            epoch, last[1], last[2])
      end
      add_entry(plan, model, name, epoch)
      last = entry
   end
end

local function from_text(plan, text, model)
   local head = plan.groups[#plan.groups]
   local interval = read_gradual(text, #plan.groups, plan.epochs)
   plan.gradual = text == "gradual"
   if interval then
      for i, group in ipairs(plan.groups) do plan.from[group] = 1 + (#plan.groups - i) * interval end
   elseif text == "all" then
      for _, group in ipairs(plan.groups) do plan.from[group] = 1 end
   elseif text == "none" then
      plan.from[head] = 1
   else
      from_entries(plan, model, read_text(text))
   end
end

local function check_something_trains(plan)
   local first = math.huge
   for _, epoch in pairs(plan.from) do first = math.min(first, epoch) end
   if first == math.huge then refuse "it names no group; begin with head, as in head,layer4@3" end
   if first > 1 then
      refuse("nothing would train before epoch %s: begin with head, as in head,%s@%s", first,
         plan.groups[#plan.groups - 1] or "stem", first)
   end
end

local PLAN = options.declare("unfreeze.plan", {
   { "epochs", required = true, whole = true, min = 1, help = "epochs of the run" },
   { "batch_norm", choices = { "eval", "train_affine", "train" }, show = "eval",
     help = "of what is frozen, see Module:freeze" },
   { "warmup", whole = true, min = 0, default = 0,
     help = "steps in which the learning rate of a group that joins later rises from zero to its own" },
})

--- Reads a schedule (see above; default "gradual") for a model. A mistake is an error of one line that ends a script with
-- status 2. What lies beyond the run is in plan.warnings.
function unfreeze.plan(model, schedule, given)
   local o = PLAN:read(given)
   if type(model) ~= "table" or not model.group_paths then
      error("unfreeze.plan: expected a model of scute.models, found " .. console.brief(model), 2)
   elseif schedule ~= nil and type(schedule) ~= "table" and type(schedule) ~= "string" then
      error("unfreeze.plan: expected a text or {group = epoch}, found " .. console.brief(schedule), 2)
   end
   local plan = setmetatable({ groups = {}, from = {}, warnings = {}, active = {}, epochs = o.epochs, batch_norm = o.batch_norm,
      warmup = o.warmup }, Plan)
   for i, group in ipairs(model:group_paths()) do plan.groups[i] = group[1] end
   if type(schedule) == "table" then
      from_entries(plan, model, read_table(schedule))
   else
      from_text(plan, schedule or "gradual", model)
   end
   check_something_trains(plan)
   return plan
end
PLAN:describes(unfreeze.plan)

-- "fc@1,layer4@3", from the head down.
local function joins_text(self)
   local words = {}
   for i = #self.groups, 1, -1 do
      local group = self.groups[i]
      words[#words + 1] = self.from[group] and ("%s@%d"):format(group, self.from[group]) or nil
   end
   return table.concat(words, ",")
end

local function plan_text(self, joins)
   return ("%s, batch norm %s, warmup %d"):format(joins, self.batch_norm or "eval", self.warmup)
end

--- What tells two plans apart, in one line, before a run began: the groups with the epochs in which they join, but of a gradual
-- one that it is that, whatever the length of the run.
function Plan:describe()
   return plan_text(self, self.gradual and "gradual" or joins_text(self))
end

--- The same for people: with the epochs of a gradual one as well.
function Plan:tell()
   return plan_text(self, (self.gradual and "gradual: " or "") .. joins_text(self))
end

local function copy_of(map)
   local copy = {}
   for key, value in pairs(map) do copy[key] = value end
   return copy
end

--- A plan as a run begins with it: where it was used before does not matter. Fails where it is one for another length or
-- another model.
function Plan:for_run(model, epochs)
   if self.epochs ~= epochs then
      console.fail("unfreeze: the plan is one for %s and the run has %d; make it with { epochs = %d }",
         console.count(self.epochs, "epoch"), epochs, epochs)
   end
   local groups = {}
   for i, group in ipairs(model:group_paths()) do groups[i] = group[1] end
   if table.concat(groups, ", ") ~= table.concat(self.groups, ", ") then
      console.fail("unfreeze: the plan is one for a model with the groups %s; this one has %s",
         table.concat(self.groups, ", "), table.concat(groups, ", "))
   end
   local plan = setmetatable(copy_of(self), Plan)
   plan.active, plan.begun, plan.from = {}, nil, copy_of(self.from)
   return plan
end

-- ---- acting ----

--- Brings the model to where it stands in an epoch: whatever has not joined by then is frozen, the rest trains. Returns
-- the groups that joined since the last call.
function Plan:apply(model, epoch)
   if not self.begun then
      model:freeze(nil, { batch_norm = self.batch_norm })
      self.begun = true
   end
   local joined = {}
   for i = #self.groups, 1, -1 do
      local group = self.groups[i]
      if not self.active[group] and (self.from[group] or math.huge) <= epoch then
         model:unfreeze(group)
         self.active[group] = true
         joined[#joined + 1] = group
      end
   end
   return joined
end

-- What waits after `done` epochs joins evenly over those that remain.
local function plan_anew(self, done)
   local waiting = {}
   for i = #self.groups, 1, -1 do
      if not self.active[self.groups[i]] then waiting[#waiting + 1] = self.groups[i] end
   end
   local interval = math.max(1, (self.epochs - done) // (#waiting + 1))
   for i, group in ipairs(waiting) do self.from[group] = done + 1 + i * interval end
end

--- The last epoch, from `epoch` on, in which what trains is what trains now; the last of the run where nothing joins.
function Plan:unchanged_until(epoch)
   local last = self.epochs
   for _, from in pairs(self.from) do
      if from > epoch then last = math.min(last, from - 1) end
   end
   return last
end

-- Share of its own rate that a group has in a step of the run (from 0) while it warms up.
function Plan:warmup_factor(group, step, steps_per_epoch)
   local from = self.from[group]
   if self.warmup == 0 or not from or from == 1 then return 1 end
   local since = step - (from - 1) * steps_per_epoch
   return math.max(math.min((since + 1) / self.warmup, 1), 0)
end

--- The plan as text, a line per group from the head down: "#" where it trains, "." where it waits. rates: learning rate
-- by group, to stand beside it.
function Plan:timeline(rates)
   local each = math.ceil(self.epochs / WIDTH)
   local lines = { ("unfreezing over %s%s (#: trains, .: frozen)"):format(console.count(self.epochs, "epoch"),
      each > 1 and (", %d to a character"):format(each) or "") }
   local longest = 0
   for _, group in ipairs(self.groups) do longest = math.max(longest, #group) end
   for i = #self.groups, 1, -1 do
      local group = self.groups[i]
      local from, marks = self.from[group] or math.huge, {}
      for last = each, self.epochs + each - 1, each do
         marks[#marks + 1] = from <= math.min(last, self.epochs) and "#" or "."
      end
      local when = from > self.epochs and "frozen" or from == 1 and "from the start" or ("from epoch %d"):format(from)
      local rate = from <= self.epochs and rates and rates[group]
      lines[#lines + 1] = ("  %-" .. longest .. "s  %s  %s%s"):format(group, table.concat(marks), when,
         rate and (", learning rate %.3g"):format(rate) or "")
   end
   return table.concat(lines, "\n")
end

function Plan:__tostring()
   return self:timeline()
end

local function base_rates(optimizer)
   local rates = {}
   for _, group in ipairs(optimizer.groups) do rates[group.name] = group.base_lr end
   return rates
end

local function tell(run, group)
   local rates, count = base_rates(run.optimizer), 0
   for _, entry in ipairs(run.model:groups()) do
      if entry.name == group then count = entry.trainable end
   end
   run.meter:clear()
   console.line("epoch %d: %s joins, %d parameters, learning rate %.3g%s", run.epoch, group, count, rates[group] or 0,
      run.unfreeze.warmup > 0 and (" after %s"):format(console.count(run.unfreeze.warmup, "step")) or "")
end

--- What train.fit does with a plan: applies it as epochs begin, and scales the rates of groups that warm up. Its state is what
-- has joined, and when the rest will.
unfreeze.hook = {
   name = "unfreeze",
   sets_rates = true,
   save = function(run)
      local plan = run.unfreeze
      return { begun = plan.begun or false, active = copy_of(plan.active), from = copy_of(plan.from) }
   end,
   load = function(run, saved)
      local plan = run.unfreeze
      plan.begun, plan.active = saved.begun or nil, copy_of(saved.active)
      if not run.lengthened or plan.gradual then plan.from = copy_of(saved.from) end
      if run.lengthened and plan.gradual then plan_anew(plan, run.epochs - run.lengthened.remaining) end
   end,
   on_epoch_begin = function(run)
      local joined = run.unfreeze:apply(run.model, run.epoch)
      for _, group in ipairs(joined) do
         if run.unfreeze.from[group] == run.epoch then tell(run, group) end
      end
   end,
   on_step_begin = function(run)
      for _, group in ipairs(run.optimizer.groups) do
         local factor = run.unfreeze:warmup_factor(group.name, run.step, run.feed.steps)
         if factor ~= 1 then run.optimizer:set_lr(group.lr * factor, group.name) end
      end
   end,
}

--- Prints the timeline and the warnings of a run's plan.
function unfreeze.describe(run)
   for _, warning in ipairs(run.unfreeze.warnings) do console.warn("%s", warning) end
   console.line("%s", run.unfreeze:timeline(base_rates(run.optimizer)))
end

return unfreeze
