-- Which epoch is the best: the one whose weights are kept, and from which the patience counts.
local figures = require "scute.train.figures"

local best = {}

-- Whether a loss is lower than another; any number is lower than what is none.
local function is_lower(loss, other)
   return loss < other or other ~= other and loss == loss
end

--- Whether the row of an epoch is better than the best one so far (nil: there is none): by the figure that `by` (the option
-- best_by) stands for, where it is equal by loss. lower: whether less is better of a metric. prefix: "ema_" compares what the
-- averaged weights reached.
function best.is_better(row, other, by, lower, prefix)
   prefix = prefix or ""
   local figure, loss = prefix .. figures.of(by), prefix .. "val_loss"
   if other and by ~= "loss" and row[figure] ~= other[figure] then return (row[figure] > other[figure]) ~= (lower or false) end
   return not other or is_lower(row[loss], other[loss])
end

return best
