-- Whether less is better of the figure that variants are compared by.
local direction = {}

local LESS = { loss = true }

--- Of a metric by its name; nil where only the script or a run knows. said: the option `lower` of scute.experiment.
function direction.known(metric, said)
   if said ~= nil then return said end
   return LESS[metric]
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
