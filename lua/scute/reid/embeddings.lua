-- What a model says of photos as vectors of length 1: two of one animal are alike, those of different ones are not.
local scute = require "scute"
local batches = require "scute.data.batches"
local console = require "scute.base.console"
local found_device = require "scute.base.found_device"
local head = require "scute.reid.head"
local joined = require "scute.base.joined"
local options = require "scute.base.options"
local part_of = require "scute.reid.part"
local precision = require "scute.base.precision"
local score = require "scute.score"
local surplus = require "scute.base.surplus"

local EMBEDDINGS = options.declare("reid.embeddings", {
   { "layer", choices = { "embedding", "features" }, show = "embedding where the model has one",
     help = "what is taken: what the head makes of the features, or these themselves, as the backbone says them" },
   { "flips", flag = true, default = false,
     help = "the mean of each photo and its mirror image; not for animals whose left and right side differ" },
   { "batch_size", whole = true, min = 1, default = 16, help = "photos that go through the network at once" },
   { "workers", whole = true, min = 0, show = "2; on a GPU as many as there are processors, at most 8",
     help = "threads that decode photos" },
   { "device", text = true, show = "the model's", help = "where it computes" },
   precision.OF_LOOKING,
   { "known", is = options.of_type "table", expected = "{ x = features (n, F), rows = numbers of their photos }", show = "none",
     help = "features that training has computed already: { x, rows, bad }; no photo is read then" },
   { "each", is = options.of_type "function", expected = "a function of a number of photos", show = "none",
     help = "hears of how many photos are done, after each batch" },
})

local function device_of(model)
   local _, first = model:named_parameters()()
   return first and first.device or "cpu"
end

-- ---- photos ----

-- A part of a data set, rows of a catalogue or a list of files, as a part. level: of who gives it, as error counts from here.
local function as_part(given, level)
   local part, first = given, type(given) == "table" and given[1] or nil
   if type(first) == "string" then part = { paths = given } end
   if type(first) == "table" then
      local numbers = {}
      for i in ipairs(given) do numbers[i] = i end
      part = part_of({ rows = given }, numbers)
   end
   if type(part) == "table" and type(part.paths) == "table" and type(part.paths[1]) == "string" then return part end
   error("reid.embeddings: expected photos (a part of a data set, rows of a catalogue, or a list of files), found "
      .. (type(given) == "table" and "a table without any" or console.brief(given)), level + 1)
end

-- ---- computing ----

-- A function that makes vectors of length 1 of features (n, F).
local function of_features(model, o)
   local embedding_head = head.of(model)
   local layer = o.layer or (embedding_head and "embedding" or "features")
   if layer == "embedding" and not embedding_head then
      error("reid.embeddings: the model has no embedding, as reid.model gives it one; layer = \"features\" takes what its "
         .. "backbone says", 3)
   end
   if layer == "features" then return function(features) return features:normalize() end end
   return function(features) return embedding_head:embed(features) end
end

-- A function that makes vectors of photos (n, 3, H, W).
local function of_photos(model, o, embed)
   local dtype = o.precision and precision.dtype(o.precision, o.device) or precision.of_model(model.precision, o.device)
   local function one(x)
      local features <close> = precision.call(dtype, model.features, model, x)
      return embed(features)
   end
   if not o.flips then return one end
   return function(x)
      local plain <close> = one(x)
      local mirrored <close> = x:flip(-1)
      local other <close> = one(mirrored)
      local sum <close> = plain + other
      return sum:normalize()
   end
end

-- Batches of the part as score wants them; bad: a list that gets those that cannot be read.
local function feed_of(model, part, o, bad, embed)
   return {
      batches = function()
         return batches(part, { batch_size = o.batch_size, preprocess = model.preprocessing, workers = o.workers,
            on_bad = "skip", device = o.device, note = function(missed) table.move(missed, 1, #missed, #bad + 1, bad) end })
      end,
      embed = of_photos(model, o, embed),
   }
end

-- Vectors of all photos in a list of chunks, and the numbers of the photos.
local function from_photos(model, part, o, embed)
   local chunks, rows, bad = {}, {}, {}
   local seen = score(model, part, { want = { "features" }, device = o.device, precision = o.precision,
      feed = feed_of(model, part, o, bad, embed),
      each = function(batch)
         local indices = batch.indices:values()
         table.move(indices, 1, #indices, #rows + 1, rows)
         chunks[#chunks + 1], batch.features = batch.features, nil
         if o.each then o.each(#rows) end
      end })
   return joined(chunks), rows, table.move(bad, 1, #bad, #seen.bad + 1, seen.bad), seen.complete
end

local BLOCK = 4096 -- rows of features that go through a head at once

-- The same from features that are there.
local function from_known(model, o, embed)
   local known, chunks = o.known, {}
   local training = model.training
   if training then model:eval() end
   scute.no_grad(function()
      for from = 1, #known.rows, BLOCK do
         local some = scute.slice(known.x, 1, from, math.min(from + BLOCK - 1, #known.rows))
         chunks[#chunks + 1] = embed(some:to(o.device)):to "cpu"
      end
   end)
   if training then model:train() end
   return joined(chunks), known.rows, known.bad or {}, true
end

--- What a model says of photos as vectors of length 1, so that the product of two is the cosine between them, their likeness.
-- model: one of individuals (reid.model), or any of scute.models, of which the backbone's features are taken. photos: a part of
-- a data set ({ paths, boxes, masks }), a list of rows of a catalogue ({ path, box, mask }), or a list of files. Returns { x =
-- (N, D) f32 on the CPU (nil where no photo can be read), rows = the numbers of the photos that they are of, bad = list of
-- {path, message} of those that cannot be read, complete = false where Ctrl-C broke it off }.
local function embeddings(model, photos, given, ...)
   surplus.refuse("reid.embeddings(model, photos, options)", "options stand in one table", ...)
   if type(model) ~= "table" or not model.preprocessing then
      error("reid.embeddings: expected a model of scute.models, found " .. console.brief(model), 2)
   end
   local part, o = as_part(photos, 2), EMBEDDINGS:read(given)
   o.device = found_device(o.device or device_of(model))
   local embed = of_features(model, o)
   local x, rows, bad, complete
   if o.known then
      x, rows, bad, complete = from_known(model, o, embed)
   else
      x, rows, bad, complete = from_photos(model, part, o, embed)
   end
   return { x = x, rows = rows, bad = bad, complete = complete }
end

return EMBEDDINGS:describes(surplus.refused_by(embeddings))
