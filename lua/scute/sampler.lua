-- Samplers: which photos an epoch trains on, and how often each. Without one each trains once, in an order drawn anew.
--
--    train.fit(model, set, { sampler = "balanced", ... })
--    train.fit(model, set, { sampler = scute.sampler.weighted { weights = { rare = 3 } }, ... })
--
-- One of your own is a function(epoch, draw, part), or a table { name = "...", indices = that function }, which returns the
-- numbers of the photos of one epoch, from 1 to part.n, in the order in which they train; or a list of such numbers, the same
-- in each epoch. All epochs have to be as long as the first.
--    epoch   its number, from 1
--    draw    random numbers of this epoch: draw() in [0, 1), draw(n) a whole number from 1 to n, draw:shuffle(list) in place.
--            They follow from seed and epoch alone, so that a run which goes on in the middle of an epoch draws the same
--    part    what trains: { n, paths, labels (class numbers), classes (names), seed (of the run), bad = {number = true} of
--            those that cannot be read, which are left out whatever a sampler says }
-- A table may also have batch_size, the only one that it is made for, and note = function(part) -> a line that is told before
-- the run, or nil.
-- A photo that is drawn more than once in an epoch is augmented anew each time (with cached features it is the same view).
local by_class = require "scute.sampler.by_class"
local options = require "scute.base.options"

local sampler = {}

local LENGTH = { "length", whole = true, min = 2, show = "the photos that train",
   help = "photos of an epoch, those that are drawn again among them" }

local function new(name, settings, indices)
   return { name = name, indices = indices, describe = function() return name .. settings end }
end

local function length_text(o) return o.length and (" (length %d)"):format(o.length) or "" end

-- Adds `count` photos of a list, each as often as any other: whole rounds, each in an order of its own.
local function add_rounds(order, list, count, draw)
   while count > 0 do
      draw:shuffle(list)
      local taken = math.min(count, #list)
      table.move(list, 1, taken, #order + 1, order)
      count = count - taken
   end
end

local BALANCED = options.declare("sampler.balanced", { LENGTH })

--- Each class as often as any other, and within a class each photo as often as any other (where that does not come out even,
-- one time more for some that are drawn). Those of small classes come several times in an epoch, those of large ones not in
-- each.
function sampler.balanced(given)
   local o = BALANCED:read(given)
   return new("balanced", length_text(o), function(_, draw, part)
      local lists, n = by_class(part)
      local classes, order = {}, {}
      for class, list in ipairs(lists) do classes[#classes + 1] = #list > 0 and class or nil end
      local length = o.length or n
      draw:shuffle(classes) -- the first get what is left over
      for k, class in ipairs(classes) do
         add_rounds(order, lists[class], length // #classes + (k <= length % #classes and 1 or 0), draw)
      end
      return draw:shuffle(order)
   end)
end
BALANCED:describes(sampler.balanced)

local function check_weight(value, what)
   if type(value) == "number" and value >= 0 and value < math.huge then return value end
   error(("sampler.weighted: weights: expected a number of at least 0 for %s, found %s"):format(what, tostring(value)), 0)
end

-- A weight for each class name; those that are not named have 1.
local function weights_of_classes(weights, part)
   local known, each = {}, {}
   for class, name in ipairs(part.classes) do known[name], known[class], each[class] = class, class, 1 end
   for key, value in pairs(weights) do
      local class = known[key]
      if not class then
         error(("sampler.weighted: weights: there is no class '%s'%s"):format(tostring(key), options.hint(tostring(key),
            part.classes)), 0)
      end
      each[class] = check_weight(value, ("class '%s'"):format(part.classes[class]))
   end
   return function(i) return each[part.labels[i]] end
end

-- weights: a list with one for each photo, or a table by class.
local function weight_of(weights, part)
   if #weights <= #part.classes and #weights ~= part.n then return weights_of_classes(weights, part) end
   if #weights ~= part.n then
      error(("sampler.weighted: weights: expected one for each of the %d photos that train, or a table by class, found %d")
         :format(part.n, #weights), 0)
   end
   return function(i) return check_weight(weights[i], "photo " .. i) end
end

-- Sums of the weights up to each photo.
local function sums_of(weights, part)
   local of, sums, sum = weight_of(weights, part), {}, 0
   for i = 1, part.n do
      sum = sum + (part.bad[i] and 0 or of(i))
      sums[i] = sum
   end
   if sum == 0 then error("sampler.weighted: weights: all of them are 0", 0) end
   return sums, sum
end

-- The first place whose sum is above a value.
local function find(sums, value)
   local low, high = 1, #sums
   while low < high do
      local middle = (low + high) // 2
      if sums[middle] > value then high = middle else low = middle + 1 end
   end
   return low
end

local WEIGHTED = options.declare("sampler.weighted", {
   { "weights", required = true, is = options.of_type "table", expected = "a table of numbers",
     help = "by class name or number, 1 where none is said: how often a photo of the class comes; or a list, one for each "
        .. "photo of set.train" }, LENGTH })

--- Photos are drawn with repetition, each as often as its weight says (torch.utils.data.WeightedRandomSampler).
function sampler.weighted(given)
   local o = WEIGHTED:read(given)
   local text = require "scute.base.plain_text"(o.weights)
   if #text > 60 then text = ("a list of %d, %s"):format(#o.weights, require("scute.core").checksum { text }) end
   return new("weighted", (" (%s%s)"):format(text, o.length and (", length %d"):format(o.length) or ""),
      function(_, draw, part)
         local sums, sum = sums_of(o.weights, part)
         local _, readable = by_class(part)
         local order = {}
         for i = 1, o.length or readable do order[i] = find(sums, draw() * sum) end
         return order
      end)
end
WEIGHTED:describes(sampler.weighted)

sampler.identities = require "scute.sampler.identities"

local PARSED = { "balanced", "identities", "identities=PxK" }

--- The sampler that a text names: "balanced", "identities", or "identities=8x4" for 8 individuals of 4 photos. What is wrong is
-- an error without a position.
function sampler.parse(text)
   if text == "balanced" or text == "identities" then return sampler[text]() end
   local individuals, photos = tostring(text):match "^identities=([1-9]%d*)x([1-9]%d*)$"
   if individuals then
      return sampler.identities { individuals = math.tointeger(individuals), photos = math.tointeger(photos) }
   end
   local hint = text == "weighted" and "; weights are given in a script: sampler = scute.sampler.weighted { weights = ... }"
      or options.hint(text, PARSED, { "balanced", "identities" })
   error(("unknown sampler '%s'%s"):format(tostring(text), hint), 0)
end

return sampler
