--- A model as a network of torchvision: what of it is torchvision's own, and what was put there.
local console = require "scute.base.console"
local kinds = require "scute.nn.kinds"
local models = require "scute.models"
local model_file = require "scute.weights.model_file"
local text_of = require "scute.base.plain_text"
local weights = require "scute.weights"

local network = {}

-- The settings that count in training alone, by the kind of layer that has them; others change what a network computes. In
-- which width a layer is does not matter to a file of float32.
local OF_TRAINING = { Dropout = { p = true }, StochasticDepth = { p = true }, BatchNorm2d = { momentum = true } }

-- Whether a layer computes in evaluation what the architecture's own at that place does.
local function computes_alike(layer, own)
   if layer.class_name ~= own.class_name then return false end
   local free, theirs = OF_TRAINING[layer.class_name] or {}, kinds.options(own)
   for name, value in pairs(kinds.options(layer)) do
      if not free[name] and name ~= "dtype" and text_of(value) ~= text_of(theirs[name]) then return false end
   end
   return true
end

-- Whether a change makes no difference to what the network says, or to the names of its tensors.
local function is_harmless(model, change)
   if change.path == "" and change.fields then return true end -- nothing reads them, but for the dropout before the head
   return change.module ~= nil and models.with_shapes(model.arch, function(built)
      local there, own = pcall(built.get, built, change.path)
      return there and computes_alike(model:get(change.path), own)
   end)
end

-- The part of the network in which its head is: all of it or a layer.
local function place_of_head(model)
   return model.head_path:match "^[^.]+"
end

local function refuse(what, model, change)
   local is = change.module and "is a " .. change.module.kind or "has fields of its own"
   error(("%s: '%s' %s, which is not as torchvision's %s has it; format onnx takes it"):format(what, change.path, is,
      model.arch), 0)
end

-- Such zeros lie on one side more, for which PyTorch's layers have no word; the names and shapes of the tensors tell nothing.
local function refuse_padding(what, model)
   for path, layer in model:named_modules() do
      if rawget(layer, "padding") == "same_tf" then
         error(("%s: '%s' pads as TensorFlow does (padding = 'same_tf'), which no layer of torch.nn does; format onnx takes it")
            :format(what, path), 0)
      end
   end
end

--- How a model differs from torchvision's network of that name: { dropout = p before the head, where it is another, head =
-- the path of the part that is one's own, where it is }. what: who asks, for messages. Raises where there is no such network,
-- or where a layer before the head is not the architecture's.
function network.differences(what, model)
   if not weights.FILES[model.arch] then
      error(("%s: '%s' is none of torchvision's networks; format onnx takes any"):format(what, console.visible(model.arch)), 0)
   end
   refuse_padding(what, model)
   local found = { dropout = rawget(model, "dropout_before_head") }
   for _, change in ipairs((model_file.changes(model))) do
      if is_harmless(model, change) then
         local layer = change.path ~= "" and model:get(change.path)
         if layer and layer.class_name == "Dropout" then found.dropout = layer.p end
      elseif change.path:match "^[^.]*" == place_of_head(model) then
         found.head = place_of_head(model)
      else
         refuse(what, model, change)
      end
   end
   return found
end

return network
