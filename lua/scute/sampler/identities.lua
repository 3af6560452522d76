-- Batches of some individuals with some photos each (see scute.sampler).
--
-- Individuals are dealt like cards: each comes once before any comes again, and none twice in a batch; and so are the photos of
-- each individual. Photos are dealt on from epoch to epoch, by the run's seed alone, so those of an epoch are found by dealing
-- all that come before it, too.
local by_class = require "scute.sampler.by_class"
local console = require "scute.base.console"
local draw = require "scute.data.draw"
local options = require "scute.base.options"

-- ---- decks ----

local function new_deck(list, seed, number)
   return { list = list, left = {}, draw = draw.wholes(seed, "deal", number) }
end

local function shuffle_anew(deck)
   local left = table.move(deck.list, 1, #deck.list, 1, deck.left)
   for i = #left, 2, -1 do
      local j = deck.draw(i)
      left[i], left[j] = left[j], left[i]
   end
end

-- The next `count` of a deck, none twice where there are as many.
local function deal(deck, count)
   local hand, is_held = {}, {}
   while #hand < count do
      if #deck.left == 0 then shuffle_anew(deck) end
      local at = #deck.left
      while at > 0 and is_held[deck.left[at]] do at = at - 1 end
      local card = table.remove(deck.left, at > 0 and at or nil)
      hand[#hand + 1], is_held[card] = card, true
   end
   return hand
end

-- ---- the order of an epoch ----

local function classes_with_photos(o, lists)
   local classes = {}
   for class, list in ipairs(lists) do
      if #list > 0 then classes[#classes + 1] = class end
   end
   if #classes < o.individuals then
      error(("sampler.identities: individuals: expected at most %d, as there are no more with photos that train, found %d")
         :format(#classes, o.individuals), 0)
   end
   return classes
end

-- The deck of an epoch in which individuals come `hands` times, and how often each came before. All come equally often, and what
-- is left over is dealt from epoch to epoch.
local function individuals_of(classes, hands, epoch, seed)
   local rounds, rest, spare, before = hands // #classes, hands % #classes, new_deck(classes, seed, 0), {}
   for _, class in ipairs(classes) do before[class] = rounds * (epoch - 1) end
   for _ = 1, epoch - 1 do
      for _, class in ipairs(deal(spare, rest)) do before[class] = before[class] + 1 end
   end
   local deck = new_deck(classes, seed, -epoch)
   deck.left = deal(spare, rest)
   return deck, before
end

-- The deck of each individual's photos, without those that came before.
local function photos_left(o, lists, before, seed)
   local decks = {}
   for class, times in pairs(before) do
      decks[class] = new_deck(lists[class], seed, class)
      for _ = 1, times do deal(decks[class], o.photos) end
   end
   return decks
end

local function indices(o, epoch, part)
   local lists, n = by_class(part)
   local seed, size = part.seed or 0, o.individuals * o.photos
   local batches, order = (o.length or n + -n % size) // size, {}
   local individuals, before = individuals_of(classes_with_photos(o, lists), batches * o.individuals, epoch, seed)
   local decks = photos_left(o, lists, before, seed)
   for _ = 1, batches do
      for _, class in ipairs(deal(individuals, o.individuals)) do
         table.move(deal(decks[class], o.photos), 1, o.photos, #order + 1, order)
      end
   end
   return order
end

-- What is told of photos that come several times in a batch, nil where none do.
local function note(o, part)
   local few = 0
   for _, list in ipairs((by_class(part))) do few = few + (#list > 0 and #list < o.photos and 1 or 0) end
   if few == 0 then return nil end
   return ("%s with fewer than %d photos: of %s some come several times in a batch"):format(console.count(few, "individual"),
      o.photos, few == 1 and "it" or "these")
end

-- ---- what users call ----

local IDENTITIES = options.declare("sampler.identities", {
   { "individuals", 8, whole = true, min = 1, help = "classes of a batch" },
   { "photos", 4, whole = true, min = 1, help = "photos of each of them; where there are fewer, some come several times" },
   { "length", whole = true, min = 1, show = "the photos that train, rounded up to whole batches",
     help = "photos of an epoch, a multiple of individuals * photos" },
})

local function check_length(o)
   local size = o.individuals * o.photos
   if o.length and o.length % size > 0 then
      error(("sampler.identities: length: expected a multiple of %d = %d individuals * %d photos, found %d"):format(size,
         o.individuals, o.photos, o.length), 3)
   end
end

--- Batches of some individuals with some photos each, for losses that compare photos with photos (scute.losses.triplet,
-- supcon); batch_size has to be individuals * photos. All individuals come equally often, whatever their number of photos: in
-- an epoch, and in all so far, the batches that they are in differ by at most one. Each photo of an individual comes once
-- before any of them comes again, from epoch to epoch. An individual with a single photo is there too, with that photo several
-- times in a batch (augmented each time anew).
--
--    train.fit(model, set, { sampler = scute.sampler.identities { individuals = 8, photos = 4 }, batch_size = 32, ... })
local function identities(given)
   local o = IDENTITIES:read(given)
   check_length(o)
   local text = ("identities (%d individuals, %d photos each%s)"):format(o.individuals, o.photos,
      o.length and (", length %d"):format(o.length) or "")
   return { name = "identities", batch_size = o.individuals * o.photos,
      indices = function(epoch, _, part) return indices(o, epoch, part) end,
      note = function(part) return note(o, part) end,
      describe = function() return text end }
end

return IDENTITIES:describes(identities)
