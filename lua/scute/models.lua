-- scute.models: the backbones, by name. One file per family in models/, found by its place; models.register adds networks of
-- one's own.
--
--    local model = scute.models.create("resnet50", { classes = { "green", "loggerhead" }, pretrained = "imagenet" })
--    local model = scute.models.resnet18 { classes = 10 }
--
-- A model knows its arch, classes (names), preprocessing, groups; model:features(x) is (N, F), model:head(features) the
-- scores, model(x) both. See nn.Classifier and nn/freeze.lua for freeze, unfreeze and groups.
local lfs = require "lfs"
local scute = require "scute.core"
local nn = require "scute.nn"
local architectures = require "scute.nn.architectures"
local columns = require "scute.base.columns"
local console = require "scute.base.console"
local options = require "scute.base.options"
local public = require "scute.base.public"
local surplus = require "scute.base.surplus"
local model_file = require "scute.weights.model_file"

local models = {}

local MEAN, STD = { 0.485, 0.456, 0.406 }, { 0.229, 0.224, 0.225 } -- of ImageNet's RGB in 0..1, torchvision's

-- What is neither one of these words nor like a path is a slip, unless there is such a file.
local function examine_start(text)
   if text == "imagenet" or text == "none" or text:find "[/.]" or lfs.attributes(text) then return end
   local near = scute.nearest(text, { "imagenet", "none" })
   error(("there is no readable file %s; expected a path, imagenet or none%s"):format(text,
      near and ("; did you mean '%s'?"):format(near) or ""), 0)
end

local CREATE = options.declare("models", {
   { "classes", is = options.of_type("number", "table"), expected = "a number or a list of names", default = 1000,
     help = "how many classes, or their names (1000: as the ImageNet files have)" },
   { "pretrained", text = true, default = "none", examine = examine_start,
     help = "where it starts: imagenet, none or the path of a weight file" },
   { "head_init", text = true, show = "the architecture's own",
     help = "how a new head starts: kaiming uniform, xavier uniform, normal 0.01 or 0.02, uniform fan_out or zeros" },
   { "image_size", whole = true, min = 32, show = "the architecture's own", help = "side of the crop in pixels" },
   { "pad_square", flag = true, default = false, help = "photos are padded to a square on white first" },
   { "log", default = function() return print end, show = "print",
     help = "hears the lines about the head and the weight file; false for silence" },
})

-- Names of all models, sorted: scute's own and those that were registered.
function models.list()
   return architectures.list()
end

-- The file that a model is told in: of its family, or where it was registered.
function models.family_file(name)
   return architectures.find(name).file
end

local find = architectures.find

-- What evaluation does to a photo: a preset { resize, crop, filter, mean, std } of the family; without mean and std ImageNet's.
-- Another image size keeps the proportion of resize to crop.
local function preprocessing_of(name, family, o)
   local preset, size = family.presets and family.presets[name] or family.preprocessing, o.image_size
   local crop = size or preset.crop
   return { resize = size and math.floor(preset.resize * crop / preset.crop + 0.5) or preset.resize, crop = crop,
      filter = preset.filter, pad_square = o.pad_square or false, mean = preset.mean or MEAN, std = preset.std or STD }
end

-- A model by name, with new weights or those of a file. An unknown model or option is an error with the nearest name.
-- With official weights and 1000 classes these have ImageNet's names.
function models.create(name, given)
   local _ <close> = scute.range "models.create" -- luacheck: ignore
   local entry = find(name)
   local o = CREATE:read(given, 0)
   if o.pretrained == "imagenet" and entry.family.from_scratch then
      error(("models: %s has no ImageNet weights, it is trained from scratch: pretrained = \"none\" (--weights none)"):format(
         name), 0)
   end
   local preprocessing = preprocessing_of(name, entry.family, o)
   if o.pretrained == "none" or nn.init.is_skipped() then -- the values will come from elsewhere
      local model = entry.build(o.classes, preprocessing)
      if o.head_init then model:restart_head(o.head_init) end
      return model
   end
   if o.head_init then nn.init.check_head(o.head_init) end
   local model = nn.init.skip(entry.build, o.classes, preprocessing)
   local named = require("scute.weights.pretrained").load(model, o.pretrained, o)
   if named and o.log and given.classes then o.log("the 1000 classes have ImageNet's names: the weights are official") end
   return model
end
CREATE:describes(models.create)

local REGISTER = options.declare("models.register", {
   { "image_size", whole = true, min = 8, default = 224, help = "side of the crop in pixels" },
   { "resize", whole = true, min = 8, show = "in proportion to the crop, as 256 to 224",
     default = function(o) return math.floor(256 * o.image_size / 224 + 0.5) end,
     help = "of the shorter side before the crop, in pixels" },
   { "filter", choices = { "bilinear", "bicubic" }, default = "bilinear", help = "how photos are made smaller" },
})

-- Makes a network of one's own a model, known to models.create(name, { classes = ... }), --model NAME of the scripts, model
-- files and comparisons. build: a function(classes, preprocessing) -> module, or a class that is called so; classes are names,
-- preprocessing { resize, crop, ... } may be passed over. The module: an nn.Sequential, of which the last Linear becomes the
-- head; any other with forward(x) -> scores; or a Classifier, which says its features, head and groups itself. In a file of its
-- own that a script requires, or that `scute -l FILE` loads first: a model file holds no code, but says which file it was.
function models.register(name, build, given)
   if type(name) ~= "string" or not name:find "^%a[%w_]*$" then
      error("models.register: expected a name of letters, digits and _, found " .. console.brief(name), 2)
   elseif rawget(models, name) ~= nil then
      error(("models.register: scute.models.%s is a function; choose another name"):format(name), 2)
   elseif nn.Module.is_module(build) then
      error(("models.register: expected a function(classes, preprocessing) that returns a module, found a module, a %s; as in "
         .. "function(classes) return nn.%s { ..., #classes } end"):format(build.class_name, build.class_name), 2)
   elseif type(build) ~= "function" and not (type(build) == "table" and (getmetatable(build) or {}).__call) then
      error("models.register: expected a function(classes, preprocessing) that returns a module, found "
         .. console.brief(build), 2)
   end
   local o = REGISTER:read(given)
   local family = { from_scratch = true, preprocessing = { resize = o.resize, crop = o.image_size, filter = o.filter } }
   local added, why = pcall(architectures.add, name, build, family, debug.getinfo(2, "S").source)
   if not added then error(why, 2) end
end
REGISTER:describes(models.register)

-- Freezes the whole model, then unfreezes the parts that the names match: groups ("layer4", "head"), modules
-- ("layer4.1.conv2") or parameters, whole dotted components. An unknown name is an error with the nearest ones, and nothing
-- has changed. Options: pattern = true: the names are Lua patterns, and one that matches nothing is an error; batch_norm:
-- see set_batch_norm. Returns the model.
function models.unfreeze_layers(model, names, given)
   return model:unfreeze_only(names, given)
end
options.of(nn.Module.unfreeze_only):describes(models.unfreeze_layers)

-- ---- what a model is ----

-- What f(model) returns for a model with 1000 classes, shapes alone where that is possible.
function models.with_shapes(name, f)
   local entry = find(name)
   return architectures.try(entry, 1000, preprocessing_of(name, entry.family, {}), f)
end

-- The tree of a model with 1000 classes at its own resolution: layers, output shapes, parameters, multiply-adds; see
-- nn.summary. It needs no weights and computes nothing.
function models.summary(name)
   return models.with_shapes(name, function(model)
      local side = model.preprocessing.crop
      return nn.summary(model, { 1, 3, side, side })
   end)
end

local function info_line(row)
   if row.failed then return { row.name, "-", "-", "-", "-", "-", "-", "-" } end
   return { row.name, columns.thousands(row.parameters), ("%.3f"):format(row.macs / 1e9),
      ("%d/%d"):format(row.resize, row.resolution), row.filter, row.top1 and ("%.1f"):format(row.top1) or "-",
      row.weights or "none: trained from scratch", not row.weights and "-" or row.cached and "yes" or "no" }
end

local function infos_text(infos)
   local lines, failures = { { "model", "parameters", "GMACs", "pixels", "filter", "top-1", "weights", "cached" } }, {}
   for _, row in ipairs(infos) do
      lines[#lines + 1] = info_line(row)
      if row.failed then failures[#failures + 1] = ("\n%s: %s"):format(row.name, row.failed) end
   end
   return columns.text(lines, { 1, 5, 7, 8 }) .. table.concat(failures)
end

local LIST = { __name = "models", __tostring = infos_text }
local INFO = { __name = "model", __tostring = function(info) return infos_text { info } end }

-- Facts about a model: {name, parameters, macs (multiply-adds for one photo, 1000 classes), resolution and resize (pixels),
-- filter, weights (file name of the ImageNet weights, nil: none), top1 (of ImageNet's validation set, in percent,
-- as it was published of these weights: see lua/scute/weights/published.lua), cached (its path, nil if not there)}.
function models.info(name)
   local weights, published = require "scute.weights", require "scute.weights.published"
   local total = models.summary(name)
   local p, files = models.with_shapes(name, function(model) return model.preprocessing end), weights.FILES[name]
   return setmetatable({ name = name, parameters = total.parameters, macs = total.macs, resolution = p.crop, resize = p.resize,
      filter = p.filter, weights = files and files[1], top1 = published[name],
      cached = weights.cached(name, function() end) }, INFO)
end

-- What is wrong with what models.table finds names by; nil where nothing is.
local function fault_of_pattern(pattern)
   if pattern == nil then return nil end
   if type(pattern) ~= "string" then return "expected a Lua pattern, a text, found " .. console.brief(pattern) end
   local is_one, why = pcall(string.find, "", pattern)
   return not is_one and ("'%s' is not a Lua pattern: %s"):format(pattern, console.message(why)) or nil
end

-- The models whose name a Lua pattern finds (nil: all) as a printable list of models.info. One of your own that cannot be
-- built is a row { name, failed } that says why.
function models.table(pattern)
   local fault, list = fault_of_pattern(pattern), {}
   if fault then error("models.table: " .. fault, 2) end
   for _, name in ipairs(models.list()) do
      if not pattern or name:find(pattern) then
         local counted, info = pcall(models.info, name)
         list[#list + 1] = counted and info or { name = name, failed = info }
      end
   end
   return setmetatable(list, LIST)
end

-- ---- model files ----

local function check_extra(extra)
   if extra ~= nil and type(extra) ~= "table" then
      error("models.save: extra: expected a table {name = text}, found " .. console.brief(extra), 3)
   end
   for name, text in pairs(extra or {}) do
      if type(name) ~= "string" or type(text) ~= "string" then
         error(("models.save: extra: expected texts by name, as in { note = \"...\" }, found %s = %s"):format(tostring(name),
            console.brief(text)), 3)
      end
   end
end

-- Writes a model to a .safetensors file that is enough by itself: torchvision's keys, and as metadata the architecture,
-- classes, preprocessing and precision. `extra` is a table of further text entries for the metadata; `tensors` = {name =
-- tensor} stand in the file in place of the model's own. A model that could not be loaded again is an error.
function models.save(model, path, extra, tensors, ...)
   surplus.refuse("models.save(model, path, extra, tensors)", nil, ...)
   if type(model) ~= "table" or not model.metadata then
      local found = nn.Module.is(model) and ("a %s; models.register(name, build) makes one of it"):format(model.class_name)
         or console.brief(model)
      error("models.save: expected a model of scute.models, found " .. found, 2)
   elseif type(path) ~= "string" then
      error("models.save: expected the path of a file, found " .. console.brief(path), 2)
   end
   check_extra(extra)
   local known, metadata = pcall(model_file.metadata, model)
   if not known then error("models.save: " .. console.message(metadata), 2) end
   local state = model:state_dict()
   for key, text in pairs(extra or {}) do
      if metadata[key] then error(("models.save: extra: '%s' is what the file says of the model itself"):format(key), 2) end
      metadata[key] = text
   end
   for name, tensor in pairs(tensors or {}) do
      if not state.tensors[name] then error(("models.save: the model has no '%s'"):format(name), 2) end
      state.tensors[name] = tensor
   end
   require("scute.weights").save(path, state, metadata)
end
surplus.refused_by(models.save)

-- Reads a model that models.save wrote, in evaluation mode. `file` is its path, or open as weights.open_file gives it.
-- Returns the model and the file's metadata. Of layers that differ from the architecture's the file says kinds and options;
-- an architecture of one's own has to be registered before (models.register). Nothing in the file is run.
function models.load(file, ...)
   surplus.refuse("models.load(file)", "model:to { device = , dtype = } moves a model that is loaded", ...)
   if type(file) ~= "string" and type(file) ~= "userdata" then
      error("models.load: expected the path of a file, found " .. console.brief(file), 2)
   end
   local state = require("scute.weights").load(file)
   return model_file.load(type(file) == "string" and file or file:path(), state)
end
surplus.refused_by(models.load)

public.offer(models, models.list)
public.hide(models, "family_file", "with_shapes")

-- An error where a function of this family was probably meant, and no model.
local function refuse_function(name)
   local names = models.list()
   for own in next, models do names[#names + 1] = own end
   local near = not architectures.get(name) and scute.nearest(name, names)
   if near and rawget(models, near) then
      error(("scute.models.%s: there is no such model or function, did you mean 'scute.models.%s'?"):format(name, near), 3)
   end
end

-- models.resnet18 { classes = 10 } and so on: models.create by field.
return setmetatable(models, {
   __index = function(_, name)
      if type(name) ~= "string" or name:find "^_" then return nil end
      refuse_function(name)
      find(name)
      return CREATE:describes(function(given) return models.create(name, given) end)
   end,
})
