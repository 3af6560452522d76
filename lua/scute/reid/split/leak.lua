-- Encounters on both sides of a split: photos of one encounter share light, water, camera and background, by which a network
-- that has seen one of them knows the others again, whatever the animal looks like. In SeaTurtleID2022's random split 96 % of
-- the photos that test are of an encounter that trains, in its time-aware ones none.
local columns = require "scute.reid.catalogue.columns"
local console = require "scute.base.console"
local thousands = require("scute.base.columns").thousands
local units = require "scute.reid.split.units"

local leak = {}

local WARNS = 0.01 -- share from which on there is a warning

--- Warns where no encounter is known, so that nobody can tell: the photos may be of one each, or all of the same few.
function leak.warn_of_none(split)
   if split.leak or split.kind == "disjoint set" then return end
   console.warn("no encounter is known (split: %s): where photos of one train and test, figures are far too good; say "
      .. "which column of a table holds dates or encounters (%s), or put a folder for each day (2019-06-01) inside of an "
      .. "individual's",
      split.text, columns.how "date")
end

--- The share (0 to 1) of the photos `test` whose encounter is among those of the photos `train`, and of how many photos it
-- is; nil and 0 where no encounter of a photo that tests is known. An encounter is one of an individual, so that names of
-- encounters (or days) that several individuals have in common are not taken for one. train, test: lists of row numbers.
function leak.share(rows, individuals, train, test)
   local encounters, trains = units.by_encounter(rows, individuals), {}
   for _, i in ipairs(train) do
      if encounters.of[i] then trains[encounters.of[i]] = true end
   end
   local n, shared = 0, 0
   for _, i in ipairs(test) do
      local encounter = encounters.of[i]
      if encounter then
         n = n + 1
         shared = shared + (trains[encounter] and 1 or 0)
      end
   end
   if n == 0 then return nil, 0 end
   return shared / n, n
end

--- What is told of it before anything trains, in a line.
function leak.text(split)
   local n, verb = #split.test, "test"
   if n == 0 then n, verb = #split.val, "validate" end
   if n == 0 then return "no photo tests or validates" end
   if not split.leak then return "no encounter is known: photos of one may be on both sides of the split" end
   return ("%.1f %% of the photos that %s are of an encounter that trains%s"):format(100 * split.leak, verb,
      split.leak_of < n and (" (of %s whose encounter is known)"):format(thousands(split.leak_of)) or "")
end

--- Warns where it is so much that figures are too good.
function leak.warn(split)
   if not split.leak or split.leak < WARNS then return end
   console.warn("%s (split: %s): what is measured there is how well an encounter is known again, not an individual; the "
      .. "protocols time_closed, time_open and encounter keep encounters apart", leak.text(split), split.text)
end

return leak
