-- Which model looks at photos: one that was saved, or an architecture with weights that know ImageNet's classes.
local lfs = require "lfs"
local scute = require "scute.core"
local architectures = require "scute.nn.architectures"
local class_list = require "scute.base.class_list"
local models = require "scute.models"
local official = require "scute.weights.official"

local opened = {}

local function is_file(path)
   local mode = lfs.attributes(path, "mode")
   return mode ~= nil and mode ~= "directory"
end

-- What a name and weights stand for where weights are given.
local function meant_with_weights(name, weights)
   local is_known, is_there = architectures.get(name) ~= nil, is_file(name)
   if weights == "none" then
      return nil, "weights: random numbers know no classes: expected imagenet or the path of a weight file, found none"
   elseif is_known then
      return "architecture", is_there and ("%s is taken as the architecture, and not as the file of that name: weights are "
         .. "given"):format(name) or nil
   elseif is_there then
      return nil, ("weights go with the name of an architecture, and '%s' is a file: a saved model has weights of its own")
         :format(name)
   end
   local near = scute.nearest(name, architectures.list())
   return nil, ("model: with weights expected the name of an architecture, found '%s'%s"):format(name,
      near and ("; did you mean '%s'?"):format(near) or "; there are " .. table.concat(architectures.list(), ", "))
end

-- What training has saved in a folder that is called like an architecture, as a hint.
local function hint_of_run(name)
   local path = name .. "/best.safetensors"
   return is_file(path) and ("; the model of the run in that folder is %s"):format(path) or ""
end

--- What a model's name and weights (or nil) stand for: "file" or "architecture", and what has to be told of it, or nil; nil and
-- why not, where they make no sense together.
function opened.meant(name, weights)
   if weights then return meant_with_weights(name, weights) end
   local is_known, is_there = architectures.get(name) ~= nil, is_file(name)
   if is_known and not is_there then
      return nil, ("model: %s is an architecture: say what it has learned, as --weights imagenet or --weights FILE (in a "
         .. "script { weights = \"imagenet\" })%s"):format(name, hint_of_run(name))
   end
   return "file", is_known and ("%s is taken as the file of that name, and not as the architecture: no weights are given")
      :format(name) or nil
end

-- ---- a saved model ----

local function of_file(path)
   local is_word = not path:find "[/.]"
   local near = is_word and not lfs.attributes(path) and scute.nearest(path, architectures.list())
   if near then
      error(("there is no file %s, and no architecture of that name; did you mean '%s', with weights imagenet or a file?")
         :format(path, near), 0)
   end
   return (models.load(path))
end

-- ---- an architecture ----

-- What is wrong with the head of a file where it is not for ImageNet's classes, in words; nil where it is.
local function fault_of(model, names)
   local found = model.weights
   local own = found.classes and class_list.compare(found.classes, names) == "other" and class_list.text(found.classes)
   local how = ("models.create(%q, { classes = {...}, pretrained = %q }) makes a model of it, and models.save a file that says "
      .. "what it is"):format(model.arch, found.path)
   if own and found.architecture then
      return ("it is a saved model with classes of its own (%s), which tells its architecture too: give it as the model, "
         .. "without weights"):format(own)
   elseif own then
      return ("its classes are its own (%s) and not ImageNet's: %s"):format(own, how)
   elseif found.differs then
      return ("it is a saved model, and %s: give it as the model, without weights"):format(found.differs)
   elseif found.report.missing_head then
      return "it has no head: it tells features of photos, and no classes"
   elseif found.report.own_head then
      return ("its head has other layers than that of %s, and what its scores are for it does not say"):format(model.arch)
   elseif found.report.dropped_head then
      return ("its head is for other classes than ImageNet's %d, and it does not say which: %s"):format(#names, how)
   end
end

-- Raises where there is no such file; what looks like the address of one is refused where files are opened.
local function check_weights(weights)
   if weights == "imagenet" or weights:find "://" or lfs.attributes(weights) then return end
   local near = not weights:find "[/.]" and scute.nearest(weights, { "imagenet" })
   error(("there is no weight file %s; %s"):format(weights, near and "did you mean 'imagenet'?"
      or "expected imagenet or the path of a file that is there"), 0)
end

local function of_architecture(name, weights, log)
   local names, lines = require "scute.data.imagenet_classes", {}
   check_weights(weights)
   if weights == "imagenet" and not official.FILES[name] then
      error(("%s has no ImageNet weights; expected the path of a weight file whose head is for ImageNet's classes")
         :format(name), 0)
   end
   local model = models.create(name, { pretrained = weights, log = function(line) lines[#lines + 1] = line end })
   local found, fault = model.weights, fault_of(model, names)
   if fault then error(("%s: %s"):format(found.path, fault), 0) end
   if not found.official and not found.classes then
      lines[#lines + 1] = ("%s does not say its classes: its head for %d of them is taken for ImageNet's"):format(found.path,
         #names)
   end
   model.classes = table.move(found.classes or names, 1, #names, 1, {})
   for _, line in ipairs(log and lines or {}) do log(line) end
   return model:eval()
end

--- The model of a name and weights; see predict.open. log: hears of what is worth telling, or false.
function opened.open(name, weights, log)
   local what, told = opened.meant(name, weights)
   if not what then error(told, 0) end
   if told and log then log(told) end
   if what == "file" then return of_file(name) end
   return of_architecture(name, weights, log)
end

return opened
