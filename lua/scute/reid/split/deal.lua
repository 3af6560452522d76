-- How many units (days, encounters, photos) of an individual train, validate and test, and which.
--
-- The counts are those of wildlife-datasets 1.0.9 (TimeProportionSplit, ClosedSetSplit), which SeaTurtleID2022's closed set
-- follows: divided once for the test and once more, by the same rule, for validation among what is left. At least one unit
-- trains; of two the second one tests, of three one tests and one validates, whatever the shares (above 0) come to.
local draw = require "scute.data.draw"
local units = require "scute.reid.split.units"

local deal = {}

-- To the nearest whole number, from the middle to the even one, as numpy rounds.
local function rounded(x)
   local low = math.floor(x)
   local rest = x - low
   return (rest > 0.5 or rest == 0.5 and low % 2 == 1) and low + 1 or low
end

-- How many of n stay where a share of them shall.
local function staying(n, share)
   return n < 2 and n or math.max(1, math.min(n - 1, rounded(share * n)))
end

--- How many of n units train, and how many train or validate. val, test: shares of n, 0 for none.
function deal.counts(n, val, test)
   local developed = test > 0 and staying(n, 1 - test) or n
   return val > 0 and staying(developed, 1 - val / (1 - test)) or developed, developed
end

--- The part of each unit, "train", "val" or "test": of each list (of the units of an individual) the first ones by `rank`
-- train, the next ones validate and the last ones test. Returns also how many lists have one unit, and how many have two.
function deal.out(lists, rank, val, test)
   local part, with = {}, { 0, 0 }
   for _, list in ipairs(lists) do
      table.sort(list, function(a, b) return rank[a] < rank[b] end)
      local train, developed = deal.counts(#list, val, test)
      for i, unit in ipairs(list) do part[unit] = i <= train and "train" or i <= developed and "val" or "test" end
      with[#list] = with[#list] and with[#list] + 1
   end
   return part, with[1], with[2]
end

--- An order of n things that the seed alone draws: a list of 1 to n.
function deal.drawn(seed, n)
   return draw.permutation(seed, "split", 0, n)
end

--- Makes some of the rows whose part is "train" validate: of each individual a share of its encounters, where it has none
-- of its photos.
function deal.hold_out(rows, individuals, parts, share, seed)
   local made, trains = units.by_either(rows, individuals), {}
   for i, unit in ipairs(made.of) do
      if unit and parts[i] == "train" then trains[unit] = true end
   end
   made.stands = function(unit) return trains[unit] ~= nil end
   local part = deal.out(units.lists(made, individuals), deal.drawn(seed, made.n), share, 0)
   for i, unit in ipairs(made.of) do
      if unit and parts[i] == "train" then parts[i] = part[unit] end
   end
end

return deal
