-- Early stopping. The best weights are those that a run ends with, whether it stopped early or not (see train.record).
--
--    train.fit(model, set, { ..., early_stop = 5 })
--    train.fit(model, set, { ..., early_stop = { metric = "val_loss", patience = 5, min_change = 1e-3, diverged = 10 } })
local console = require "scute.base.console"
local options = require "scute.base.options"
local figures = require "scute.train.figures"

local stopping = {}

local STOP = options.declare("early_stop", {
   { "metric", text = true, show = "what best_by says", suggests = figures.names { ema = true },
     help = "of a row of the history: val_loss, balanced, a metric, ..." },
   { "direction", choices = { "max", "min" }, show = "of the metric", help = "what is better" },
   { "patience", whole = true, min = 0, default = 0,
     help = "epochs without a better value after which the run stops; 0: never" },
   { "min_change", number = true, min = 0, default = 0, help = "what is less than so much better does not count" },
   { "diverged", is = function(value) return type(value) == "number" and value >= 0 end, default = math.huge,
     show = "infinite", expected = "a number of at least 0", help = "a validation loss above this stops the run" },
}, "patience")

local WATCHED = "early_stop: option 'metric'" -- what asks for a figure

local function reason(o, metric, state, row)
   local watched = o.patience > 0 or o.metric
   if watched and row[metric] ~= row[metric] then return ("%s is no number in epoch %d"):format(metric, row.epoch) end
   if row.val_loss > o.diverged then
      return ("the validation loss reached %.3g in epoch %d, above %.3g"):format(row.val_loss, row.epoch, o.diverged)
   end
   local since = row.epoch - state.from
   if o.patience > 0 and since >= o.patience then
      return ("no better for %s: %s was %.4g in epoch %d"):format(console.count(since, "epoch"), metric, state.value,
         state.epoch)
   end
   return nil
end

--- The figure that a patience or a table of options watches by name; nil where it is that of best_by.
function stopping.metric(given)
   return type(given) == "table" and given.metric or nil
end

--- What a table of options may have.
stopping.OPTIONS = STOP

--- Fails where the option watches a figure that a run has not.
function stopping.check(given, run)
   local metric = stopping.metric(given)
   if metric then figures.check(run, WATCHED, metric) end
end

--- The hook of a patience in epochs, or of a table of options (see STOP above). A metric that is no number (NaN) stops a run
-- too. run.stopped says why, and in which epoch the best value was. of: the run, of which the metrics are looked at.
function stopping.hook(given, of)
   local o = STOP:read(given, 0)
   stopping.check(o, of or {})
   local state = {} -- the best value, its epoch, and the epoch from which the patience counts
   local function is_better(metric, value)
      if not state.value then return true end
      local more = not figures.is_lower_better(of or {}, metric)
      if o.direction then more = o.direction == "max" end
      local gain = more and value - state.value or state.value - value
      return gain > o.min_change
   end
   return {
      name = "early_stop",
      save = function() return state end,
      load = function(run, saved)
         state = saved
         if run.lengthened and state.from then state.from = run.epoch end -- the patience counts anew
      end,
      on_epoch_end = function(run)
         local row, kept_by = run.row, figures.of(run.best_by)
         local metric = o.metric or kept_by
         local value = row[metric]
         if value == nil then error(("early_stop: this run has no %s"):format(metric), 0) end
         -- Of two epochs with equal accuracy the one with the lower loss is kept; it counts as better here as well.
         local kept = value == state.value and metric == kept_by and o.min_change == 0 and run.best == row
         if is_better(metric, value) or kept then state = { value = value, epoch = row.epoch, from = row.epoch } end
         local why = row.epoch < run.epochs and reason(o, metric, state, row)
         if why then run.stopped = why end
      end,
   }
end

return stopping
