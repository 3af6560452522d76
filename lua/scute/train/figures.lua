-- The figures of an epoch that a run may be told by: those that every run has, and its metrics. best_by, early stopping and a
-- schedule that waits for a plateau look here what there is, and whether more is better.
local named = require "scute.metrics.named"

local figures = {}

-- What best_by says in short.
local BY = { accuracy = "val_accuracy", balanced = "balanced", loss = "val_loss" }

-- Of those that validate, which there are of averaged weights too, and of those that train.
local VALIDATION, TRAINING = { "balanced", "val_accuracy", "val_loss" }, { "train_accuracy", "train_loss" }

figures.SHORT = { "accuracy", "balanced", "loss" }

--- What best_by may be in every run: these, and metrics that a name says.
figures.KNOWN = { "accuracy", "balanced", "loss" }
for _, name in ipairs(named.NAMES) do
   if name ~= "balanced" then figures.KNOWN[#figures.KNOWN + 1] = name end
end

--- The name in a row of the history of what best_by says.
function figures.of(by)
   return BY[by] or by
end

--- Whether a name of best_by is one of those that need no metric.
function figures.is_short(by)
   return BY[by] ~= nil
end

--- Whether less is better of a figure in the rows of a run, or of averaged weights.
function figures.is_lower_better(run, name)
   local plain = name:gsub("^ema_", "")
   for _, metric in ipairs(run.metrics or {}) do
      if metric.name == plain then return metric.lower end
   end
   return name:find "loss$" ~= nil
end

--- All names that rows of a run have.
function figures.names(run)
   local names = table.move(VALIDATION, 1, #VALIDATION, 1, {})
   for _, metric in ipairs(run.metrics or {}) do
      if metric.name ~= "balanced" then names[#names + 1] = metric.name end
   end
   for i = 1, run.ema and #names or 0 do names[#names + 1] = "ema_" .. names[i] end
   return table.move(TRAINING, 1, #TRAINING, #names + 1, names)
end

local function is_one_of(name, names)
   for _, each in ipairs(names) do
      if each == name then return true end
   end
   return false
end

-- `what`: who asks.
local function check(what, name, names)
   if is_one_of(name, names) then return end
   error(("%s: there is no figure '%s'%s"):format(what, tostring(name), named.hint(name, names,
      "metrics = { name = f } gives a run one of yours")), 0)
end

--- Fails where a figure of a run's rows is not there.
function figures.check(run, what, name)
   check(what, name, figures.names(run))
end

--- Fails where best_by names nothing that there is.
function figures.check_best(run)
   local names = table.move(figures.SHORT, 1, #figures.SHORT, 1, {})
   for _, entry in ipairs(run.metrics) do names[#names + 1] = entry.name end
   check("train.fit: best_by", run.best_by, names)
end

--- What best_by is on a command line: what needs no metric, or one that a name says. What is wrong is an error without a
-- position.
function figures.parse_best(text)
   if BY[text] or named.get(text) then return text end
   local hint = named.hint(text, figures.KNOWN, "a metric of yours is chosen in a script")
   error(("there is no figure '%s'%s"):format(text, hint), 0)
end

return figures
