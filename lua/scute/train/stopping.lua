-- Early stopping. The best weights are those that a run ends with, whether it stopped early or not (see train.record).
--
--    train.fit(model, set, { ..., early_stop = 5 })
--    train.fit(model, set, { ..., early_stop = { metric = "val_loss", patience = 5, min_change = 1e-3, diverged = 10 } })
local scute = require "scute"
local console = require "scute.base.console"

local stopping = {}

-- Whether more is better.
local METRICS = { val_accuracy = true, val_loss = false, train_loss = false, train_accuracy = true, balanced = true,
   ema_val_accuracy = true, ema_val_loss = false }
local DEFAULTS = { metric = "val_accuracy", patience = 0, min_change = 0, diverged = math.huge }

local function read(given)
   if type(given) == "number" then given = { patience = given } end
   if type(given) ~= "table" then
      error("early_stop: expected a patience in epochs or a table of options, found " .. tostring(given), 0)
   end
   local options, names = {}, {}
   for name, value in pairs(DEFAULTS) do
      options[name] = value
      names[#names + 1] = name
   end
   names[#names + 1] = "direction"
   table.sort(names)
   for name, value in pairs(given) do
      if DEFAULTS[name] == nil and name ~= "direction" then
         local near = scute.nearest(tostring(name), names)
         error(("early_stop: unknown option '%s'%s"):format(tostring(name), near and (", did you mean '%s'?"):format(near)
            or "; expected " .. table.concat(names, ", ")), 0)
      end
      if type(DEFAULTS[name]) == "number" and not (type(value) == "number" and value >= 0) then
         error(("early_stop: %s: expected a number of at least 0, found %s"):format(name, tostring(value)), 0)
      end
      options[name] = value
   end
   if METRICS[options.metric] == nil then
      local known = {}
      for name in pairs(METRICS) do known[#known + 1] = name end
      table.sort(known)
      error(("early_stop: expected a metric of %s, found '%s'"):format(table.concat(known, ", "), tostring(options.metric)), 0)
   end
   if options.direction ~= nil and options.direction ~= "max" and options.direction ~= "min" then
      error(("early_stop: direction: expected 'max' or 'min', found '%s'"):format(tostring(options.direction)), 0)
   end
   options.more = METRICS[options.metric]
   if options.direction then options.more = options.direction == "max" end
   return options
end

local function reason(options, state, row, value)
   if value ~= value then return ("%s is no number in epoch %d"):format(options.metric, row.epoch) end
   if row.val_loss > options.diverged then
      return ("the validation loss reached %.3g in epoch %d, above %.3g"):format(row.val_loss, row.epoch, options.diverged)
   end
   local since = row.epoch - state.epoch
   if options.patience > 0 and since >= options.patience then
      return ("no better for %s: %s was %.4g in epoch %d"):format(console.count(since, "epoch"), options.metric, state.value,
         state.epoch)
   end
   return nil
end

--- The hook of a patience in epochs, or of a table:
--   metric       "val_accuracy"   or val_loss, train_loss, train_accuracy, balanced, ema_val_accuracy, ema_val_loss
--   direction    of the metric    "max" or "min": what is better
--   patience     0                epochs without a better value after which the run stops; 0: never
--   min_change   0                what is less than so much better does not count
--   diverged     infinite         a validation loss above this stops the run
-- A metric that is no number (NaN) stops it too. run.stopped says why, and in which epoch the best value was.
function stopping.hook(given)
   local options = read(given)
   local state = {}
   local function is_better(value)
      if not state.value then return true end
      local gain = options.more and value - state.value or state.value - value
      return gain > options.min_change
   end
   return {
      name = "early_stop",
      save = function() return { value = state.value, epoch = state.epoch } end,
      load = function(_, saved) state = saved end,
      on_epoch_end = function(run)
         local row = run.row
         local value = row[options.metric]
         if value == nil then
            error(("early_stop: this run has no %s"):format(options.metric), 0)
         end
         -- Equal accuracy with a lower loss is the better epoch for the weights that are kept; it counts here as well.
         if is_better(value) or options.metric == "val_accuracy" and options.min_change == 0 and run.best == row then
            state = { value = value, epoch = row.epoch }
         end
         local why = row.epoch < run.epochs and reason(options, state, row, value)
         if why then run.stopped = why end
      end,
   }
end

return stopping
