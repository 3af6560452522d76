-- The figure that an experiment compares by, and how its numbers are told: shares in percent and points, others as they are.
local direction = require "scute.experiment.direction"
local measures = require "scute.train.measures"
local named = require "scute.metrics.named"

local metric = {}
metric.__index = metric

local WORDS = { balanced = "balanced accuracy", f1 = "macro F1", precision = "macro precision", recall = "macro recall" }

local function is_share(name)
   return name == "accuracy" or named.get(name) ~= nil
end

local SLACK = 1e-9 -- a mean of ones may be a little more

--- Whether a figure of that name may have a value: shares lie between 0 and 1.
function metric.may_be(name, value)
   return not is_share(name) or value >= -SLACK and value <= 1 + SLACK
end

--- name: of a figure of a run's rows; lower: whether less is better. Returns { name, lower, share (whether it is one, 0 to
-- 1), bounded (whether that of each photo is, too), words, direction (which way is better, where the name does not say) }.
function metric.of(name, lower)
   local top = name:match "^top(%d+)$"
   local is_own = direction.of(name) == nil
   return setmetatable({ name = name, lower = lower or false, direction = is_own and direction.words(lower) or nil,
      share = is_share(name), bounded = name == "accuracy",
      words = top and ("top-%s accuracy"):format(top) or WORDS[name] or name }, metric)
end

--- Whether a value is better than another.
function metric:is_better(value, other)
   if self.lower then return value < other end
   return value > other
end

--- Both ends of an interval, within what a value may be. least: of the values seen; a loss of which none is below 0 (one of the
-- script's own may be) has none there.
function metric:within(low, high, least)
   if self.share then return math.max(low, 0), math.min(high, 1) end
   if self.name == "loss" and least >= 0 and low > -math.huge then return math.max(low, 0), high end
   return low, high
end

-- As in the lines of a run, and small ones in digits that count.
local function number_text(value)
   return value ~= 0 and math.abs(value) < 0.01 and ("%.3g"):format(value) or measures.text(value)
end

--- What scute.experiment.paired is told about the numbers of the photos.
function metric:bounds(folds)
   return { unbounded = not self.bounded, range = self.share and 1 or nil, folds = folds }
end

--- A value: "81.2%", "0.512".
function metric:text(value)
   return self.share and value == value and ("%.1f%%"):format(100 * value) or number_text(value)
end

--- By how much values of runs spread, as it stands behind a ±.
function metric:spread(value)
   return self.share and value == value and ("%.1f"):format(100 * value) or number_text(value)
end

--- An amount without its sign: "3.1 points", "0.031".
function metric:amount(value)
   value = math.abs(value)
   return self.share and ("%.1f points"):format(100 * value) or number_text(value)
end

-- A difference without its unit: "+3.1", "-0.031".
local function signed(self, value)
   if self.share then return ("%+.1f"):format(100 * value) end
   return (value < 0 and "-" or "+") .. number_text(math.abs(value))
end

--- A difference: "+3.1 points", "-0.031".
function metric:difference(value)
   return signed(self, value) .. (self.share and " points" or "")
end

--- Both ends of the interval of a difference: "-2.0 to +8.2".
function metric:between(low, high)
   if high == math.huge then return "no interval: too few or too alike to tell" end
   return ("%s to %s"):format(signed(self, low), signed(self, high))
end

--- The 95 % interval of a value: "61.3 to 88.1 %".
function metric:interval(low, high)
   if low == -math.huge or high == math.huge then return "no interval: too few or too alike to tell" end
   if self.share then return ("95 %% interval %.1f to %.1f %%"):format(100 * low, 100 * high) end
   return ("95 %% interval %s to %s"):format(number_text(low), number_text(high))
end

return metric
