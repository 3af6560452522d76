-- Who is it? Photos compared with a gallery: candidates, how probable it is that they are the same individual, and whether it
-- is likelier a new one.
--
--    local found = reid.identify(model, reid.gallery.open("turtles.safetensors"), { "photo.jpg" })
--    print(found.photos[1].candidates[1].identity)
--    found:picture():save "found.png"
local absolute = require "scute.base.absolute"
local console = require "scute.base.console"
local embeddings = require "scute.reid.embeddings"
local metrics = require "scute.metrics"
local options = require "scute.base.options"
local picture = require "scute.reid.identify.picture"
local precision = require "scute.base.precision"
local tell = require "scute.reid.identify.tell"

local Identified = { __name = "scute.identified" }
Identified.__index = Identified

local IDENTIFY = options.declare("reid.identify", {
   { "top", whole = true, min = 1, default = 5, help = "candidates of each photo" },
   { "side", text = true, show = "all sides",
     help = "the side that the photos show: the gallery's photos of another side do not count" },
   { "calibration", is = options.of_type "table", expected = "what calibration:plain() gives", show = "the gallery's",
     help = "from similarity to probability: calibration:plain() of metrics.isotonic or metrics.platt" },
   { "protocol", text = true, show = "the gallery's",
     help = "how the photos were split that the calibration given was fitted on, one line" },
   { "workers", whole = true, min = 0, show = "2; on a GPU as many as there are processors, at most 8",
     help = "threads that decode photos" },
   { "device", text = true, show = "the model's", help = "where it computes" },
   precision.OF_LOOKING,
})

-- What is said of a candidate: that of its most similar photo, with its probability.
local function told(gallery, candidate, calibration, photo)
   local row = gallery:row(candidate.row)
   local path = gallery:path_of(row)
   return { identity = candidate.identity, score = candidate.score, row = candidate.row,
      probability = calibration and calibration:of(candidate.score) or nil, file = row.file, path = path, box = row.box,
      side = row.side, encounter = row.encounter, date = row.date,
      same_photo = path ~= nil and absolute(path) == absolute(photo) or nil }
end

local function entry_of(gallery, photo, candidates, calibration)
   local entry = { path = photo.path, box = photo.box, candidates = {} }
   for i, candidate in ipairs(candidates) do entry.candidates[i] = told(gallery, candidate, calibration, photo.path) end
   local best = entry.candidates[1]
   if calibration and best then
      entry.probability = best.probability
      entry.new = entry.probability < 0.5
   end
   return entry
end

local function calibration_of(gallery, plain)
   plain = plain or gallery.calibration
   return plain and console.guard("calibration", metrics.calibration, plain) or nil
end

--- Compares photos with a gallery. model: the one that the gallery was made with. photos: a list of files, a part of a data
-- set or rows of a catalogue, as reid.embeddings takes them. Returns { photos, bad, x, rows, gallery, calibrated, protocol }:
-- photos a list, in the order of those that can be read, of { path, candidates = list of { identity, score = cosine,
-- probability, row, file, path, side, encounter, date } (an individual each, by its most similar photo, the most similar
-- first), probability = that the first is the same individual, new = whether it is likelier that it is not }; without a
-- calibration (fitted on validation photos of known and of new individuals), and of a photo without a candidate, probability
-- and new are nil. bad: list of {path, message} of those that cannot be read; complete: false where Ctrl-C broke it off. x,
-- rows: their embeddings and numbers. found:picture() draws them, tostring tells them.
local function identify(model, gallery, photos, given)
   local o = IDENTIFY:read(given)
   if type(gallery) ~= "table" or not gallery.candidates then
      error("reid.identify: expected a gallery (reid.gallery.open), found " .. console.brief(gallery), 2)
   end
   local calibration = calibration_of(gallery, o.calibration)
   local seen = embeddings(model, photos, { workers = o.workers, device = o.device, precision = o.precision })
   local found = setmetatable({ photos = {}, bad = seen.bad, x = seen.x, rows = seen.rows, gallery = gallery, side = o.side,
      protocol = o.calibration and o.protocol or gallery.protocol, calibrated = calibration ~= nil,
      complete = seen.complete }, Identified)
   local candidates = seen.x and gallery:candidates(seen.x, { top = o.top, side = o.side }) or {}
   local paths = photos.paths or photos
   for i, list in ipairs(candidates) do
      local number = seen.rows[i]
      local photo = type(paths[number]) == "table" and paths[number] or { path = paths[number],
         box = photos.boxes and photos.boxes[number] or nil }
      found.photos[i] = entry_of(gallery, photo, list, calibration)
   end
   gallery.mapped:check() -- what is told of the rows was read after the search
   return found
end

--- The photos, each with its candidates beside it, as a figure: figure:save "found.png".
function Identified:picture(given)
   return picture(self, given)
end
options.of(picture):describes(Identified.picture)

--- All of it as one line of JSON.
function Identified:json()
   return tell.json(self)
end

Identified.__tostring = tell.text

return IDENTIFY:describes(identify)
