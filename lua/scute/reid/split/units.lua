-- What a split keeps together: the photos of one individual that are of one day, of one encounter, or of one file. Individuals
-- and units have numbers, and what is known of them stands in lists by number: a catalogue may have half a million photos.
--
-- A list `of` has an entry for each row of the catalogue: the row's number of an individual or unit, false where it has none.
local columns = require "scute.reid.catalogue.columns"
local console = require "scute.base.console"

local units = {}

local SHIFT = 32 -- bits of the number of a unit

--- The individuals of a catalogue's rows: { of, names, photos = how many rows are of one that is known }.
function units.individuals(rows)
   local of, names, number, photos = {}, {}, {}, 0
   for i, row in ipairs(rows) do
      local name = row.identity
      local who = name and number[name]
      if name and not who then
         who = #names + 1
         names[who], number[name] = name, who
      end
      of[i], photos = who or false, photos + (who and 1 or 0)
   end
   return { of = of, names = names, photos = photos }
end

--- A day "2020-01-31" as the number 20200131, which grows with it. what: the words that a message begins with.
function units.day(date, what)
   local year, month, day = date:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)$"
   if not year then error(("%s: expected a date as YYYY-MM-DD, found '%s'"):format(what, date), 0) end
   return tonumber(year .. month .. day)
end

--- A function that tells the days of rows, nil where they have none.
function units.days()
   local known = {}
   return function(row, i)
      local date = row.date
      if not date then return nil end
      local day = known[date]
      if not day then
         day = units.day(date, ("reid.split: row %d of the catalogue"):format(i))
         known[date] = day
      end
      return day
   end
end

-- Units of rows with the same individual and the same key, a text or a whole number from key_of(row, i), nil: in none. Most
-- keys are of one individual alone, and looked up once. Returns { of, individual = of each unit, n }.
local function keyed(rows, individuals, key_of)
   local of, individual, first, others, n = {}, {}, {}, {}, 0
   for i, row in ipairs(rows) do
      local who = individuals.of[i]
      local key = who and key_of(row, i)
      local unit = key and first[key]
      local id = unit and individual[unit] ~= who and who << SHIFT | unit
      if id then unit = others[id] end
      if key and not unit then
         n = n + 1
         unit, individual[n] = n, who
         if id then others[id] = n else first[key] = n end
      end
      of[i] = unit or false
   end
   return { of = of, individual = individual, n = n }
end

--- By encounter. Rows without one are in no unit. Known once it was made: it is for reading.
function units.by_encounter(rows, individuals)
   if not individuals.encounters then
      individuals.encounters = keyed(rows, individuals, function(row) return row.encounter end)
   end
   return individuals.encounters
end

--- By file: a file that stands there with several boxes is one photo.
function units.by_file(rows, individuals)
   return keyed(rows, individuals, function(row) return row.file end)
end

--- By encounter, and where there is none by file, so that each row whose individual is known is in one.
function units.by_either(rows, individuals)
   return keyed(rows, individuals, function(row) return row.encounter and "e" .. row.encounter or "f" .. row.file end)
end

-- ---- by day ----

-- The unit that stands for those which were joined with one.
local function root_of(parent, unit)
   while parent[unit] ~= unit do
      parent[unit] = parent[parent[unit]]
      unit = parent[unit]
   end
   return unit
end

-- Days of an individual that one encounter spans (over midnight, say) are one unit, and so are photos without a date of an
-- encounter that has one. by_day: unit of each row; encounters: the encounter of each row; day: of each unit.
local function join(by_day, encounters, day)
   local parent, unit_of = {}, {}
   for unit = 1, by_day.n do parent[unit] = unit end
   for i, unit in ipairs(by_day.of) do
      local encounter = encounters.of[i]
      if unit and encounter then
         local one, other = root_of(parent, unit), unit_of[encounter] and root_of(parent, unit_of[encounter])
         if other and other ~= one then
            local early, late = one, other
            if day[other] < day[one] then early, late = other, one end
            parent[late], one = early, early
         end
         unit_of[encounter] = one
      end
   end
   for i, unit in ipairs(by_day.of) do
      local found = unit or encounters.of[i] and unit_of[encounters.of[i]]
      by_day.of[i] = found and root_of(parent, found) or false
   end
   by_day.stands = function(unit) return parent[unit] == unit end
end

--- By day: those of an individual that were taken on one day, and what shares an encounter with them. Rows without a date are
-- in no unit. The result has `day` too, the first of each unit.
function units.by_day(rows, individuals)
   local day_of = units.days()
   local made = keyed(rows, individuals, day_of)
   made.day = {}
   for i, unit in ipairs(made.of) do
      if unit then made.day[unit] = day_of(rows[i], i) end
   end
   join(made, units.by_encounter(rows, individuals), made.day)
   return made
end

-- ---- lists ----

--- The units of each individual: a list of lists by number, in the order of the catalogue.
function units.lists(made, individuals)
   local lists, stands = {}, made.stands
   for who = 1, #individuals.names do lists[who] = {} end
   for unit = 1, made.n do
      if not stands or stands(unit) then
         local list = lists[made.individual[unit]]
         list[#list + 1] = unit
      end
   end
   return lists
end

--- Fails where there are no units. column: the one that would tell them, "date" or "encounter".
function units.need(made, individuals, protocol, column)
   if made.n > 0 then return end
   console.fail("protocol: %s needs %s, and none of %s has one; say which column of a table holds them (%s), put a folder for "
      .. "each day (2019-06-01) inside of an individual's, or choose another protocol", protocol,
      column == "date" and "dates" or "encounters or dates", console.count(individuals.photos, "photo"), columns.how(column))
end

--- What each row is, by what its unit is: a list as `of`, false for rows in no unit.
function units.spread(made, value)
   local found = {}
   for i, unit in ipairs(made.of) do found[i] = unit and value[unit] or false end
   return found
end

return units
