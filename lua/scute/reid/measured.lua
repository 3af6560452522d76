-- What a trained model is worth on photos that did not train, as figures of one run: how early photos find their individual,
-- how well new individuals are told to be new, and how far similarities can be read as probabilities.
--
-- Threshold and calibration come from photos that validate alone. Where no new individual is among these, and none among those
-- that test, they are made: each photo is also asked for in a gallery without its own individual, to which it is a new one. So
-- one half of what a probability is about is new then, and how many are in the wild is not known.
local console = require "scute.base.console"
local metrics = require "scute.metrics"
local thousands = require("scute.base.columns").thousands

local measured = {}

local FOLDS = 5 -- of the answers that choose between isotonic and Platt's calibration
local FEW = 100 -- answers: of fewer there is nothing to choose by, and Platt's is taken, which chance leads astray the least

-- ---- sides ----

--- Photos by what is known of them: { x = embeddings (n, D), ids = individuals, keys = what they share light and background
-- with, an encounter or else a file }. found: what reid.embeddings returns; ids, keys: of all photos that it was asked for. nil
-- where none could be read.
function measured.side(found, ids, keys)
   if not found.x then return nil end
   local side = { x = found.x, ids = {}, keys = {} }
   for i, index in ipairs(found.rows) do side.ids[i], side.keys[i] = ids[index], keys[index] end
   return side
end

-- ---- retrieval ----

-- By key the rows of a side, as lists.
local function rows_by(keys)
   local lists = {}
   for i, key in ipairs(keys) do
      lists[key] = lists[key] or {}
      table.insert(lists[key], i)
   end
   return lists
end

local function retrieve(queries, gallery, exclude)
   return metrics.retrieval { queries = queries.x, query_labels = queries.ids, gallery = gallery.x,
      gallery_labels = gallery.ids, exclude = exclude, keep = 1 }
end

-- Of what retrieval returns the figures alone.
local function figures_of(found, of)
   local low, high = 0 / 0, 0 / 0
   if found.queries > 0 then
      low, high = metrics.interval(math.floor(found.top[1] * found.queries + 0.5), found.queries)
   end
   return { photos = found.queries, without = found.without, gallery = found.gallery, of = of, top_1 = found.top[1],
      top_1_interval = { low, high }, top_5 = found.top[5], top_10 = found.top[10], map = found.map,
      map_at_r = found.map_at_r }
end

--- Figures of photos that look for their individual among those of `gallery`. of: "train"; where a protocol has no individual
-- on both sides, gallery is nil, and they look among one another, each but for its own encounter: "test".
function measured.retrieval(queries, gallery, of)
   if gallery then return figures_of(retrieve(queries, gallery), of or "train") end
   local own = rows_by(queries.keys)
   return figures_of(retrieve(queries, queries, function(q) return own[queries.keys[q]] end), "test")
end

-- ---- new individuals ----

local function append(to, found, queries, gallery, truth)
   for q, nearest in ipairs(found.nearest) do
      local best = nearest[1]
      if best then
         local named = gallery.ids[best.row]
         to.scores[#to.scores + 1], to.named[#to.named + 1] = best.similarity, named
         to.truth[#to.truth + 1] = truth(queries.ids[q])
         to.right[#to.right + 1] = named == to.truth[#to.truth]
      end
   end
end

--- What is said of photos one by one, of known individuals and of new ones (either may be nil): { truth, named = who comes
-- first, scores = the similarity of that, right = whether it is, made = whether the new ones are made of the known }.
function measured.answers(known, new, gallery)
   local said = { truth = {}, named = {}, scores = {}, right = {}, made = false }
   local function itself(id) return id end
   if known then append(said, retrieve(known, gallery), known, gallery, itself) end
   if new then append(said, retrieve(new, gallery), new, gallery, itself) end
   if new or not known then return said end
   local own = rows_by(gallery.ids)
   append(said, retrieve(known, gallery, function(q) return own[known.ids[q]] end), known, gallery,
      function(id) return "\0" .. id end) -- as somebody whom nobody knows
   said.made = true
   return said
end

-- Answers of some folds, which keep what shows one individual together: its photos resemble each other.
local function folds_of(said)
   local fold, n, list = {}, 0, {}
   for i, truth in ipairs(said.truth) do
      local who = truth:gsub("^\0", "")
      if not fold[who] then fold[who], n = n % FOLDS, n + 1 end
      list[i] = fold[who]
   end
   return list
end

-- Mean square of what a kind of calibration is off by, on answers that it was not fitted to (Brier 1950).
local function brier(kind, said, folds)
   local sum = 0.0
   for f = 0, FOLDS - 1 do
      local scores, right = {}, {}
      for i, fold in ipairs(folds) do
         if fold ~= f then scores[#scores + 1], right[#right + 1] = said.scores[i], said.right[i] end
      end
      local fitted = #scores > 0 and metrics[kind](scores, right)
      for i, fold in ipairs(folds) do
         if fitted and fold == f then sum = sum + (fitted:of(said.scores[i]) - (said.right[i] and 1 or 0)) ^ 2 end
      end
   end
   return sum / #folds
end

-- Isotonic or Platt's. How many answers there are does not say which is better: Platt's is wrong, however many there are,
-- where similarities of right and of wrong answers spread differently, and isotonic follows chance where they do not.
local function kind_for(said)
   if #said.scores < FEW then return "platt" end
   local folds = folds_of(said)
   return brier("isotonic", said, folds) < brier("platt", said, folds) and "isotonic" or "platt"
end

-- Platt's line may fall, where the similar ones were right less often than the others (few photos, a model that has learned
-- nothing); isotonic ones cannot, so that of candidates none is likelier than a more similar one.
local function calibration_of(said)
   local fitted = metrics[kind_for(said)](said.scores, said.right)
   return (fitted.slope or 0) >= 0 and fitted or metrics.isotonic(said.scores, said.right)
end

--- A calibration and a threshold from what was said of photos that validate: { calibration = of scute.metrics, threshold,
-- photos, made }; nil where nothing was said.
function measured.calibrate(said, known)
   if #said.scores == 0 then return nil end
   return { calibration = calibration_of(said), photos = #said.scores, made = said.made,
      threshold = (metrics.open_threshold { truth = said.truth, predicted = said.named, scores = said.scores, known = known }) }
end

--- What these are worth on other photos: { known, unknown, root (balanced accuracies), known_photos, ..., likelier = { known,
-- unknown, root } where somebody is new whose probability is below one half, as scripts/identify.lua says it, error (of the
-- calibration), photos, made }.
function measured.open(said, fitted, known)
   local predicted, likelier, shares = {}, {}, {}
   for i, score in ipairs(said.scores) do
      shares[i] = fitted.calibration:of(score)
      predicted[i] = score >= fitted.threshold and said.named[i] or false
      likelier[i] = shares[i] >= 0.5 and said.named[i] or false
   end
   local found, open = metrics.balanced_open { truth = said.truth, predicted = predicted, known = known }, {}
   for name, value in next, found do open[name] = value end
   found = metrics.balanced_open { truth = said.truth, predicted = likelier, known = known }
   open.likelier = { known = found.known, unknown = found.unknown, root = found.root }
   open.error, open.photos, open.made = metrics.calibration_error(shares, said.right), #said.scores, said.made
   return open
end

-- ---- telling ----

local function share(value)
   return value == value and ("%.3f"):format(value) or "-"
end

--- "812 photos that test, among 3,120 that train: top-1 0.713 (0.681 to 0.743), top-5 ...".
function measured.text(figures, what)
   local among = figures.of == "train" and ("among %s that train"):format(thousands(figures.gallery))
      or "among one another, but for their own encounter"
   local interval = figures.top_1_interval
   if figures.photos == 0 then return "no photo of a known individual to find again" end
   return ("%s that %s, %s: top-1 %s (%s to %s), top-5 %s, mAP %s, MAP@R %s"):format(console.count(figures.photos, "photo"),
      what, among, share(figures.top_1), share(interval[1]), share(interval[2]), share(figures.top_5), share(figures.map),
      share(figures.map_at_r))
end

--- What becomes of new individuals, in a line.
function measured.open_text(open, fitted)
   return ("below a similarity of %.3f somebody is new: %s of the known are named right, %s of the new are found new, root of "
      .. "both %s (averaged over individuals%s); where that is likelier than not, as scripts/identify.lua says it: %s and %s; "
      .. "probabilities are off by %s (expected calibration error, %s)"):format(fitted.threshold, share(open.known),
      share(open.unknown), share(open.root), open.made and "; new: photos whose individual was left out of the gallery" or "",
      share(open.likelier.known), share(open.likelier.unknown), share(open.error), console.count(open.photos, "answer"))
end

-- ---- for reid.json ----

-- Without what is no number.
local function plain(value)
   if value ~= value then return nil end
   if type(value) ~= "table" then return value end
   local copy = {}
   for key, entry in pairs(value) do copy[key] = plain(entry) end
   return copy
end

--- Figures as plain data.
function measured.plain(figures)
   return plain(figures)
end

--- What reid.json says of a calibration: that itself, as metrics reads it, and beside it `threshold` and what both come from.
function measured.fitted_plain(fitted)
   local new = fitted.made and "made: each photo's own individual left out of the gallery" or "those of the split"
   return { calibration = fitted.calibration:plain(), threshold = fitted.threshold,
      calibrated_on = { photos = fitted.photos, new = new } }
end

return measured
