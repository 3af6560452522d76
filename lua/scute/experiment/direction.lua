-- Whether less is better of the figure that variants are compared by.
local named = require "scute.metrics.named"

local direction = {}

--- Of a metric by its name; nil where only the script or a run knows.
function direction.of(name)
   if name == "loss" then return true end
   if name == "accuracy" or named.get(name) then return false end
end

--- "less is better" or "more is better".
function direction.words(lower)
   return (lower and "less" or "more") .. " is better"
end

--- Of an experiment: what its plan says, else its records (lists by variant), as a run knows the metrics of the script.
function direction.is_lower(plan, records)
   if plan.lower ~= nil then return plan.lower end
   for _, list in pairs(records) do
      for _, record in ipairs(list) do
         if record.lower then return true end
      end
   end
   return false
end

return direction
