-- Individuals that test are in no other part (wildlife-datasets' DisjointSetSplit): whether two photos show the same one is
-- asked of individuals that the network never saw.
--
-- Of what validates one half is individuals of their own, the other one is encounters (where none is known, photos) of those
-- that train: so that known and new ones can be told apart, and that training can be watched.
local console = require "scute.base.console"
local deal = require "scute.reid.split.deal"

local LEAST = 2 -- individuals that train

-- Takes individuals from the end of `order` until they have `wanted` photos; returns them as a set.
local function take(order, photos, wanted)
   local taken, sum = {}, 0
   while #order > LEAST and sum < wanted do
      local who = table.remove(order)
      taken[who], sum = true, sum + photos[who]
   end
   return taken
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
   local test = take(order, photos, o.test_fraction * individuals.photos)
   local val = take(order, photos, o.val_fraction / 2 * individuals.photos)
   for i, who in ipairs(individuals.of) do
      parts[i] = who and (test[who] and "test" or val[who] and "val" or "train")
   end
   if o.val_fraction > 0 then deal.hold_out(rows, individuals, parts, o.val_fraction / 2, o.seed) end
   return parts, ("by individual, disjoint set, %g %% of the photos test, drawn, seed %d"):format(100 * o.test_fraction,
      o.seed)
end
