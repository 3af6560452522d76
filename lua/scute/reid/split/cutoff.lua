-- The time-aware open set: what was taken from a day on tests, whoever it shows, and what was taken in the time before that
-- validates. Individuals that were first seen by then are unknown, as they are to who goes on with a catalogue. SeaTurtleID2022
-- trains on 2010 to 2018, validates on 2019 and tests on 2020 to 2022 (wildlife-datasets' TimeCutoffSplit, with
-- test_one_year_only = False).
local console = require "scute.base.console"
local dates = require "scute.reid.catalogue.dates"
local units = require "scute.reid.split.units"

-- "2019", "2019-06" or "2019-06-01" as a number below that of its first day and above those before.
local function first_day(name, text)
   local year, rest = text:match "^(%d%d%d%d)([%d%-]*)$"
   local month, day = (rest or ""):match "^%-(%d%d)$", nil
   if rest and not month then month, day = rest:match "^%-(%d%d)%-(%d%d)$" end
   if not year or rest ~= "" and not month or not dates.read(("%s-%s-%s"):format(year, month or "01", day or "01")) then
      console.fail("%s: expected a day, a month or a year (2019-06-01, 2019-06, 2019), found '%s'", name, text)
   end
   return tonumber(year .. (month or "00") .. (day or "00"))
end

local function day_text(day)
   return (("%04d-%02d-%02d"):format(day // 10000, day // 100 % 100, day % 100):gsub("%-00", ""))
end

-- The days in order, how many photos there are of each, and of all.
local function photos_by_day(made)
   local days, photos, total = {}, {}, 0
   for _, unit in ipairs(made.of) do
      local day = unit and made.day[unit]
      if day then
         if not photos[day] then days[#days + 1], photos[day] = day, 0 end
         photos[day], total = photos[day] + 1, total + 1
      end
   end
   table.sort(days)
   return days, photos, total
end

-- The place in `days` from which on, up to `last`, there are about `wanted` photos: as near to that as whole days allow, but at
-- least one day, and none before the place `least`.
local function place_of(days, photos, last, wanted, least)
   local at, sum = last, photos[days[last]]
   while at > least do
      local more = sum + photos[days[at - 1]]
      if math.abs(more - wanted) >= math.abs(sum - wanted) then break end
      at, sum = at - 1, more
   end
   return at
end

-- The first days that validate and that test, nil where none does.
local function cuts_of(made, o)
   local days, photos, total = photos_by_day(made)
   local test = o.test_from and first_day("test_from", o.test_from)
   local val = o.val_from and first_day("val_from", o.val_from)
   local last = #days
   if not test and o.test_fraction > 0 and last > 1 then
      test = days[place_of(days, photos, last, o.test_fraction * total, (o.val_fraction > 0 and last > 2) and 3 or 2)]
   end
   while test and last > 0 and days[last] >= test do last = last - 1 end
   if not val and o.val_fraction > 0 and last > 1 then
      val = days[place_of(days, photos, last, o.val_fraction * total, 2)]
   end
   if val and test and val >= test then
      console.fail("val_from: expected a day before those that test (from %s on), found %s", day_text(test), day_text(val))
   end
   return val, test
end

--- See scute.reid.split.within.
return function(rows, individuals, o)
   local made = units.by_day(rows, individuals)
   units.need(made, individuals, "time_open", "date")
   local val, test = cuts_of(made, o)
   local part = {}
   for unit = 1, made.n do
      local day = made.day[unit]
      part[unit] = test and day >= test and "test" or val and day >= val and "val" or "train"
   end
   return units.spread(made, part), "time-aware, open set" .. (val and ", validates from " .. day_text(val) or "")
      .. (test and ", tests from " .. day_text(test) or "")
end
