-- Whether what a run is given belongs together: model, photos and optimizer. What does not would train something else, or
-- nothing, without a word.
local architectures = require "scute.nn.architectures"
local console = require "scute.base.console"
local crops = require "scute.data.crops"
local same_list = require "scute.base.same_list"
local parts = require "scute.nn.parts"
local score = require "scute.score"
local model_file = require "scute.weights.model_file"

local check = {}

-- level: of the function whose arguments these are, as error counts from here.
local function expect(what, good, text, found, level)
   if not good then error(("%s: expected %s, found %s"):format(what, text, console.brief(found)), level + 1) end
end

local function is_set(set)
   return type(set) == "table" and type(set.train) == "table" and type(set.val) == "table"
end

--- Fails where the arguments of `what` (train.fit, train.lr_find) are of another kind, naming its caller.
function check.arguments(what, model, set, given)
   expect(what, type(model) == "table" and model.named_parameters, "a model of scute.models", model, 4)
   expect(what, is_set(set), "photos as data.open returns them", set, 4)
   expect(what, type(given) == "table", "a table of options", given, 4)
end

local function check_model(model)
   if not (model.is_backbone_frozen and model.preprocessing and model.arch) then
      error(("train.fit: expected a model of scute.models, which has a backbone, a head and its preprocessing, found a %s; "
         .. "models.register(name, build) makes one of it, and models.create(name, { classes = set.classes }) gives it")
         :format(tostring(model.class_name)), 0)
   end
end

local function check_photos(set)
   for name, part in pairs { train = set.train, val = set.val } do
      if type(part.paths) ~= "table" or #part.paths == 0 then
         error(("train.fit: expected photos as data.open returns them; there is none in set.%s"):format(name), 0)
      end
      local fault = crops.fault(part)
      if fault then error(("train.fit: set.%s.%s"):format(name, fault), 0) end
   end
   crops.name(set)
end

local function list(names)
   return table.concat(names, ", ", 1, math.min(#names, 8)) .. (#names > 8 and ", ..." or "")
end

-- Of a model that was made for a number of classes: "1", "2", ...
local function are_numbers(names)
   for i, name in ipairs(names) do
      if name ~= tostring(i) then return false end
   end
   return true
end

-- What a model says is a class's number: numbers that stand for others would make every accuracy a wrong one. A model that was
-- made for a number of classes gets the names of the photos'.
local function match_classes(model, set)
   local own, theirs = model.classes, set.classes
   if not own or same_list(own, theirs) then return end
   if not are_numbers(own) then
      console.fail("train.fit: the model is one for %s (%s) and the photos have %s (%s); they must be the same in the same "
         .. "order: models.create(name, { classes = set.classes })", console.count(#own, "class", "classes"), list(own),
         console.count(#theirs, "class", "classes"), list(theirs))
   elseif #own ~= #theirs then
      console.fail("train.fit: the model is one for %s and the photos have %d (%s); models.create(name, { classes = "
         .. "set.classes }) gives it a head for them", console.count(#own, "class", "classes"), #theirs, list(theirs))
   end
   model.classes = table.move(theirs, 1, #theirs, 1, {})
end

-- What is no photo has the shape that somebody gave it.
local function check_samples(model, set)
   if not set.samples then return end
   local first = { paths = { set.train.paths[1] }, samples = set.samples }
   set.samples:read(first.paths[1]):free() -- what is wrong with it is no matter of the model
   local ok, why = pcall(score, model, first, { precision = "fp32" })
   if not ok then
      error(("train.fit: the model does not take samples of shape (%s): %s"):format(table.concat(set.samples.shape, ", "),
         console.message(why)), 0)
   end
end

--- Fails where model and photos do not belong together; a model whose classes have numbers only gets their names.
function check.pair(model, set)
   check_model(model)
   check_photos(set)
   match_classes(model, set)
   check_samples(model, set)
end

-- What a run asks of an optimizer.
local ASKED = { "zero_grad", "step", "take_back", "scale_grad", "unscale_grad", "clip_grads", "clip_grad_value", "scale_lr",
   "set_lr", "describe", "state_dict", "load_state_dict" }

local function check_optimizer(optimizer)
   local missing = {}
   for _, name in ipairs(ASKED) do
      if type(optimizer[name]) ~= "function" then missing[#missing + 1] = name end
   end
   if type(optimizer.groups) ~= "table" then missing[#missing + 1] = "groups" end
   if #missing == 0 then return end
   error(("train.fit: expected an optimizer of scute.optim, found a table that lacks %s; scute.optim.define makes one that has "
      .. "them all from the update of one parameter"):format(table.concat(missing, ", ")), 0)
end

--- Fails where the files that a run is to write could not be loaded again, or a layer does not fit what comes into it.
function check.files(run)
   if not run.output_dir then return end
   local ok, why = pcall(model_file.check, run.model)
   if not ok then error("train.fit: " .. console.message(why), 0) end
   local entry = architectures.get(run.model.arch)
   if entry.own and not architectures.file_to_load(run.model.arch) then
      console.warn("'%s' is registered in %s, so that no other script can load what this run saves; put what registers it into "
         .. "a file of its own, and require that", run.model.arch, entry.file and "the script itself" or "no file")
   end
end

-- The layer that a parameter lies in, where no group of the model has it: as little of its name as is in none of their paths.
local function layer_outside(paths, name)
   local layer = ""
   for part in name:gmatch "[^.]+" do
      layer = layer == "" and part or layer .. "." .. part
      if parts.matches(paths, layer) then return nil end
      local leads_to_one = false
      for _, path in ipairs(paths) do leads_to_one = leads_to_one or parts.matches({ layer }, path) end
      if not leads_to_one then return layer end
   end
   return layer
end

-- What is put beside the layers of an architecture is called by nobody, frozen or not: a head under another name, mostly. A
-- network of one's own may have what its groups pass over, as long as that does not train.
local function check_layers(model, held)
   local groups, entry, paths = model:group_paths(), architectures.get(model.arch), {}
   local head = groups[#groups][2][1]
   local place = head:gsub("%.(%d+)", function(number) return ("[%d]"):format(number + 1) end) -- as Lua has it
   for _, group in ipairs(groups) do table.move(group[2], 1, #group[2], #paths + 1, paths) end
   for name, tensor in model:named_parameters() do
      local layer = not held[tensor] and layer_outside(paths, name)
      if layer and entry and not entry.own then
         console.fail("train.fit: the model has no layer '%s' of its own, and nothing uses it; its head is '%s': model.%s "
            .. "= ...", layer, head, place)
      elseif layer and tensor.requires_grad then
         console.fail("train.fit: '%s' trains, but no group of the model has it; its head is '%s' (model.%s = ...), and what "
            .. "else trains belongs into the groups that its describe_model tells", layer, head, place)
      end
   end
end

--- Fails where nothing trains, a layer was put where the model has none, or the optimizer lacks something that trains: one that
-- was made before a head was replaced or the model moved still holds the tensors of that time.
function check.optimizer(model, optimizer)
   check_optimizer(optimizer)
   local held, any = {}, false
   for _, group in ipairs(optimizer.groups) do
      for _, entry in ipairs(group.parameters) do held[entry[2]] = true end
   end
   check_layers(model, held)
   for name, tensor in model:named_parameters() do
      if tensor.requires_grad then
         any = true
         if not held[tensor] then
            console.fail("train.fit: '%s' trains, but the optimizer does not have it; make the optimizer when the model is as "
               .. "it will be (after :to(device) and a new head), or freeze that part", name)
         end
      end
   end
   if not any then
      console.fail("nothing to train: every parameter of %s is frozen; unfreeze some, as in model:unfreeze \"head\"",
         model.arch or "the model")
   end
end

return check
