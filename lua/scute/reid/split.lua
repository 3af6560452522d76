-- Splits of photos of individuals. What a figure of re-identification says depends on how photos were split more than on the
-- network: photos of one encounter on both sides are known again by their background. So a split knows its protocol in words,
-- which stand beside every figure, and how many of the photos that test are of an encounter that trains.
local console = require "scute.base.console"
local known_fields = require "scute.base.known_fields"
local options = require "scute.base.options"
local surplus = require "scute.base.surplus"
local thousands = require("scute.base.columns").thousands
local apart = require "scute.reid.split.apart"
local cutoff = require "scute.reid.split.cutoff"
local given = require "scute.reid.split.given"
local kind = require "scute.reid.split.kind"
local leak = require "scute.reid.split.leak"
local of_run = require "scute.reid.split.of_run"
local units = require "scute.reid.split.units"
local within = require "scute.reid.split.within"

local PROTOCOLS = { time_closed = within.time_closed, time_open = cutoff, encounter = within.encounter, individual = apart,
   random = within.random, given = given.split }

-- ---- how it prints ----

local function photos_text(n, verb)
   return ("%s %s"):format(thousands(n), n == 1 and verb .. "s" or verb)
end

local function split_text(split)
   local lines = { ("split: %s; photos: %s, %s, %s"):format(split.text, photos_text(#split.train, "train"),
      photos_text(#split.val, "validate"), photos_text(#split.test, "test")),
      ("individuals: %s; new ones: %s among those that validate, %s among those that test"):format(
         photos_text(split.individuals.train, "train"), thousands(split.individuals.new_val),
         thousands(split.individuals.new_test)), leak.text(split) }
   for _, note in ipairs(split.notes) do lines[#lines + 1] = "note: " .. note end
   return table.concat(lines, "\n")
end

local SPLIT = { __name = "scute.reid.split", __tostring = split_text,
   __index = known_fields.reading("a split", known_fields.set "leak leak_day leak_val given val_from test_from seed") }

-- ---- making ----

-- The protocol where nobody says one: what the data itself says, then the first one that keeps encounters apart.
local function default_protocol(rows, o)
   if o.given or #given.names(rows) > 0 then return "given" end
   local best = "random"
   for _, row in ipairs(rows) do
      if row.identity and row.date then return "time_closed" end
      if row.identity and row.encounter then best = "encounter" end
   end
   return best
end

local function collect(parts)
   local lists = { train = {}, val = {}, test = {} }
   for i, part in ipairs(parts) do
      if part then table.insert(lists[part], i) end
   end
   return lists
end

local function known_of(rows, list)
   local known = {}
   for _, i in ipairs(list) do known[rows[i].identity] = true end
   return known
end

-- How many individuals of a list are not known.
local function count_new(rows, list, known)
   local seen, n = {}, 0
   for _, i in ipairs(list) do
      local identity = rows[i].identity
      if not known[identity] and not seen[identity] then seen[identity], n = true, n + 1 end
   end
   return n
end

local UNPLACED = { time_closed = "a date", time_open = "a date", encounter = "an encounter" }

-- Photos that are in no part, for want of what the protocol goes by.
local function note_left(notes, individuals, parts, protocol)
   local nobody, unplaced = #parts - individuals.photos, 0
   for i, part in ipairs(parts) do unplaced = unplaced + ((individuals.of[i] and not part) and 1 or 0) end
   if nobody > 0 then
      notes[#notes + 1] = ("%s of no known individual, and in no part"):format(nobody == 1 and "1 photo is"
         or thousands(nobody) .. " photos are")
   end
   if unplaced > 0 and UNPLACED[protocol] then
      notes[#notes + 1] = ("%s without %s, and in no part: no telling on which side of the split"):format(
         unplaced == 1 and "1 photo is" or thousands(unplaced) .. " photos are", UNPLACED[protocol])
   end
end

local function check(catalogue, o)
   if type(catalogue) ~= "table" or type(catalogue.rows) ~= "table" then
      error("reid.split: expected a catalogue as reid.catalogue returns it, found " .. console.brief(catalogue), 3)
   end
   if o.val_fraction + o.test_fraction >= 1 then
      error(("reid.split: val_fraction and test_fraction: expected less than 1 together, so that something trains, found %g "
         .. "and %g"):format(o.val_fraction, o.test_fraction), 3)
   end
   if o.given and o.protocol and o.protocol ~= "given" then
      error(("reid.split: given: '%s' is a split of the data, and protocol says %s"):format(o.given, o.protocol), 3)
   end
   if (o.val_from or o.test_from) and o.protocol ~= "time_open" and not o.of_run then
      error(("reid.split: %s: it is for the protocol time_open"):format(o.val_from and "val_from" or "test_from"), 3)
   end
end

-- What is known of a split once the part of each row is.
local function finished(rows, individuals, parts, made)
   local lists = collect(parts)
   made.train, made.val, made.test = lists.train, lists.val, lists.test
   if #made.train == 0 then
      console.fail("protocol: %s: none of %s trains%s", made.text, console.count(#rows, "photo"),
         individuals.photos == 0 and ", for the individual of none is known" or "")
   end
   made.known = known_of(rows, made.train)
   made.leak, made.leak_of = leak.share(rows, individuals, made.train,
      #made.test > 0 and made.test or made.val)
   made.leak_day = leak.of_days(rows, made.train, #made.test > 0 and made.test or made.val)
   made.leak_val = #made.test > 0 and leak.share(rows, individuals, made.train, made.val) or nil
   made.kind = kind.of_individuals(individuals, made.train, made.test)
   made.individuals = { train = kind.count(individuals, made.train), val = kind.count(individuals, made.val),
      test = kind.count(individuals, made.test), new_val = count_new(rows, made.val, made.known),
      new_test = count_new(rows, made.test, made.known) }
   return setmetatable(made, SPLIT)
end

local function fresh(rows, o)
   local individuals, protocol = units.individuals(rows), o.protocol or default_protocol(rows, o)
   if individuals.photos == 0 then
      console.fail("reid.split: none of %s has a known individual", console.count(#rows, "photo"))
   end
   o.notes = {}
   local parts, text = PROTOCOLS[protocol](rows, individuals, o)
   note_left(o.notes, individuals, parts, protocol)
   local made = finished(rows, individuals, parts, { protocol = protocol, text = text, seed = o.seed, given = o.given,
      val_fraction = o.val_fraction, test_fraction = o.test_fraction, val_from = o.val_from, test_from = o.test_from,
      notes = o.notes })
   if protocol == "time_open" and #made.test > 0 and made.individuals.new_test == 0 then
      table.insert(made.notes, "nobody who tests is new, so that this open set is a closed one")
   end
   return made
end

local ENTRIES = {
   { "seed", whole = true, min = 0, max = options.MAXSEED, default = 0, help = "which photos are drawn, where some are" },
   { "of_run", text = true, show = "none", help = "the folder of a run: its split, as it was saved there (see reid.saved)" },
}
local SAID = require "scute.reid.split.options"
local OPTIONS = options.declare("reid.split", table.move(SAID, 1, #SAID, #ENTRIES + 1, ENTRIES))

--- Splits the photos of a catalogue (see reid.catalogue) for training, validation and test. Protocols:
--    time_closed  of each individual the last days test and those before them validate; who was seen on one day only trains.
--                 Closed set: all that test train, too (Adam et al. 2022; wildlife-datasets' TimeProportionSplit)
--    time_open    what was taken from a day on tests, whoever it shows, and what was taken before that validates: later
--                 individuals are unknown (the same paper; wildlife-datasets' TimeCutoffSplit)
--    encounter    encounters of each individual are drawn
--    individual   individuals that test are in no other part; half of what validates is of individuals of its own
--                 (DisjointSetSplit), the other half encounters of those that train
--    random       photos of each individual are drawn, whatever their encounter (ClosedSetSplit): figures are too good
--    given        as the data says
-- An encounter is the photos of one individual that the data says are one, or else those of one day. Photos of an individual
-- that are of one day, or of one encounter over midnight, are on one side of each time-aware split. Photos without a date (or
-- an encounter), where the protocol goes by it, and those whose individual is not known are in no part, which a note says.
-- Returns a table that prints as a text, with
--    protocol, text    its name, and in a line what stands beside figures
--    train, val, test  lists of numbers of the catalogue's rows
--    known             {identity = true} of those that train
--    leak, leak_of     share (0 to 1) of the photos that test (where none does, that validate) whose encounter trains, nil
--                      where no encounter is known; and of how many photos that is
--    leak_day          the same share of those on whose day the same individual trains: encounters may be shorter
--    leak_val          where some test: the share of those that validate, which choose epoch, threshold and calibration
--    kind              "closed set": all that test train, "disjoint set": none does, "open set": some do
--    individuals       how many there are { train, val, test }, and how many that do not train { new_val, new_test }
--    notes             lines about photos in no part, individuals that train alone, ...
-- and the options seed, val_fraction, test_fraction, given, val_from, test_from.
local function split(catalogue, how, ...)
   surplus.refuse("reid.split(catalogue, options)", "options stand in one table", ...)
   local o = OPTIONS:read(how)
   check(catalogue, o)
   if not o.of_run then return fresh(catalogue.rows, o) end
   local individuals = units.individuals(catalogue.rows)
   local parts, made = of_run(catalogue.rows, o.of_run)
   return finished(catalogue.rows, individuals, parts, made)
end

return OPTIONS:describes(surplus.refused_by(split))
