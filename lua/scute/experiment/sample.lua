-- What a list of numbers comes to.
local sample = {}

--- Whether a value is a number and finite.
function sample.is_finite(value)
   return type(value) == "number" and value - value == 0
end

--- nil of an empty list.
function sample.mean(list)
   local sum = 0
   for _, value in ipairs(list) do sum = sum + value end
   return #list > 0 and sum / #list or nil
end

--- The mean of the squared distances to the mean, with n - 1; nil for fewer than two.
function sample.variance(list)
   if #list < 2 then return nil end
   local center, sum = sample.mean(list), 0
   for _, value in ipairs(list) do sum = sum + (value - center) ^ 2 end
   return sum / (#list - 1)
end

--- Its square root.
function sample.deviation(list)
   local variance = sample.variance(list)
   return variance and math.sqrt(variance)
end

--- nil of an empty list.
function sample.median(list)
   if #list == 0 then return nil end
   local sorted = table.move(list, 1, #list, 1, {})
   table.sort(sorted)
   return (sorted[(#sorted + 1) // 2] + sorted[#sorted // 2 + 1]) / 2
end

return sample
