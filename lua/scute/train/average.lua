-- An exponential moving average of the weights, kept beside them: average = decay * average + (1 - decay) * weight after
-- each update, and buffers (batch norm statistics) as they are. Validated after each epoch (ema_val_loss and
-- ema_val_accuracy in the history) and saved as ema.safetensors; that of the epoch in which it was best, by the same figure as
-- the weights', as best_ema.safetensors.
--
-- The decay of update t (from 1) is at most (1 + t) / (10 + t), so that the average of a short run does not stay near its
-- start (as in TensorFlow's ExponentialMovingAverage with num_updates).
local scute = require "scute"
local best = require "scute.train.best"
local kept_weights = require "scute.train.kept"
local parallel = require "scute.train.parallel"
local sorted_keys = require "scute.base.sorted_keys"

local average = {}

local Average = {}
Average.__index = Average

--- The option `ema` as a table; fails where it is none.
function average.read(decay)
   local options = type(decay) == "table" and decay or { decay = decay }
   if type(options.decay) ~= "number" or not (options.decay >= 0 and options.decay < 1) then
      error(("ema: expected a decay of at least 0 and below 1, found %s"):format(tostring(options.decay)), 0)
   end
   for _, key in ipairs(sorted_keys(options)) do
      if key ~= "decay" and key ~= "rising" then
         error(("ema: there is no '%s'; it takes decay and rising"):format(tostring(key)), 0)
      end
   end
   return options
end

--- An average of the model's parameters that train. `decay`: below 1, 0.999 say; or { decay =, rising = false } for one
-- that is the same from the first update on, as PyTorch's AveragedModel has it.
function average.new(model, decay)
   local options = average.read(decay)
   return setmetatable({ model = model, decay = options.decay, rising = options.rising ~= false, tensors = {} }, Average)
end

--- Takes in what the weights are now; `t` is the number of this update, from 1. found_inf: a tensor of one number; where it
-- is not 0 nothing is taken in.
function Average:update(t, found_inf)
   local decay = self.rising and math.min(self.decay, (1 + t) / (10 + t)) or self.decay
   local averages, weights = {}, {}
   for name, tensor in self.model:named_parameters() do
      if tensor.requires_grad then
         if self.tensors[name] then
            averages[#averages + 1], weights[#weights + 1] = self.tensors[name], tensor
         else
            self.tensors[name] = tensor:detach():clone() -- a part that just began to train, as it is
         end
      end
   end
   if #averages > 0 then
      scute.average_step { averages = averages, values = weights, decay = decay, found_inf = found_inf }
   end
end

-- True where a part that trains is not in the average yet.
function Average:is_behind()
   for name, tensor in self.model:named_parameters() do
      if tensor.requires_grad and not self.tensors[name] then return true end
   end
   return false
end

--- Calls f(...) while the model has the averaged weights.
function Average:within(f, ...)
   local own, kept = self.model:state_dict().tensors, {}
   scute.no_grad(function()
      for name in pairs(self.tensors) do kept[name] = own[name]:clone() end -- all first: two names may be of one tensor
      for name, tensor in pairs(self.tensors) do own[name]:copy_(tensor) end
   end)
   local results = table.pack(pcall(f, ...))
   scute.no_grad(function()
      for name, tensor in pairs(kept) do
         own[name]:copy_(tensor)
         tensor:free()
      end
   end)
   if not results[1] then error(results[2], 0) end
   return table.unpack(results, 2, results.n)
end

--- The average as a part of a run's state (see scute.train.state).
average.part = { name = "average", alike = true }

function average.part.save(run)
   return {}, run.average.tensors
end

function average.part.load(run, _, tensors)
   local own = run.model:state_dict().tensors
   run.average.tensors = {}
   for name, tensor in pairs(tensors) do
      local copy = tensor:clone()
      run.average.tensors[name] = copy:to(own[name].device)
      if run.average.tensors[name] ~= copy then copy:free() end
   end
end

--- The average of the best epoch (run.average.best = { row, weights }), as another part.
average.best_part = { name = "best_average" }

function average.best_part.save(run)
   local row = run.average:best_row()
   return { epoch = row and row.epoch }, row and run.average.best.weights
end

function average.best_part.load(run, data, tensors)
   if data.epoch then run.average.best = { row = run.history[data.epoch], weights = tensors } end
end

--- Follows as parts of the model begin to train: see scute.train.kept.
function Average:widen(run, before)
   if self.best then kept_weights.widen(run, self.best.weights, before) end
end

--- The row of the history in which the average was best; nil where there is none yet.
function Average:best_row()
   return self.best and self.best.row
end

-- Keeps what the model has, which are the averages, where that is the best so far.
local function keep(run, row)
   local before = run.average.best
   if not best.is_better(row, run.average:best_row(), run.best_by, run.less_is_better, "ema_") then return end
   run.average.best = nil
   if before then kept_weights.free(before.weights) end -- first: one copy is enough
   run.average.best = { row = row, weights = kept_weights.copy(run) }
end

--- Adds to a row what the averaged weights reach; false where the run was interrupted.
function average.validate(run, row, validate)
   return run.average:within(function()
      local confusion, loss, _, measured = validate(run)
      if not confusion then return false end
      for name, value in pairs(measured) do row["ema_" .. name] = value end
      row.ema_val_loss, row.ema_val_accuracy, row.ema_balanced = loss, confusion:accuracy(), confusion:balanced_accuracy()
      parallel.share_row(run, row)
      keep(run, row)
      return true
   end)
end

--- The hook that lets the average follow; an update that was skipped moved nothing. What it begins with must be the weights
-- after an update, so it waits to hear whether there was one.
average.hook = {
   on_step_end = function(run)
      if run.average:is_behind() then run.unread:settle() end
      if not run.last.skipped then run.average:update(run.step, run.optimizer.found_inf) end
   end,
}

return average
