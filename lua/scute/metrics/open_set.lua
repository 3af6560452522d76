-- New individuals: how well those that are known are named, and how well those that are not are told to be new.
local console = require "scute.base.console"
local options = require "scute.base.options"

local open_set = {}

local OPEN = { __name = "scute.balanced_open", __tostring = function(found)
   local function share(value) return value == value and ("%.3f"):format(value) or "-" end
   return ("known %s (%s of %s), unknown %s (%s of %s), root of both %s"):format(share(found.known),
      console.count(found.known_photos, "photo"), console.count(found.known_individuals, "individual"), share(found.unknown),
      console.count(found.unknown_photos, "photo"), console.count(found.unknown_individuals, "individual"), share(found.root))
end }

-- A set of names, of a set or a list. A set of numbers has a length, too.
local function set_of(known)
   if #known == 0 or known[1] == true then return known end
   local set = {}
   for _, name in ipairs(known) do set[name] = true end
   return set
end

-- Right answers and photos by individual, of known ones and of others; the mean over individuals of each.
local function tally()
   local of = { {}, {} }
   local sums, individuals, photos = { 0.0, 0.0 }, { 0, 0 }, { 0, 0 }
   local self = {}
   -- right: 1, 0, or -1 for an answer that was right and is so no more. n: photos that come with it.
   function self.add(is_known, identity, right, n)
      local side = is_known and 1 or 2
      local entry = of[side][identity]
      if not entry then
         entry = { right = 0, photos = 0 }
         of[side][identity], individuals[side] = entry, individuals[side] + 1
      end
      sums[side] = sums[side] - (entry.photos > 0 and entry.right / entry.photos or 0)
      entry.right, entry.photos, photos[side] = entry.right + right, entry.photos + n, photos[side] + n
      sums[side] = sums[side] + (entry.photos > 0 and entry.right / entry.photos or 0)
   end
   function self.shares()
      local known = individuals[1] > 0 and sums[1] / individuals[1] or 0 / 0
      local unknown = individuals[2] > 0 and sums[2] / individuals[2] or 0 / 0
      local product = known * unknown
      return known, unknown, product < 0 and 0.0 or math.sqrt(product) -- below 0 by rounding; NaN stays NaN
   end
   self.individuals, self.photos = individuals, photos
   return self
end

local OPTIONS = options.declare("metrics.balanced_open", {
   { "truth", required = true, is = options.of_type "table", expected = "a list", help = "the individual of each photo" },
   { "predicted", required = true, is = options.of_type "table", expected = "a list",
     help = "the individual that it was said to be; false: said to be new" },
   { "known", required = true, is = options.of_type "table", expected = "{ identity = true, ... } or a list",
     help = "the individuals that could be named: { identity = true, ... } or a list" },
})

local function check(what, truth, ...)
   for _, other in ipairs { ... } do
      if #other ~= #truth then
         error(("%s: expected as many of each, found %d individuals and %d answers"):format(what, #truth, #other), 3)
      end
   end
   for i, name in ipairs(truth) do
      if not name then error(("%s: photo %d: it is not known who it is"):format(what, i), 3) end
   end
end

--- The open set as AnimalCLEF 2025 scores it: known = the share of photos of known individuals that are named right, averaged
-- over these individuals (balanced accuracy; one that is said to be new is wrong), unknown = the share of photos of individuals
-- that are not known that are said to be new, averaged over those, root = the root of their product. Returns { known, unknown,
-- root, known_photos, known_individuals, unknown_photos, unknown_individuals }; NaN where there are none, and then of the root.
function open_set.balanced_open(given)
   local o = OPTIONS:read(given)
   check("metrics.balanced_open", o.truth, o.predicted)
   local known, counted = set_of(o.known), tally()
   for i, name in ipairs(o.truth) do
      local is_known, said = known[name] or false, o.predicted[i]
      counted.add(is_known, name, (is_known and said == name or not is_known and not said) and 1 or 0, 1)
   end
   local found = { known_individuals = counted.individuals[1], unknown_individuals = counted.individuals[2],
      known_photos = counted.photos[1], unknown_photos = counted.photos[2] }
   found.known, found.unknown, found.root = counted.shares()
   return setmetatable(found, OPEN)
end
OPTIONS:describes(open_set.balanced_open)

-- ---- a threshold ----

local THRESHOLD = options.declare("metrics.open_threshold", {
   OPTIONS.by_name.truth,
   { "predicted", required = true, is = options.of_type "table", expected = "a list",
     help = "the individual that comes first for each, whatever its score" },
   { "scores", required = true, is = options.of_type "table", expected = "a list of numbers",
     help = "how sure that is: similarity or probability, the higher the surer" },
   OPTIONS.by_name.known,
})

local function descending(scores)
   local order = {}
   for i, score in ipairs(scores) do
      if type(score) ~= "number" or score ~= score then
         error(("metrics.open_threshold: expected numbers as scores, found %s at place %d"):format(score ~= score and "NaN"
            or tostring(score), i), 3)
      end
      order[i] = i
   end
   table.sort(order, function(a, b)
      if scores[a] ~= scores[b] then return scores[a] > scores[b] end
      return a < b
   end)
   return order
end

-- What counts at a threshold: the root, or of one kind alone the share of that.
local function worth(known, unknown, root)
   if known ~= known then return unknown end
   return unknown ~= unknown and known or root
end

--- The threshold at which metrics.balanced_open is best: the first candidate is named where its score is at least that, else
-- the photo is said to be new. It lies in the middle between two scores. To be chosen on validation photos, never on those
-- that are reported. Where the photos are all of known individuals it lets all pass; where none is, none. Returns the
-- threshold, and the known, unknown and root that it has on these photos; nil of no photos.
function open_set.open_threshold(given)
   local o = THRESHOLD:read(given)
   check("metrics.open_threshold", o.truth, o.predicted, o.scores)
   if #o.truth == 0 then return nil end
   local known, counted, order = set_of(o.known), tally(), descending(o.scores)
   for _, name in ipairs(o.truth) do counted.add(known[name] or false, name, known[name] and 0 or 1, 1) end -- all are new
   local first = o.scores[order[1]]
   local best = { threshold = first + math.max(1e-6, math.abs(first) * 1e-6), counted.shares() }
   for k, i in ipairs(order) do
      local name = o.truth[i]
      local is_known = known[name] or false
      counted.add(is_known, name, is_known and (o.predicted[i] == name and 1 or 0) or -1, 0)
      local score, after = o.scores[i], o.scores[order[k + 1]]
      if score ~= after then
         local known_share, unknown_share, root = counted.shares()
         local now = worth(known_share, unknown_share, root)
         -- Of equal ones the lowest where nobody is new, else the highest.
         if now > worth(table.unpack(best)) or now == worth(table.unpack(best)) and unknown_share ~= unknown_share then
            best = { threshold = after and (score + after) / 2 or score, known_share, unknown_share, root }
         end
      end
   end
   return best.threshold, best[1], best[2], best[3]
end
THRESHOLD:describes(open_set.open_threshold)

return open_set
