-- What is found by the nearest photo alone, without any training: of features that a pretrained network has of photos.
local console = require "scute.base.console"
local scute = require "scute"

local figures = {}

--- Features of all rows of a catalogue, each of length 1: f32 (N, F). whole: of whole photos, else of what the boxes say.
function figures.features(model, rows, whole)
   local part = { paths = {}, boxes = not whole and {} or nil }
   for i, row in ipairs(rows) do
      part.paths[i] = row.path
      if not whole then part.boxes[i] = row.box or false end
   end
   local seen = scute.score(model, part, { want = { "features" } })
   if #seen.bad > 0 then console.fail("%s", seen.bad[1].message) end
   return seen.features:normalize()
end

-- The features and the names of some rows.
local function chosen(features, rows, numbers)
   local names = {}
   for i, number in ipairs(numbers) do names[i] = rows[number].identity end
   return features:index_select(1, scute.tensor(numbers, { dtype = "i64" })), names
end

--- How well the nearest photo that trains tells who is in those that test; see scute.metrics.retrieval.
function figures.retrieval(features, rows, split)
   local queries <close>, query_labels = chosen(features, rows, split.test)
   local gallery <close>, gallery_labels = chosen(features, rows, split.train)
   return scute.metrics.retrieval { queries = queries, gallery = gallery, query_labels = query_labels,
      gallery_labels = gallery_labels, top = { 1, 5 } }
end

return figures
