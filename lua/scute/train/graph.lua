-- Forward and backward of a step as one call: on a GPU what the ops of an update have the device do is recorded once
-- (scute.record) and then done again for each batch, since asking for it anew costs the host more than it costs the device.
--
-- That holds as long as each update asks for the same. So it is recorded within an epoch alone, after some updates of batches
-- of one shape, given up at a batch of another and where memory is short, and not tried where something may look on, or do
-- other things from one update to the next: sums over several processes, hooks of the user's on steps, layers and losses of the
-- user's, mixing, class weights, accumulation. What changes lies in the device's memory: photos and classes, random streams,
-- the loss's scale. Rates, clipping and the optimizer come afterwards, as ever.
local scute = require "scute"
local console = require "scute.base.console"
local criterion = require "scute.train.criterion"
local hooks = require "scute.train.hooks"

local graph = {}

local FIRST, FAILURES = 2, 2 -- updates before one is recorded; attempts that may fail in an epoch
local SOON = 8 -- launches that recording was hardly worth
local OF_STEPS = { "on_step_begin", "on_backward_begin", "on_backward_end", "on_step_end" }

-- ---- whether it may be ----

local function looks(hook)
   for _, event in ipairs(OF_STEPS) do
      if hook[event] then return true end
   end
   return false
end

-- Whether an update of a run does the same each time.
local function is_same_each_time(run)
   if run.ordered or run.accumulate > 1 or run.mixes or run.criterion or run.class_weights or run.finds_rates then
      return false
   end
   for _, hook in ipairs(run.own_hooks) do
      if looks(hook) then return false end
   end
   for _, module in run.model:named_modules() do
      if module._of_user or rawget(module, "forward") then return false end
   end
   return true
end

-- ---- one epoch ----

local Graph = {}
Graph.__index = Graph

--- To be called when the photos of an epoch begin; <close> gives up what there is.
function graph.begin(run)
   local may = run.device:find "^cuda" and run.unread.late and not run.shared and scute.graphs() and is_same_each_time(run)
   return setmetatable({ left = may and FAILURES or 0, behind = 0 }, Graph)
end

-- Gives its memory back; the next updates go without.
function Graph:drop()
   for _, name in ipairs { "work", "x", "y", "loss", "guesses" } do
      if self[name] then self[name]:free() end
      self[name] = nil
   end
   self.behind = 0
end

function Graph:__close()
   self:drop()
end

local function shape_of(batch)
   return ("%s %s %s"):format(table.concat(batch.x.shape, " "), batch.x.dtype, batch.y:numel())
end

-- What an update reads and writes beyond what it makes.
local function watched(self, run)
   local list = { self.x, self.y, run.scaler and run.scaler.scale }
   for _, tensor in run.model:named_parameters() do list[#list + 1] = tensor end
   for _, tensor in run.model:named_buffers() do list[#list + 1] = tensor end
   return list
end

-- The counters of batches, which the host keeps: {counter, number before}.
local function counters(run)
   local list = {}
   for name, tensor in run.model:named_buffers() do
      if name:find "num_batches_tracked$" then list[#list + 1] = { tensor, tensor:item() } end
   end
   return list
end

local function like(tensor)
   return scute.zeros(tensor.shape, { dtype = tensor.dtype, device = tensor.device })
end

local function work(self, run)
   local logits <close> = run.feed.forward(self.x)
   local loss <close> = criterion.of_batch(run, logits, self)
   self.loss, self.guesses = loss:detach(), logits:argmax(2)
   run.loss = loss
   hooks.call(run, "on_backward_begin") -- the loss's scale
   local final <close> = run.loss
   run.loss = nil
   final:backward()
end

-- Told once in a run. That memory is short says nothing new: who wants to know is told what is done about it.
local function tell(run, why)
   if run.records_not or why:find("out of memory", 1, true) then return end
   run.records_not = why
   console.warn("the work of a step could not be recorded for the GPU (%s); training goes on without, to the same numbers, "
      .. "maybe slower", console.message(why))
end

local function record(self, run, batch)
   self.x, self.y, self.launches = like(batch.x), like(batch.y), 0
   self.counters = counters(run)
   run.optimizer:zero_grad()
   local why
   self.work, why = scute.record(run.device, watched(self, run), function() work(self, run) end)
   for _, entry in ipairs(self.counters) do
      entry.more = entry[1]:item() - entry[2]
      entry[1]:fill_(entry[2])
   end
   run.loss = nil
   if self.work then return true end
   tell(run, why)
   self.left = self.left - 1
   self:drop()
   return false
end

-- Gives up what does not fit any more: weights that a checkpoint is being written from have moved, say. Where that was soon, it
-- will be again.
local function give_up(self)
   if self.launches < SOON then self.left = self.left - 1 end
   self:drop()
   return false
end

local function launch(self, run, batch)
   run.optimizer:zero_grad()
   if not self.work:launch(batch.x, batch.y) then return give_up(self) end
   self.launches = self.launches + 1
   for _, entry in ipairs(self.counters) do entry[1]:fill_(entry[1]:item() + entry.more) end
   return true
end

local function again(self, run, batch)
   return (self.work or record(self, run, batch)) and launch(self, run, batch)
end

--- Gradients of an update, if they come from a graph. Returns the loss, a scalar, and guesses (n), which are the graph's; nil
-- where the update is to be done without.
function Graph:gradients(run, window)
   local batch = window[1]
   local shape = self.left > 0 and #window == 1 and not run.micro and shape_of(batch)
   if not shape or shape ~= self.shape then self:drop() end
   self.shape = shape
   self.behind = self.behind + 1
   if not shape or self.behind <= FIRST then return nil end
   local ok, done = pcall(again, self, run, batch)
   if ok and done then return self.loss, self.guesses end
   if not ok then
      if scute.error_kind(done) ~= "out of memory" then error(done, 0) end
      self.left = 0
      self:drop()
   end
   return nil
end

return graph
