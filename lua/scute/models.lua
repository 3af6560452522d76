-- scute.models: the backbones, by name. One file per family in models/, found by its place.
--
--    local model = scute.models.create("resnet50", { classes = { "green", "loggerhead" }, pretrained = "imagenet" })
--    local model = scute.models.resnet18 { classes = 10 }
--
-- A model knows its arch, classes (names), preprocessing, groups; model:features(x) is (N, F), model:head(features) the
-- scores, model(x) both. See nn.Classifier and nn/freeze.lua for freeze, unfreeze and groups.
local scute = require "scute.core"
local nn = require "scute.nn"
local columns = require "scute.base.columns"

local models = {}

local MEAN, STD = { 0.485, 0.456, 0.406 }, { 0.229, 0.224, 0.225 } -- of ImageNet's RGB in 0..1, torchvision's
local OPTIONS = { "classes", "pretrained", "head_init", "image_size", "pad_square", "log" }

-- Every family file beside this one: name -> {build, family}.
local function read_families()
   local lfs = require "lfs"
   local folder = assert(package.searchpath("scute.models", package.path)):gsub("%.lua$", "")
   local found = {}
   for file in lfs.dir(folder) do
      local name = file:match "^([%w_]+)%.lua$"
      if name then
         local family = require("scute.models." .. name)
         for model, build in pairs(family.models) do found[model] = { build = build, family = family } end
      end
   end
   return found
end

local families

local function known()
   families = families or read_families()
   return families
end

-- Names of all models, sorted.
function models.list()
   local names = {}
   for name in pairs(known()) do names[#names + 1] = name end
   table.sort(names)
   return names
end

local function find(name)
   local entry = known()[name]
   if entry then return entry end
   local near = scute.nearest(tostring(name), models.list())
   error(("models: unknown model '%s'%s; there are %s"):format(tostring(name),
      near and ("; did you mean '%s'?"):format(near) or "", table.concat(models.list(), ", ")), 0)
end

local function check_options(name, options)
   for key in pairs(options) do
      local good = false
      for _, option in ipairs(OPTIONS) do good = good or option == key end
      if not good then
         local near = scute.nearest(tostring(key), OPTIONS)
         error(("models.%s: unknown option '%s'%s; expected some of %s"):format(name, tostring(key),
            near and ("; did you mean '%s'?"):format(near) or "", table.concat(OPTIONS, ", ")), 0)
      end
   end
end

-- What evaluation does to a photo. Another image size keeps the proportion of resize to crop.
local function preprocessing_of(name, family, options)
   local preset, size = family.presets and family.presets[name] or family.preprocessing, options.image_size
   if size and (math.type(size) ~= "integer" or size < 32) then
      error(("models: image_size: expected a whole number of at least 32 pixels, found %s"):format(tostring(size)), 0)
   end
   local crop = size or preset.crop
   return { resize = size and math.floor(preset.resize * crop / preset.crop + 0.5) or preset.resize, crop = crop,
      filter = preset.filter, pad_square = options.pad_square or false, mean = MEAN, std = STD }
end

-- Copies a weight file into the model; says on `log` when the head starts anew.
local function load_pretrained(model, which, options, log)
   local weights = require "scute.weights"
   local path, digest = weights.find(model.arch, which)
   local state = weights.load(path)
   local report = scute.no_grad(weights.copy, model:state_dict(), state,
      { head = model.head_path, model = model.arch, path = path })
   model.weights = { path = path, sha256 = digest, report = report }
   if report.dropped_head or report.missing_head then log(model:restart_head(options.head_init)) end
end

-- A model by name. Options:
--    classes     number, or list of names (default 1000, as the ImageNet files have)
--    pretrained  "imagenet", "none" (default) or the path of a weight file
--    head_init   how a new head starts: "kaiming uniform", "xavier uniform", "normal 0.01", "zeros"; the default is the
--                architecture's own (ResNet: kaiming uniform, MobileNetV2: normal 0.01)
--    image_size  side of the crop in pixels, if not the architecture's own
--    pad_square  photos are padded to a square on white first (default false)
--    log         receives the line "new head: fc 2048 → 10, kaiming uniform"; default print, false for silence
-- An unknown model or option is an error with the nearest name.
function models.create(name, options)
   options = options or {}
   local entry = find(name)
   check_options(name, options)
   local log = options.log == nil and print or options.log or function() end
   local pretrained = options.pretrained or "none"
   if pretrained == "imagenet" and entry.family.from_scratch then
      error(("models: %s has no ImageNet weights, it is trained from scratch: pretrained = \"none\" (--weights none)"):format(
         name), 0)
   end
   local preprocessing = preprocessing_of(name, entry.family, options)
   if pretrained == "none" then
      local model = entry.build(options.classes or 1000, preprocessing)
      if options.head_init then model:restart_head(options.head_init) end
      return model
   end
   if options.head_init then nn.init.check_head(options.head_init) end
   local model = nn.init.skip(entry.build, options.classes or 1000, preprocessing)
   load_pretrained(model, pretrained, options, log)
   return model
end

-- Freezes the whole model, then unfreezes the parts that the names match: groups ("layer4", "head"), modules
-- ("layer4.1.conv2") or parameters, whole dotted components. An unknown name is an error with the nearest ones, and nothing
-- has changed. Options: pattern = true: the names are Lua patterns, and one that matches nothing is an error; batch_norm:
-- see set_batch_norm. Returns the model.
function models.unfreeze_layers(model, names, options)
   return model:unfreeze_only(names, options)
end

-- ---- what a model is ----

local function build_shapes(name)
   local entry = find(name)
   return nn.init.on("shape", entry.build, 1000, preprocessing_of(name, entry.family, {}))
end

-- The tree of a model with 1000 classes at its own resolution: layers, output shapes, parameters, multiply-adds; see
-- nn.summary. It needs no weights and computes nothing.
function models.summary(name)
   local model = build_shapes(name)
   local side = model.preprocessing.crop
   return nn.summary(model, { 1, 3, side, side })
end

-- Facts about a model: {name, parameters, macs (multiply-adds for one photo, 1000 classes), resolution and resize (pixels),
-- filter, weights (file name of the ImageNet weights, nil where there are none), cached (its path, nil if not there)}.
function models.info(name)
   local weights, model, total = require "scute.weights", build_shapes(name), models.summary(name)
   local p, files = model.preprocessing, weights.FILES[name]
   return { name = name, parameters = total.parameters, macs = total.macs, resolution = p.crop, resize = p.resize,
      filter = p.filter, weights = files and files[1], cached = weights.cached(name, function() end) }
end

-- The models whose name a Lua pattern finds (nil: all) as a printable list of models.info.
function models.table(pattern)
   local list = {}
   for _, name in ipairs(models.list()) do
      if not pattern or name:find(pattern) then list[#list + 1] = models.info(name) end
   end
   return setmetatable(list, { __name = "models", __tostring = function(self)
      local lines = { { "model", "parameters", "GMACs", "pixels", "filter", "weights", "cached" } }
      for _, row in ipairs(self) do
         lines[#lines + 1] = { row.name, columns.thousands(row.parameters), ("%.3f"):format(row.macs / 1e9),
            ("%d/%d"):format(row.resize, row.resolution), row.filter, row.weights or "none: trained from scratch",
            not row.weights and "-" or row.cached and "yes" or "no" }
      end
      return columns.text(lines, { 1, 5, 6, 7 })
   end })
end

-- ---- model files ----

-- Writes a model to a .safetensors file that is enough by itself: torchvision's keys, and as metadata the architecture,
-- classes and preprocessing. `extra` is a table of further text entries for the metadata.
function models.save(model, path, extra)
   local metadata = model:metadata()
   for key, text in pairs(extra or {}) do metadata[key] = text end
   require("scute.weights").save(path, model:state_dict(), metadata)
end

local function decode(path, key, text)
   local ok, value = pcall(require("cjson").decode, text)
   if ok and type(value) == "table" then return value end
   error(("%s: its metadata '%s' is damaged: %s"):format(path, key, ok and "there is no list or table in it" or value), 0)
end

-- What pcall returned; an error names the file.
local function of_file(path, ok, ...)
   if not ok then error(("%s: %s"):format(path, ...), 0) end
   return ...
end

-- Reads a model that models.save wrote, in evaluation mode. Returns the model and the file's metadata.
function models.load(path)
   local state = require("scute.weights").load(path)
   local metadata = state.metadata or {}
   for _, key in ipairs { "architecture", "classes", "preprocessing" } do
      if not metadata[key] then
         error(("%s: it does not say its %s, so it is a weight file and not a model; use "
            .. "models.create(NAME, { classes = ..., pretrained = %q })"):format(path, key, path), 0)
      end
   end
   local entry = of_file(path, pcall(find, metadata.architecture))
   local model = of_file(path, pcall(nn.init.skip, entry.build, decode(path, "classes", metadata.classes),
      decode(path, "preprocessing", metadata.preprocessing)))
   of_file(path, pcall(model.load_state_dict, model, state))
   return model:eval(), metadata
end

-- models.resnet18 { classes = 10 } and so on: models.create by field.
return setmetatable(models, {
   __index = function(_, name)
      if type(name) ~= "string" or name:find "^_" then return nil end
      find(name)
      return function(options) return models.create(name, options) end
   end,
})
