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

--- The share (0 to 1) of the photos `test` on whose day the same individual trains, whatever encounters the data tells: those
-- may be shorter than a day, and light and water stay the same. nil where no photo that tests has a date.
function leak.of_days(rows, train, test)
   local trains, n, shared = {}, 0, 0
   local function key(i) return rows[i].identity .. "\0" .. rows[i].date end
   for _, i in ipairs(train) do
      if rows[i].date then trains[key(i)] = true end
   end
   for _, i in ipairs(test) do
      if rows[i].date then n, shared = n + 1, shared + (trains[key(i)] and 1 or 0) end
   end
   return n > 0 and shared / n or nil
end

local function is_much(share)
   return share ~= nil and share >= WARNS
end

-- Whether days tell more than encounters do.
local function is_of_days(split)
   return is_much(split.leak_day) and split.leak_day > (split.leak or 0)
end

--- What is told of it before anything trains, in a line.
function leak.text(split)
   local n, verb = #split.test, "test"
   if n == 0 then n, verb = #split.val, "validate" end
   if n == 0 then return "no photo tests or validates" end
   if not split.leak then return "no encounter is known: photos of one may be on both sides of the split" end
   return ("%.1f %% of the photos that %s are of an encounter that trains%s%s%s"):format(100 * split.leak, verb,
      split.leak_of < n and (" (of %s whose encounter is known)"):format(thousands(split.leak_of)) or "",
      is_of_days(split) and (", and %.1f %% of a day on which the same individual trains"):format(100 * split.leak_day) or "",
      is_much(split.leak_val) and (", and %.1f %% of those that validate"):format(100 * split.leak_val) or "")
end

local REMEDY = "the protocols time_closed, time_open and encounter keep encounters apart, the first two days, too"

--- Warns where it is so much that figures are too good, or what is chosen by photos that validate is chosen for encounters that
-- are known.
function leak.warn(split)
   if is_much(split.leak) or is_of_days(split) then
      console.warn("%s (split: %s): what is measured there is how well %s is known again, not an individual; %s",
         leak.text(split), split.text, is_much(split.leak) and "an encounter" or "a day", REMEDY)
   elseif is_much(split.leak_val) then
      console.warn("%.1f %% of the photos that validate are of an encounter that trains, and they choose the epoch, the "
         .. "threshold and the calibration (split: %s): probabilities will be too high for new encounters; %s",
         100 * split.leak_val, split.text, REMEDY)
   end
end

return leak
