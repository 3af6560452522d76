-- Splits within each individual: all that test train too, with other photos. As all protocols they are functions(rows,
-- individuals, o) that return a list with "train", "val" or "test" for each row, false for one that is in no part, and the
-- words for the split; o: the options of reid.split, and `notes` to add to.
local console = require "scute.base.console"
local deal = require "scute.reid.split.deal"
local units = require "scute.reid.split.units"

local within = {}

local function add_note(notes, n, one, many)
   if n > 0 then notes[#notes + 1] = ("%s %s"):format(console.count(n, "individual"), n == 1 and one or many) end
end

-- "15 % of each one's days test"; where none tests, how many validate.
local function share_text(o, what)
   local tests = o.test_fraction > 0
   return ("%g %% of each one's %s %s"):format(100 * (tests and o.test_fraction or o.val_fraction), what,
      tests and "test" or "validate")
end

--- The later days of each individual test, the ones before them validate (Adam et al. 2022; wildlife-datasets'
-- TimeProportionSplit, twice).
function within.time_closed(rows, individuals, o)
   local made = units.by_day(rows, individuals)
   units.need(made, individuals, "time_closed", "date")
   local part, one, two = deal.out(units.lists(made, individuals), made.day, o.val_fraction, o.test_fraction)
   add_note(o.notes, one, "was seen on one day only, and trains", "were seen on one day only, and train")
   if o.val_fraction > 0 and o.test_fraction > 0 then
      add_note(o.notes, two, "was seen on two days, of which one trains and one tests: none validates",
         "were seen on two days, of which one trains and one tests: none validates")
   end
   return units.spread(made, part), "time-aware, closed set, the last " .. share_text(o, "days")
end

--- Encounters of each individual are drawn.
function within.encounter(rows, individuals, o)
   local made = units.by_encounter(rows, individuals)
   units.need(made, individuals, "encounter", "encounter")
   local rank = deal.drawn(o.seed, made.n)
   local part, one = deal.out(units.lists(made, individuals), rank, o.val_fraction, o.test_fraction)
   add_note(o.notes, one, "has one encounter only, and trains", "have one encounter only, and train")
   return units.spread(made, part), ("by encounter, closed set, %s, drawn, seed %d"):format(
      share_text(o, "encounters"), o.seed)
end

--- Photos of each individual are drawn (wildlife-datasets' ClosedSetSplit): those of one encounter come to lie on both sides.
function within.random(rows, individuals, o)
   local made = units.by_file(rows, individuals)
   local rank = deal.drawn(o.seed, made.n)
   local part, one = deal.out(units.lists(made, individuals), rank, o.val_fraction, o.test_fraction)
   add_note(o.notes, one, "has one photo only, and trains", "have one photo only, and train")
   return units.spread(made, part), ("random photos, closed set, %s, drawn, seed %d"):format(
      share_text(o, "photos"), o.seed)
end

return within
