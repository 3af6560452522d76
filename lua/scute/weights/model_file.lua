-- Models as files: what is beside the tensors, whether a model can be loaded again, and loading.
local scute = require "scute.core"
local architectures = require "scute.nn.architectures"
local console = require "scute.base.console"
local finite = require "scute.base.finite"
local Module = require "scute.nn.module"
local init = require "scute.nn.initialise"
local rebuild = require "scute.nn.rebuild"
local source = require "scute.nn.source"
local structure = require "scute.nn.structure"

local model_file = {}

-- ---- can it be loaded again ----

-- The entry of a model's architecture; an error says how there comes to be one.
local function entry_of(model)
   local entry = model.arch and model.metadata and architectures.get(model.arch)
   if entry then return entry end
   error(("%s is no architecture that could be built again when its file is loaded; models.register(name, build) in a file "
      .. "of its own makes it one, and models.create(name, { classes = set.classes }) the model (help \"models.register\")")
      :format(model.arch and ("'%s' (a %s)"):format(model.arch, model.class_name) or "a " .. tostring(model.class_name)), 0)
end

-- f(...), after which random numbers go on as if it had not been called: code of one's own may draw some.
local function without_drawing(f, ...)
   local state = scute.rng_state()
   local results = table.pack(pcall(f, ...))
   scute.rng_state(state)
   if not results[1] then error(results[2], 0) end
   return table.unpack(results, 2, results.n)
end

-- The model as its architecture builds it.
local function built_again(model, entry)
   return architectures.try(entry, model.classes, model.preprocessing, function(again) return again end)
end

local USUAL = 224 -- pixels, of a model that says nothing

-- The side of the photos that a model sees.
local function side_of(preprocessing)
   for _, name in ipairs { "crop", "resize" } do
      if (preprocessing[name] or 0) > 0 then return preprocessing[name] end
   end
   return USUAL
end

-- As many photos without anything in them.
local function photos_for(model, count, device)
   local side = side_of(model.preprocessing)
   local _, first = model:named_parameters()()
   return scute.zeros({ count, 3, side, side }, { device = device, dtype = first and first.dtype })
end

-- Fails where the scores of a photo are not as many as there are classes.
local function check_scores(model, device)
   local x <close> = photos_for(model, 1, device)
   local scores = scute.no_grad(model:eval().call, model, x)
   local shape = Module.is_tensor(scores) and scores.shape
   if not shape or #shape ~= 2 then
      error(("for one photo it gives %s, expected scores of shape (1, %d): one for each class"):format(
         shape and console.brief(scores) or "a " .. type(scores), #model.classes), 0)
   elseif shape[2] ~= #model.classes then
      error(("the model has %d outputs and the photos have %d classes"):format(shape[2], #model.classes), 0)
   end
   scores:free()
end

-- A model that is built again and has looked at photos, in training and out of it.
local function used(model, entry)
   return architectures.try(entry, model.classes, model.preprocessing, function(again, device)
      for _, mode in ipairs { "train", "eval" } do
         local x <close> = photos_for(again, 2, device)
         scute.no_grad(again[mode](again).call, again, x)
      end
      return again
   end)
end

-- Sends the shape of a photo through a model that is built again with its changes. Code of one's own may ask for values: then
-- it gets a photo.
local function try(model, entry, changes)
   local ok, why = pcall(architectures.try, entry, model.classes, model.preprocessing, function(again, device)
      check_scores(init.on(device, rebuild.apply, again, changes), device)
   end)
   if not ok then error(console.message(why), 0) end
end

--- What of a model a file has to say beside its architecture, classes and preprocessing: a list of changes (see
-- scute.nn.structure), and its text (nil where there are none). Fails where a model could not be loaded again.
function model_file.changes(model)
   local entry = entry_of(model)
   local changes = structure.changes(model, without_drawing(built_again, model, entry), function()
      return without_drawing(used, model, entry)
   end)
   local text = rebuild.encode(changes)
   if text then rebuild.decode(text) end
   return changes, text, entry
end

-- Fails where a model that is built again cannot have its changes.
local function apply(model, entry, changes)
   architectures.try(entry, model.classes, model.preprocessing, function(again, device)
      init.on(device, rebuild.apply, again, changes)
   end)
end

--- The same, and computes the shapes of a photo's way through the model: fails where a layer does not fit.
function model_file.check(model)
   local _, text, entry = model_file.changes(model)
   without_drawing(try, model, entry, text and rebuild.decode(text) or {})
end

-- ---- what a file says ----

--- The metadata of a model's file. Fails where it could not be loaded again.
function model_file.metadata(model)
   local _, text, entry = model_file.changes(model)
   if text then without_drawing(apply, model, entry, rebuild.decode(text)) end
   local metadata = model:metadata()
   metadata.structure = text
   if entry.own then metadata.registered_in, metadata.registered_sha256 = entry.file or "", entry.digests end
   return metadata
end

-- ---- loading ----

-- What pcall returned; an error names the file.
local function of_file(path, ok, ...)
   if not ok then error(scute.error_like((...), ("%s: %s"):format(path, (...))), 0) end
   return ...
end

local LONGEST = { classes = 1 << 22, preprocessing = 1 << 16 } -- bytes

local function decode(path, key, text)
   if #text > LONGEST[key] then
      error(("%s: its metadata '%s' has %d bytes, more than %d"):format(path, key, #text, LONGEST[key]), 0)
   end
   local ok, value = pcall(require("cjson").decode, text)
   if ok and type(value) == "table" then return value end
   error(("%s: its metadata '%s' is damaged: %s"):format(path, key, ok and "there is no list or table in it" or value), 0)
end

local function changes_of(path, metadata)
   if not metadata.structure then return {} end
   local ok, changes = pcall(rebuild.decode, metadata.structure)
   if ok then return changes end
   error(("%s: its metadata 'structure' is damaged: %s"):format(path, console.message(changes)), 0)
end

local function check_metadata(path, metadata)
   for _, key in ipairs { "architecture", "classes", "preprocessing" } do
      if not metadata[key] then
         error(("%s: it does not say its %s, so it is a weight file and not a model; use "
            .. "models.create(NAME, { classes = ..., pretrained = %q }), or predict.lua --model NAME "
            .. "--weights FILE where it knows ImageNet"):format(path, key, path), 0)
      end
   end
end

local SHOWN = 200 -- letters of a text of the file's in a message

-- In one line, whatever it is.
local function shown(text)
   return console.cut((console.visible(text):gsub("[\n\t]", "?")), SHOWN)
end

local function find(path, metadata)
   local name, where = metadata.architecture, metadata.registered_in
   if architectures.get(name) or not where then return of_file(path, pcall(architectures.find, name)) end
   local start = ("%s: its architecture '%s' is not one of scute's: it was registered in %s, and a model file holds no code; ")
      :format(path, shown(name), where == "" and "no file" or shown(where))
   if where == "" then error(start .. "register it anew first (help \"models.register\")", 0) end
   error(("%sload that file first, as in scute -l %s script.lua, or require it in the script"):format(start, shown(where)), 0)
end

local MANY = 10000 -- classes; a head for as many is small

-- Every head has a tensor with a row for each class.
local function check_classes(path, classes, tensors)
   if #classes <= MANY then return end
   for _, tensor in pairs(tensors) do
      if tensor.shape[1] == #classes then return end
   end
   error(("%s: it has %d classes, and no tensor with a row for each"):format(path, #classes), 0)
end

local LARGEST = 8192 -- pixels of a side

local function check_preprocessing(path, preprocessing)
   for _, name in ipairs { "resize", "crop" } do
      local given = preprocessing[name]
      local side = given == nil and 0 or math.type(given) and math.tointeger(given)
      if not side or side < 0 or side > LARGEST then
         error(("%s: its metadata 'preprocessing' is damaged: %s: expected a whole number from 0 to %d, found %s"):format(path,
            name, LARGEST, tostring(given)), 0)
      end
   end
   return preprocessing
end

-- The model of a file's metadata and tensors, without values yet. Nothing larger than the file's own tensors is built.
local function build(path, entry, metadata, tensors)
   local changes = changes_of(path, metadata)
   of_file(path, pcall(rebuild.check_sizes, changes, tensors))
   local classes = decode(path, "classes", metadata.classes)
   if not entry.own then check_classes(path, classes, tensors) end
   local preprocessing = check_preprocessing(path, decode(path, "preprocessing", metadata.preprocessing))
   local model = of_file(path, pcall(init.skip, entry.build, classes, preprocessing))
   model.preprocessing = preprocessing -- a network of one's own may have built another
   if changes[1] then of_file(path, pcall(without_drawing, try, model, entry, changes)) end
   return of_file(path, pcall(init.skip, rebuild.apply, model, changes))
end

-- What builds a network may have changed since its weights were learned, and they may fit it all the same.
local function tell_if_changed(path, entry, metadata)
   local other = entry.own and source.other(metadata.registered_sha256, entry.digests)
   if not other then return end
   if other ~= "" then
      console.warn("%s: '%s', which %s loads, is not what it was when this model was saved", path, other, entry.file)
      return
   end
   console.warn("%s: what registers '%s' is not what it was when this model was saved: %s then, %s now", path,
      metadata.architecture, metadata.registered_in == "" and "no file" or shown(metadata.registered_in or "unknown"),
      entry.file or "no file")
end

--- Reads a model, in evaluation mode; state: what weights.load gave of the file at `path`. Returns the model and the metadata.
function model_file.load(path, state)
   local metadata = state.metadata or {}
   check_metadata(path, metadata)
   local entry = find(path, metadata)
   tell_if_changed(path, entry, metadata)
   local model = build(path, entry, metadata, state.tensors)
   of_file(path, pcall(model.load_state_dict, model, state))
   finite.check(path, state.names, model:state_dict().tensors)
   model.precision, model.weights = metadata.precision, { path = path }
   return model:eval(), metadata
end

return model_file
