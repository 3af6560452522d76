-- Which epoch is the best: the one whose weights are kept, and from which the patience counts.
local best = {}

local FIGURES = { accuracy = "val_accuracy", balanced = "balanced", loss = "val_loss" }

--- The name in a row of the history of what `by` (the option best_by) stands for.
function best.figure(by)
   return FIGURES[by]
end

-- Whether a loss is lower than another; any number is lower than what is none.
local function is_lower(loss, other)
   return loss < other or other ~= other and loss == loss
end

--- Whether the row of an epoch is better than the best one so far (nil: there is none): by that figure, where it is equal by
-- loss. prefix: "ema_" compares what the averaged weights reached.
function best.is_better(row, other, by, prefix)
   prefix = prefix or ""
   local figure, loss = prefix .. FIGURES[by], prefix .. "val_loss"
   if other and by ~= "loss" and row[figure] ~= other[figure] then return row[figure] > other[figure] end
   return not other or is_lower(row[loss], other[loss])
end

return best
