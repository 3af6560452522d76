-- Individuals that test are in no other part (wildlife-datasets' DisjointSetSplit): whether two photos show the same one is
-- asked of individuals that the network never saw.
--
-- Of what validates one half is individuals of their own, the other one is encounters (where none is known, photos) of those
-- that train: so that known and new ones can be told apart, and that training can be watched.
local console = require "scute.base.console"
local deal = require "scute.reid.split.deal"

local LEAST = 2 -- individuals that train

local COMPARED = 2 -- individuals that test: those of one alone are always right

-- Takes individuals from the end of `order` until they have `wanted` photos and are `least` at least, if any are wanted.
-- Returns them as a set, and how many they are.
local function take(order, photos, wanted, least)
   local taken, n, sum = {}, 0, 0
   while #order > LEAST and wanted > 0 and (sum < wanted or n < least) do
      local who = table.remove(order)
      taken[who], n, sum = true, n + 1, sum + photos[who]
   end
   return taken, n
end

--- See scute.reid.split.within.
return function(rows, individuals, o)
   if #individuals.names <= LEAST then
      console.fail("protocol: individual needs at least %d individuals, of which two train, found %d; choose another protocol",
         LEAST + 1, #individuals.names)
   end
   local photos, parts = {}, {}
   for _, who in ipairs(individuals.of) do
      if who then photos[who] = (photos[who] or 0) + 1 end
   end
   local order = deal.drawn(o.seed, #individuals.names)
   local test, n = take(order, photos, o.test_fraction * individuals.photos, COMPARED)
   local val = take(order, photos, o.val_fraction / 2 * individuals.photos, 1)
   if n == 1 then
      o.notes[#o.notes + 1] = "1 individual tests, whom nobody else can be taken for: figures among its photos say nothing"
   end
   for i, who in ipairs(individuals.of) do
      parts[i] = who and (test[who] and "test" or val[who] and "val" or "train")
   end
   if o.val_fraction > 0 then deal.hold_out(rows, individuals, parts, o.val_fraction / 2, o.seed) end
   return parts, ("by individual, disjoint set, %g %% of the photos test, drawn, seed %d"):format(100 * o.test_fraction,
      o.seed)
end
