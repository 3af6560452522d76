-- A model that embeds photos of animals: the backbone of a classifier, with a head that makes a vector of its features.
local scute = require "scute"
local console = require "scute.base.console"
local head = require "scute.reid.head"
local models = require "scute.models"
local options = require "scute.base.options"
local surplus = require "scute.base.surplus"
local Classifier = require("scute.nn.classifier").Classifier

local MODEL = options.declare("reid.model", {
   { "from", text = true, value = "FILE", show = "none", excludes = { "weights", "image_size" },
     why = "the file brings weights and preprocessing",
     help = "start from the backbone of a model that training saved (best.safetensors of Exercise 1 or 2), whatever its head "
        .. "and classes; of a model of individuals the embedding is kept too" },
   { "model", choices = models.list, show = "resnet50, with from the file's",
     default = function(o) return not o.from and "resnet50" or nil end,
     help = "architecture of the backbone, or one of your own that scute -l FILE registers" },
   { "weights", text = true, show = "imagenet", value = "PATH|imagenet|none", suggests = { "imagenet", "none" },
     default = function(o) return not o.from and "imagenet" or nil end,
     help = "where the backbone starts: a .safetensors, .pth or .pt file, the official weights, or random numbers" },
   { "image_size", whole = true, min = 32, max = 1024, value = "PIXELS", show = "the model's own",
     help = "side of the square that the network sees" },
   { "fit", choices = { "pad", "crop" }, default = "pad",
     help = "how a photo becomes that square: padded on white, so that nothing of the animal is cut off, or its middle" },
   { "embedding_size", whole = true, min = 1, max = 65536, value = "N", synonyms = { "features" },
     show = "512, with from a model of individuals the file's",
     help = "numbers of an embedding" },
   { "pooling", choices = { "avg", "gem" }, show = "avg, with from the file's",
     help = "what makes one number of each channel: the mean, or the generalised mean, whose exponent begins at 3 and is "
        .. "learned with the layers before it (Radenovic et al. 2018)" },
   { "neck", flag = true, default = true, help = "batch norm behind the embedding (BN-neck, Luo et al. 2019)" },
   { "sub_centers", whole = true, min = 1, max = 64, default = 1, value = "K",
     help = "centres of each individual, of which the nearest counts: for photos of both sides, or some that are labelled "
        .. "wrong (sub-center ArcFace, Deng et al. 2020)" },
   { "dropout", number = true, min = 0, below = 1, default = 0, help = "share of the features dropped before the embedding, in "
      .. "place of what the architecture has there: on synthetic animals 0.2 or 0.3 cost 3 points of top-1" },
   { "device", text = true, default = "cpu", help = "where it lies" },
   { "log", default = function() return console.say end, show = "print, unless quiet",
     help = "hears the lines about the head and the weight file; false for silence" },
})

-- The options among those of a command line, which has others too.
local function own_options(given)
   if not options.declaration_of(given) then return given end
   local own = {}
   for _, name in ipairs(MODEL.names) do own[name] = rawget(given, name) end
   return own
end

local function load_from(o)
   local file <close> = console.guard("from", scute.weights.open_file, o.from)
   local model = console.guard("from", models.load, file)
   if o.model and model.arch ~= o.model then
      console.fail("from: %s is a %s, and model says %s; leave that out", o.from, model.arch, o.model)
   end
   model.weights = { path = o.from, sha256 = file:sha256() }
   if o.log then
      o.log(("from %s: the backbone of a %s for %s"):format(o.from, model.arch,
         console.count(#model.classes, "class", "classes")))
   end
   return model
end

-- With a head that is replaced at once.
local function create(o)
   local function log(line)
      if o.log and not line:find "^new head" then o.log(line) end
   end
   return models.create(o.model, { classes = 2, pretrained = o.weights, image_size = o.image_size, log = log })
end

-- What is done to photos, as `fit` says.
local function fitted(preprocessing, fit)
   local p = {}
   for name, value in pairs(preprocessing) do p[name] = value end
   if fit == "pad" then p.pad_square, p.resize = true, p.crop end
   return p
end

--- A model of individuals: its features are a backbone's, and its head is an nn.EmbeddingHead for `classes` (a list of names),
-- so that model(x) gives the cosines to the individuals' centres (N, classes) and reid.embeddings(model, photos) the vectors by
-- which animals are told apart, those that never trained too. given: a table of options, or what cli.parse returns.
--
--    local model = scute.reid.model({ from = "models/resnet50/best.safetensors" }, set.classes)
local function model_of(given, classes, ...)
   surplus.refuse("reid.model(options, classes)", "options stand in one table", ...)
   local o = MODEL:read(own_options(given or {}))
   local done, names = pcall(Classifier.class_names, classes)
   if not done then error("reid.model: " .. console.message(names), 2) end
   local model = o.from and load_from(o) or create(o)
   model.preprocessing = fitted(model.preprocessing, o.fit)
   if o.pooling then head.pool(model, o.pooling) end
   local line = head.put(model, names, o)
   if o.log then o.log(line) end
   return model:to(o.device)
end

return MODEL:describes(surplus.refused_by(model_of))
