-- Which of a class train and which validate, drawn by the seed alone.
local draw = require "scute.data.draw"

--- A set {place = true} of those that validate of n samples of a class (its number). At least one trains, and one validates
-- where there are two or more.
return function(n, class, seed, fraction)
   local held_out = math.max(math.min(math.floor(n * fraction + 0.5), n - 1), n > 1 and 1 or 0)
   local order, validates = draw.permutation(seed, "split", class, n), {}
   for i = 1, held_out do validates[order[i]] = true end
   return validates
end
