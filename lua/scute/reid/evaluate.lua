-- How well individuals are known again, from embeddings: all figures of a closed and of an open set, by individual, by side and
-- by encounter, and what went wrong. The parts are in evaluate/.
local apart = require "scute.reid.evaluate.apart"
local as_text = require "scute.reid.evaluate.as_text"
local groups = require "scute.reid.evaluate.groups"
local is_tensor = require("scute.nn.module").is_tensor
local metrics = require "scute.metrics"
local open_set = require "scute.reid.evaluate.open_set"
local options = require "scute.base.options"
local sides = require "scute.reid.evaluate.sides"
local two_kinds = require "scute.reid.evaluate.two_kinds"

local KEPT = 10 -- candidates of each query, for pictures

local function is_embedded(value)
   return type(value) == "table" and is_tensor(value.x) and #value.x.shape == 2 and type(value.rows) == "table"
      and #value.rows == value.x.shape[1]
end

local EMBEDDED = "{ x = embeddings (N, D), rows = N rows of a catalogue }"

local EVALUATE = options.declare("reid.evaluate", {
   { "queries", required = true, is = is_embedded, expected = EMBEDDED,
     help = "photos that are measured: { x = embeddings (N, D) f32, rows = { identity, side, encounter, ... } of each }; those "
        .. "whose individual is not known by name are left out" },
   { "gallery", is = is_embedded, expected = EMBEDDED, show = "the queries themselves, each but for its own encounter",
     help = "photos of the individuals that are known, the same" },
   { "calibration", is = options.has "of", expected = "a calibration of metrics.isotonic, platt or calibration", show = "none",
     help = "makes probabilities of similarities, fitted on other photos (validation); without it there is no open set" },
   { "threshold", number = true, show = "a probability of one half",
     help = "the similarity from which the first candidate is named, else a photo is said to be new" },
   { "top", is = options.of_type "table", expected = "a list of whole numbers from 1", show = "1, 5, 10",
     default = function() return { 1, 5, 10 } end, help = "the k of the top-k shares" },
   { "text", text = true, show = "none", help = "the protocol of the split in a line, as it stands beside the figures" },
})

-- ---- what is compared ----

-- Names of individuals, of rows all of which have one.
local function names_of(rows)
   local names = {}
   for i, row in ipairs(rows) do names[i] = row.identity end
   return names
end

-- Without the rows whose individual is not known; rows that are left, their embeddings, and whether these are new.
local function known_rows(embedded)
   local rows, at = {}, {}
   for i, row in ipairs(embedded.rows) do
      if row.identity then rows[#rows + 1], at[#at + 1] = row, i end
   end
   if #rows == #embedded.rows then return { x = embedded.x, rows = rows, left_out = 0 } end
   if #rows == 0 then return { rows = rows, left_out = #embedded.rows } end
   local scute = require "scute"
   local index <close> = scute.tensor(at, { dtype = "i64", device = embedded.x.device })
   return { x = embedded.x:index_select(1, index), rows = rows, left_out = #embedded.rows - #rows, is_new = true }
end

-- ---- each query ----

-- What is said of each query: { row, truth, said = individual of the first candidate (false: there is none), similarity,
-- candidates = list of {row, similarity}, right = {row, similarity} of the first right one or nil, rank, precision, is_known =
-- whether there is a right one, is_right }.
local function answers_of(queries, gallery, found, known)
   local list = {}
   for q, row in ipairs(queries.rows) do
      local candidates = {}
      for k, entry in ipairs(found.nearest[q]) do
         candidates[k] = { row = gallery.rows[entry.row], similarity = entry.similarity }
      end
      local first, right = candidates[1], found.right[q]
      -- Of what looks among itself nothing may be left, and an individual seen once has nothing to find.
      list[q] = { row = row, truth = row.identity, said = first and first.row.identity or false,
         similarity = first and first.similarity or -1, candidates = candidates,
         is_known = known[row.identity] and found.ranks[q] and true or false,
         right = right and { row = gallery.rows[right.row], similarity = right.similarity } or nil,
         rank = found.ranks[q] or nil, precision = found.precisions[q] or nil,
         is_right = first ~= nil and first.row.identity == row.identity }
   end
   return list
end

-- Queries that were not right, the most similar first: those of known individuals whose first candidate is another one, and
-- new ones that are named.
local function failures_of(answers)
   local list = {}
   for _, answer in ipairs(answers) do
      local is_wrong = answer.is_known and not answer.is_right or not answer.is_known and answer.new == false
      if is_wrong then list[#list + 1] = answer end
   end
   table.sort(list, function(a, b)
      if a.similarity ~= b.similarity then return a.similarity > b.similarity end
      return (a.row.file or "") < (b.row.file or "")
   end)
   return list
end

local function closed_of(found, answers)
   local right = 0
   for _, answer in ipairs(answers) do right = right + (answer.is_known and answer.is_right and 1 or 0) end
   return { queries = found.queries, without = found.without, top = found.top, asked = found.asked, map = found.map,
      map_at_r = found.map_at_r, interval = { metrics.interval(right, found.queries) } }
end

local function nothing(o, left_out)
   return as_text.evaluation { text = o.text, photos = 0, left_out = left_out, answers = {}, failures = {}, individuals = {},
      sides = {} }
end

-- The individuals of rows, as a set, and how many they are.
local function set_of(names)
   local known, n = {}, 0
   for _, name in ipairs(names) do
      n = n + (known[name] and 0 or 1)
      known[name] = true
   end
   return known, n
end

-- All figures. own: the queries are the gallery, too.
local function measure(o, queries, gallery, own)
   local names = names_of(gallery.rows)
   local known, individuals = set_of(names)
   local exclude = own and apart.exclude(queries.rows) or nil
   local found = metrics.retrieval { queries = queries.x, gallery = gallery.x, query_labels = names_of(queries.rows),
      gallery_labels = names, top = o.top, keep = KEPT, exclude = exclude }
   local answers = answers_of(queries, gallery, found, known)
   local result = { text = o.text, leak = not own and apart.leak(queries.rows, gallery.rows) or nil, among = own,
      photos = #queries.rows, left_out = queries.left_out, answers = answers, closed = closed_of(found, answers),
      gallery = { photos = #gallery.rows, individuals = individuals } }
   if o.calibration and not own then result.open = open_set(queries, gallery, answers, known, o) end
   result.individuals = groups.individuals(answers, gallery.rows)
   result.closed.balanced = groups.balanced(result.individuals)
   result.encounters = groups.encounters(answers)
   result.sides = own and {} or sides(queries, gallery, answers)
   result.pairs, result.failures = two_kinds(queries, gallery, exclude), failures_of(answers)
   return as_text.evaluation(result)
end

--- Measures a model of individuals by the embeddings of photos. Each query is compared with all photos of the gallery; that
-- none of its own encounter is in there is the split's business (see reid.split), and `text` and the leak say it beside the
-- figures. Returns { text, leak = share of the queries whose encounter is in the gallery (nil: no encounter is known), photos =
-- queries whose individual is known by name, left_out = others, gallery = { photos, individuals }, among = true where the
-- queries are the gallery,
--    closed       of photos of individuals in the gallery: { queries, without = photos of individuals that are not in it,
--                 top = {[k] = share}, interval = 95 % of top-1 (Wilson's), balanced = top-1 averaged over individuals, map,
--                 map_at_r } (see metrics.retrieval)
--    individuals  list of { identity, photos, gallery, encounters, right = share, top5, map, taken_for = most frequent other,
--                 known, new = share said to be new }, by name in byte order
--    encounters   { count, mean = share right averaged over encounters, vote = share of encounters whose photos vote for the
--                 right individual }; nil where none is known
--    sides        list of { side, photos, top1, map, same = top-1 among photos of that side alone, other = among the others
--                 alone }
--    open         with a calibration: { known, unknown, root, ... } of metrics.balanced_open, likelier = the same where
--                 somebody is new whose probability is below one half, threshold, auc = area under the ROC of known against new
--                 ones by their first similarity, calibration_error, bins, mean = mean probability, right = share in which the
--                 first candidate is right, made = true where no query is of a new individual, and new ones are made: each
--                 query again, its own individual left out of the gallery }
--    pairs        { same, different = lists of similarities, auc, eer, of = pairs, drawn = whether these are not all }
--    answers      of each query { row, truth, said, similarity, probability, new, rank, precision, candidates, right, ... }
--    failures     those of them that are wrong, the most similar first }.
local function evaluate(given)
   local o = EVALUATE:read(given)
   local queries, own = known_rows(o.queries), o.gallery == nil
   local gallery = own and queries or known_rows(o.gallery)
   if not own and #gallery.rows == 0 then error("reid.evaluate: no individual in the gallery is known by name", 2) end
   if #queries.rows == 0 then return nothing(o, queries.left_out) end
   local result = measure(o, queries, gallery, own)
   for _, part in ipairs(own and { queries } or { queries, gallery }) do
      if part.is_new then part.x:free() end
   end
   return result
end

return EVALUATE:describes(evaluate)
