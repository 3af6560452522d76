-- What an embedding is trained with, as train.fit takes it.
local scute = require "scute"
local head = require "scute.reid.head"
local losses = require "scute.losses"
local options = require "scute.reid.loss.options"
local surplus = require "scute.base.surplus"

-- ---- what each of them computes ----

-- The cross entropy of cosines, as a loss like those of scute.losses.
local function centres_of(scale)
   local text = ("scale = %g"):format(scale)
   return setmetatable({ describe = function() return text end }, { __call = function(_, cosines, y)
      local scaled <close> = cosines * scale
      return scute.cross_entropy(scaled, y)
   end })
end

-- What compares photos with one another, and beside it the centres, which learn from embeddings that they do not move (the head
-- is `detached`): so each epoch has an accuracy, of photos that validate too.
local function with_photos(centres, among)
   local text = ("%s; centres with %s"):format(among:describe(), centres:describe())
   return setmetatable({ describe = function() return text end }, { __call = function(_, cosines, y, last)
      local own <close> = centres(cosines, y)
      local photos <close> = among(last, y)
      return own + photos
   end })
end

-- What each loss is in training, as a function(cosines, y, embeddings) that describes itself. o: the options; centres: what
-- photos that validate are judged by.
local kinds = {}

function kinds.arcface(o)
   local dynamic = o.margin == "dynamic"
   return losses.arcface { margin = not dynamic and o.margin or nil, scale = o.scale,
      margins = dynamic and losses.dynamic_margins(o.counts) or nil }
end

function kinds.softmax(_, centres)
   return centres
end

function kinds.triplet(o, centres)
   return with_photos(centres, losses.triplet { margin = o.margin, mining = o.mining })
end

function kinds.supcon(o, centres)
   return with_photos(centres, losses.supcon { temperature = o.temperature })
end

local IS_AMONG_PHOTOS = { triplet = true, supcon = true }

-- ---- the loss ----

local Loss = {}
Loss.__index = Loss

-- The embeddings are there while the head trains. Photos that validate are judged without the margin, which is training's.
function Loss:__call(cosines, y)
   local last = rawget(self.head, "last")
   if not last or last.shape[1] ~= cosines.shape[1] then return self.centres(cosines, y) end
   return self.trains(cosines, y, last)
end

--- Its settings in words, which tell two runs apart.
function Loss:describe()
   return self.trains:describe()
end

function Loss:__tostring()
   return ("%s (%s)"):format(self.name, self:describe())
end

--- The loss of a model of individuals (reid.model), for train.fit's option `loss`: a function of cosines (N, individuals) and
-- class numbers (N) that also knows the embeddings of the batch. With triplet and supcon, which compare photos with one
-- another, batches need several photos of each individual (scute.sampler.identities), and the centres learn beside, without
-- moving the embedding (the head of the model is made `detached`). Photos that validate are judged by the cross entropy of the
-- scaled cosines, whatever trains.
--
--    run.loss = scute.reid.loss(model, { loss = "arcface", margin = 0.3 })
local function loss(model, given, ...)
   surplus.refuse("reid.loss(model, options)", "options stand in one table", ...)
   local o = options.LOSS:read(given)
   local embedding_head = head.of(model)
   if not embedding_head then error("reid.loss: expected a model of individuals, as reid.model makes it", 2) end
   local fault = options.fault_of(o)
   if fault then error("reid.loss: " .. fault, 2) end
   if o.margin == "dynamic" and not o.counts then
      error("reid.loss: dynamic margins need counts, how many photos of each individual train (set.train.counts)", 2)
   end
   local centres = centres_of(o.scale)
   local trains = kinds[o.loss](o, centres)
   embedding_head.detached = IS_AMONG_PHOTOS[o.loss] or false
   return setmetatable({ name = o.loss, trains = trains, centres = centres, head = embedding_head }, Loss)
end

return options.LOSS:describes(surplus.refused_by(loss))
