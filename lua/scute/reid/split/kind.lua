-- What kind of split photos are in, whoever made it, as it can be seen from them (wildlife-datasets' analysis of splits).
local units = require "scute.reid.split.units"

local kind = {}

local function individuals_of(individuals, list)
   local found, n = {}, 0
   for _, i in ipairs(list) do
      local who = individuals.of[i]
      if who and not found[who] then found[who], n = true, n + 1 end
   end
   return found, n
end

--- "closed set" where all individuals of `test` are in `train`, "disjoint set" where none is, "open set" otherwise. Lists of
-- row numbers.
function kind.of_individuals(individuals, train, test)
   local trains = individuals_of(individuals, train)
   local tests, n = individuals_of(individuals, test)
   local joint = 0
   for who in pairs(tests) do joint = joint + (trains[who] and 1 or 0) end
   return joint == n and "closed set" or joint == 0 and "disjoint set" or "open set"
end

--- Whether all photos `test` of an individual in both were taken on later days than those in `train`; nil where there is no
-- such individual, or one of its photos has no date.
function kind.is_time_aware(rows, individuals, train, test)
   local day_of, last, is_joint, aware = units.days(), {}, false, true
   for _, i in ipairs(train) do
      local who = individuals.of[i]
      if who then last[who] = math.max(last[who] or 0, day_of(rows[i], i) or math.huge) end
   end
   for _, i in ipairs(test) do
      local before, day = last[individuals.of[i]], day_of(rows[i], i)
      if before and (not day or before == math.huge) then return nil end
      if before then is_joint, aware = true, aware and before < day end
   end
   if not is_joint then return nil end
   return aware
end

--- Both in words: "time-aware, closed set".
function kind.text(rows, individuals, train, test)
   local aware = kind.is_time_aware(rows, individuals, train, test)
   return (aware and "time-aware, " or aware == false and "not time-aware, " or "")
      .. kind.of_individuals(individuals, train, test)
end

--- How many individuals there are among some rows.
function kind.count(individuals, list)
   return (select(2, individuals_of(individuals, list)))
end

return kind
