-- What the nearest photo alone says, without any training: by the features that a pretrained network has of photos.
local console = require "scute.base.console"
local scute = require "scute"

local figures = {}

--- Features of all rows of a catalogue: f32 (N, F), each of length 1. Rows without a box are looked at as a whole.
function figures.features(model, rows)
   local found = scute.reid.embeddings(model, rows, { layer = "features" })
   if #found.bad > 0 then console.fail("%s", found.bad[1].message) end
   return found.x
end

-- The features and the names of some rows.
local function chosen(features, rows, numbers)
   local names = {}
   for i, number in ipairs(numbers) do names[i] = rows[number].identity end
   return features:index_select(1, scute.tensor(numbers, { dtype = "i64" })), names
end

--- How well the nearest photo that trains tells who is in those that test; see scute.metrics.retrieval.
function figures.retrieval(features, rows, split)
   local queries, query_labels = chosen(features, rows, split.test)
   local gallery, gallery_labels = chosen(features, rows, split.train)
   local found = scute.metrics.retrieval { queries = queries, gallery = gallery, query_labels = query_labels,
      gallery_labels = gallery_labels, top = { 1, 5 } }
   queries:free()
   gallery:free()
   return found
end

return figures
