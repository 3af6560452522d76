-- The results of a comparison of architectures, as the course prints them.
local console = require "scute.base.console"

-- "37 seconds" up to two minutes, then "45 minutes".
local function training_time(seconds)
   local whole = math.max(math.floor(seconds + 0.5), 1)
   if whole < 120 then return console.count(whole, "second") end
   return console.count(math.floor(seconds / 60 + 0.5), "minute")
end

local function block_of(row)
   return ("%s:\n  - Parameters: %.1fM\n  - Training time: %s\n  - Validation accuracy: %.1f%%"):format(row.name,
      (row.parameters_1000 or row.parameters) / 1e6, training_time(row.seconds), 100 * row.figures.accuracy)
end

--- "Model Comparison Results:" and a few lines for each model of a trial (see scute.experiment), the best first. Parameters are
-- those of the network with 1000 classes. Models that started from random weights are named below.
return function(trial)
   local blocks, random = {}, {}
   for _, row in ipairs(trial.rows) do
      if row.runs > 0 then blocks[#blocks + 1] = block_of(row) end
      if row.unranked == "random weights" then random[#random + 1] = row.name end
   end
   if #random > 0 then
      blocks[#blocks + 1] = ("Started from random weights, so not to be compared: %s"):format(table.concat(random, ", "))
   end
   return "Model Comparison Results:\n--------------------------\n" .. table.concat(blocks, "\n\n")
end
