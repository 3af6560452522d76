-- What a saved model says about photos. The model file alone is enough: it carries architecture, classes and preprocessing.
local lfs = require "lfs"
local scute = require "scute"
local as_text = require "scute.evaluate.as_text"
local json = require "scute.base.json"
local console = require "scute.base.console"
local content = require "scute.data.content"
local folder = require "scute.data.folder"
local joined = require "scute.base.joined"
local opened = require "scute.predict.opened"
local options = require "scute.base.options"
local precision = require "scute.base.precision"
local public = require "scute.base.public"
local run_files = require "scute.base.run_files"
local score = require "scute.score"

local predict = {}

local OPEN = options.declare("predict.open", {
   { "weights", text = true, show = "none: the model is a saved one", suggests = { "imagenet" },
     help = "what an architecture has learned: imagenet, or the path of a weight file that knows ImageNet's 1000 classes" },
   { "log", default = function() return print end, show = "print", help = "hears lines about the file; false for silence" },
})

--- The model that looks at photos, in evaluation mode: a saved one by its file (as models.load has it), or, with `weights`, an
-- architecture by its name, which then has ImageNet's classes and their names:
--
--     local model = scute.predict.open("efficientnet_lite0", { weights = "imagenet" })
--     print(scute.predict.photos(model, { "turtle.jpg" }))
--
-- Raises, where the weights are not at hand, with where they are; where their head is not for ImageNet's classes; and where a
-- name is given without weights, or a saved model with some.
function predict.open(model, given)
   local o = OPEN:read(given)
   if type(model) ~= "string" then
      error("predict.open: expected the path of a saved model or the name of an architecture, found "
         .. console.brief(model), 2)
   end
   return opened.open(model, o.weights, o.log)
end
OPEN:describes(predict.open)

-- The k most probable classes of one photo: list of {class = name, probability = 0..1}, the best first.
local function top(probabilities, classes, k)
   local order = {}
   for i = 1, #probabilities do order[i] = i end
   table.sort(order, function(a, b)
      if probabilities[a] ~= probabilities[b] then return probabilities[a] > probabilities[b] end
      return a < b
   end)
   local best = {}
   for i = 1, math.min(k, #order) do best[i] = { class = classes[order[i]], probability = probabilities[order[i]] } end
   return best
end

local PHOTOS = options.declare("predict.photos", {
   { "top", whole = true, min = 1, default = 5, help = "classes to tell of each photo" },
   { "workers", whole = true, min = 0, show = "2; on a GPU as many as there are processors, at most 8",
     help = "threads that decode photos" },
   { "device", text = true, show = "the model's", help = "where it computes" },
   precision.OF_LOOKING,
})

--- Looks at photos. model: as scute.models.load returns it. photos: list of files, or what predict.find returns.
-- Returns { photos, features, bad }: photos is a list of {path, top = list of {class, probability}} in the order of
-- `photos`; features a tensor (N, F) of what the backbone says about each of them, nil where there is none; bad a list of
-- {path, message} of those that cannot be read.
function predict.photos(model, photos, given)
   local o = PHOTOS:read(given)
   if type(model) ~= "table" or not model.preprocessing then
      error("predict.photos: expected a model of scute.models, found " .. console.brief(model), 2)
   end
   local part = type(photos) == "table" and (photos.paths and photos or { paths = photos })
   if not part or type(part.paths) ~= "table" or type(part.paths[1]) ~= "string" then
      error("predict.photos: expected a list of files, found " .. console.brief(photos), 2)
   end
   local found, chunks = {}, {}
   local seen = score(model, part, { want = { "logits", "features" }, workers = o.workers, device = o.device,
      precision = o.precision, each = function(batch)
         local probabilities <close> = batch.logits:softmax(-1)
         local rows = probabilities:totable() -- n rows of classes
         for i, index in ipairs(batch.indices:values()) do
            found[#found + 1] = { path = part.paths[index], top = top(rows[i], model.classes, o.top) }
         end
         chunks[#chunks + 1], batch.features = batch.features, nil
      end })
   return as_text.predictions { photos = found, features = joined(chunks), bad = seen.bad }
end
PHOTOS:describes(predict.photos)

--- The photos that a command line names: a folder stands for all photos in it and below it; what is no photo by name and
-- content is passed over. Returns { paths, broken = list of {path, message} of photos that cannot be read, others = how many
-- files are no photos }, as predict.photos takes it.
function predict.find(names)
   local files = {}
   for _, name in ipairs(names) do
      local inside = lfs.attributes(name, "mode") == "directory" and folder.files((name:gsub("(.)/+$", "%1"))) or { name }
      table.move(inside, 1, #inside, #files + 1, files)
   end
   local photos, broken, others = content.sort { files }
   if #photos[1] == 0 then
      local named = names[1] .. (#names > 1 and ", ..." or "")
      if #broken == 0 then console.fail("there is no photo: %s", named) end
      if #broken == 1 then console.fail("%s", broken[1].message) end
      console.fail("none of %d photos can be read; the first: %s", #broken, broken[1].message)
   end
   return { paths = photos[1], broken = broken, others = others }
end

-- Ends the program where --model and --weights make no sense together, or where what is to be written would replace either.
-- Where official weights lie is known once the model is open.
function predict.check(opt)
   local what, why = opened.meant(opt.model, opt.weights)
   if not what then require("scute.cli").usage_error("%s", why) end
   for _, path in ipairs(opt.embeddings and { opt.model, opt.weights } or {}) do
      predict.check_output("embeddings", opt.embeddings, path)
   end
end

--- Fails where the file to be written, as the option `what` names it, is the model itself.
function predict.check_output(what, path, model)
   local there, own = lfs.attributes(path), lfs.attributes(model)
   if there and own and there.dev == own.dev and there.ino == own.ino then
      console.fail("%s: '%s' is the model; choose another file", what, path)
   end
   if run_files.belongs(path) then
      console.fail("%s: '%s' is a file of the run that lies there; choose another name, or another folder", what, path)
   end
end

--- Writes the features to a safetensors file: "features" (N, F), and the paths, one a line, in the metadata.
function predict.save_features(path, result)
   local paths = {}
   for i, photo in ipairs(result.photos) do paths[i] = json.valid(photo.path) end
   console.guard("embeddings", scute.weights.save, path, { names = { "features" }, tensors = { features = result.features } },
      { paths = table.concat(paths, "\n") })
end

--- Prints the photos as text, a block each.
function predict.print(result)
   for _, photo in ipairs(result.photos) do
      local best = photo.top[1]
      console.print(("%s: %s %.1f %%"):format(photo.path, best.class, 100 * best.probability))
      for i = 2, #photo.top do
         console.print(("   %-20s %5.1f %%"):format(photo.top[i].class, 100 * photo.top[i].probability))
      end
   end
end

local function json_list(values)
   local texts = {}
   for i, value in ipairs(values) do texts[i] = json.line(value) end
   return "[" .. table.concat(texts, ",") .. "]"
end

--- Prints one JSON document: {"photos": [{"path", "top": [{"class", "probability"}]}], "bad": [{"path", "message"}]}.
function predict.print_json(result)
   local bad = {}
   for i, entry in ipairs(result.bad) do bad[i] = { path = entry.path, message = entry.message } end
   print(('{"photos":%s,"bad":%s}'):format(json_list(result.photos), json_list(bad)))
end

public.hide(predict, "check")
return predict
