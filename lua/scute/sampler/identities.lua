-- Batches of some individuals with some photos each (see scute.sampler).
--
-- Individuals are dealt like cards: each comes once before any comes again, and none twice in a batch; and so are the photos of
-- each individual. Photos are dealt on from epoch to epoch, by the run's seed alone: those of an epoch follow from what was
-- dealt before, which is kept, or else dealt again.
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

-- What is dealt of a part, as before its first epoch. All individuals come `rounds` times in an epoch; the `rest` of its hands
-- goes round from epoch to epoch.
local function begin(o, part)
   local lists, n = by_class(part)
   local seed, size = part.seed or 0, o.individuals * o.photos
   local classes, batches = classes_with_photos(o, lists), (o.length or n + -n % size) // size
   local hands, bad, decks = batches * o.individuals, {}, {}
   for photo in pairs(part.bad) do bad[photo] = true end
   for _, class in ipairs(classes) do decks[class] = new_deck(lists[class], seed, class) end
   return { labels = part.labels, seed = seed, bad = bad, epoch = 0, batches = batches, classes = classes, decks = decks,
      rounds = hands // #classes, rest = hands % #classes, spare = new_deck(classes, seed, 0) }
end

local function holds_all(set, of)
   for key in pairs(of) do
      if not set[key] then return false end
   end
   return true
end

-- Whether what was dealt is of the same photos, and of no later epoch.
local function goes_on(dealt, part, epoch)
   return dealt ~= nil and dealt.labels == part.labels and dealt.seed == (part.seed or 0) and dealt.epoch <= epoch
      and holds_all(dealt.bad, part.bad) and holds_all(part.bad, dealt.bad)
end

-- Deals an epoch that nobody asks for.
local function pass(o, dealt)
   for _, class in ipairs(dealt.classes) do
      for _ = 1, dealt.rounds do deal(dealt.decks[class], o.photos) end
   end
   for _, class in ipairs(deal(dealt.spare, dealt.rest)) do deal(dealt.decks[class], o.photos) end
   dealt.epoch = dealt.epoch + 1
end

local function deal_epoch(o, dealt)
   local order, individuals = {}, new_deck(dealt.classes, dealt.seed, -dealt.epoch - 1)
   individuals.left = deal(dealt.spare, dealt.rest)
   for _ = 1, dealt.batches do
      for _, class in ipairs(deal(individuals, o.individuals)) do
         table.move(deal(dealt.decks[class], o.photos), 1, o.photos, #order + 1, order)
      end
   end
   dealt.epoch, dealt.order = dealt.epoch + 1, order
end

-- The order of an epoch, and what is dealt by then, for the next one. before: what was dealt for another, or nil.
local function indices(o, before, epoch, part)
   local dealt = goes_on(before, part, epoch) and before or begin(o, part)
   while dealt.epoch < epoch - 1 do pass(o, dealt) end
   if dealt.epoch < epoch then deal_epoch(o, dealt) end
   return table.move(dealt.order, 1, #dealt.order, 1, {}), dealt
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
   local dealt
   return { name = "identities", batch_size = o.individuals * o.photos,
      indices = function(epoch, _, part)
         local order
         order, dealt = indices(o, dealt, epoch, part)
         return order
      end,
      note = function(part) return note(o, part) end,
      describe = function() return text end }
end

return IDENTITIES:describes(identities)
