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
local console = require "scute.base.console"
local finite = require "scute.base.finite"
local options = require "scute.base.options"
local public = require "scute.base.public"

local models = {}

local MEAN, STD = { 0.485, 0.456, 0.406 }, { 0.229, 0.224, 0.225 } -- of ImageNet's RGB in 0..1, torchvision's

local CREATE = options.declare("models", {
   { "classes", is = options.of_type("number", "table"), expected = "a number or a list of names", default = 1000,
     help = "how many classes, or their names (1000: as the ImageNet files have)" },
   { "pretrained", text = true, default = "none", help = "where it starts: imagenet, none or the path of a weight file" },
   { "head_init", text = true, show = "the architecture's own",
     help = "how a new head starts: kaiming uniform, xavier uniform, normal 0.01, uniform fan_out or zeros" },
   { "image_size", whole = true, min = 32, show = "the architecture's own", help = "side of the crop in pixels" },
   { "pad_square", flag = true, default = false, help = "photos are padded to a square on white first" },
   { "log", default = function() return print end, show = "print",
     help = "hears the lines about the head and the weight file; false for silence" },
})

-- Every family file beside this one: name -> {build, family}.
local function read_families()
   local lfs = require "lfs"
   local folder = assert(scute.module_file "scute.models"):gsub("%.lua$", "")
   local found = {}
   for file in lfs.dir(folder) do
      local name = file:match "^([%w_]+)%.lua$"
      if name then
         local family = require("scute.models." .. name)
         local path = folder .. "/" .. file
         for model, build in pairs(family.models) do found[model] = { build = build, family = family, file = path } end
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

-- The file of the family that a model is of.
function models.family_file(name)
   return known()[name].file
end

local function find(name)
   local entry = known()[name]
   if entry then return entry end
   local near = scute.nearest(tostring(name), models.list())
   error(("models: unknown model '%s'%s; there are %s"):format(tostring(name),
      near and ("; did you mean '%s'?"):format(near) or "", table.concat(models.list(), ", ")), 0)
end

-- What evaluation does to a photo. Another image size keeps the proportion of resize to crop.
local function preprocessing_of(name, family, o)
   local preset, size = family.presets and family.presets[name] or family.preprocessing, o.image_size
   local crop = size or preset.crop
   return { resize = size and math.floor(preset.resize * crop / preset.crop + 0.5) or preset.resize, crop = crop,
      filter = preset.filter, pad_square = o.pad_square or false, mean = MEAN, std = STD }
end

-- A model by name, with new weights or those of a file. An unknown model or option is an error with the nearest name.
function models.create(name, given)
   local entry = find(name)
   local o = CREATE:read(given, 0)
   if o.pretrained == "imagenet" and entry.family.from_scratch then
      error(("models: %s has no ImageNet weights, it is trained from scratch: pretrained = \"none\" (--weights none)"):format(
         name), 0)
   end
   local preprocessing = preprocessing_of(name, entry.family, o)
   if o.pretrained == "none" then
      local model = entry.build(o.classes, preprocessing)
      if o.head_init then model:restart_head(o.head_init) end
      return model
   end
   if o.head_init then nn.init.check_head(o.head_init) end
   local model = nn.init.skip(entry.build, o.classes, preprocessing)
   require("scute.weights.pretrained").load(model, o.pretrained, o)
   return model
end
CREATE:describes(models.create)

-- Freezes the whole model, then unfreezes the parts that the names match: groups ("layer4", "head"), modules
-- ("layer4.1.conv2") or parameters, whole dotted components. An unknown name is an error with the nearest ones, and nothing
-- has changed. Options: pattern = true: the names are Lua patterns, and one that matches nothing is an error; batch_norm:
-- see set_batch_norm. Returns the model.
function models.unfreeze_layers(model, names, given)
   return model:unfreeze_only(names, given)
end
options.of(nn.Module.unfreeze_only):describes(models.unfreeze_layers)

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
-- classes, preprocessing and precision. `extra` is a table of further text entries for the metadata; `tensors` = {name =
-- tensor} stand in the file in place of the model's own.
function models.save(model, path, extra, tensors)
   if type(model) ~= "table" or not model.metadata then
      error("models.save: expected a model of scute.models, found " .. console.brief(model), 2)
   elseif type(path) ~= "string" then
      error("models.save: expected the path of a file, found " .. console.brief(path), 2)
   end
   local metadata, state = model:metadata(), model:state_dict()
   for key, text in pairs(extra or {}) do metadata[key] = text end
   for name, tensor in pairs(tensors or {}) do
      if not state.tensors[name] then error(("models.save: the model has no '%s'"):format(name), 2) end
      state.tensors[name] = tensor
   end
   require("scute.weights").save(path, state, metadata)
end

local function decode(path, key, text)
   local ok, value = pcall(require("cjson").decode, text)
   if ok and type(value) == "table" then return value end
   error(("%s: its metadata '%s' is damaged: %s"):format(path, key, ok and "there is no list or table in it" or value), 0)
end

-- What pcall returned; an error names the file.
local function of_file(path, ok, ...)
   if not ok then error(scute.error_like((...), ("%s: %s"):format(path, (...))), 0) end
   return ...
end

-- Reads a model that models.save wrote, in evaluation mode. `file` is its path, or open as weights.open_file gives it.
-- Returns the model and the file's metadata.
function models.load(file)
   if type(file) ~= "string" and type(file) ~= "userdata" then
      error("models.load: expected the path of a file, found " .. console.brief(file), 2)
   end
   local state = require("scute.weights").load(file)
   local path = type(file) == "string" and file or file:path()
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
   finite.check(path, state.names, model:state_dict().tensors)
   model.precision, model.weights = metadata.precision, { path = path }
   return model:eval(), metadata
end

public.offer(models, models.list)
public.hide(models, "family_file")

-- models.resnet18 { classes = 10 } and so on: models.create by field.
return setmetatable(models, {
   __index = function(_, name)
      if type(name) ~= "string" or name:find "^_" then return nil end
      find(name)
      return CREATE:describes(function(given) return models.create(name, given) end)
   end,
})
