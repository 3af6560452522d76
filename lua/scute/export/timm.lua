--- A model for timm (pytorch-image-models): its names, and a sheet as timm's own config.json.
local network = require "scute.export.network"
local efficientnet_v2 = require "scute.weights.timm_efficientnet_v2"
local names = require "scute.weights.timm"
local pytorch = require "scute.export.pytorch"
local sheet = require "scute.export.sheet"

local timm = {}

-- What timm calls its networks, where that is not torchvision's name.
local CALLED = { mobilenet_v2 = "mobilenetv2_100", efficientnet_v2_s = "efficientnetv2_s", resnet50_a1 = "resnet50" }

-- How timm names the entries of networks that it cuts up otherwise.
local RENAMED = {
   { "^efficientnet_b", names.of_efficientnet }, { "^efficientnet_v2", efficientnet_v2.to_timm },
   { "^mobilenet_v2", names.of_mobilenet },
}

-- Networks of which timm has a tensor in another shape.
local OTHERWISE = {
   { "^mobilenet_v3", "whose hidden layer is a convolution there" },
   { "^convnext", "whose layer scale has one dimension there" },
}

-- Networks of which timm has the arithmetic under a name of its own, and torchvision has not.
local ELSEWHERE = { efficientnet_lite0 = "tf_efficientnet_lite0" }

local PYTORCH_EPSILON = 1e-5 -- of batch norm in all of timm's networks that have torchvision's arithmetic

-- What a table says of the kind of a network; nil where it says nothing.
local function of_kind(kinds, model)
   for _, kind in ipairs(kinds) do
      if model.arch:find(kind[1]) then return kind[2] end
   end
end

local function renaming(model)
   return of_kind(RENAMED, model)
end

-- What the constructor needs beside the number of classes, by name.
local function arguments_of(model, found)
   local stem = renaming(model) and model:get "features.0.1" or model:get "bn1"
   return { bn_eps = stem.eps ~= PYTORCH_EPSILON and stem.eps or nil, drop_rate = found.dropout }
end

-- The share of the photo that is seen. timm cuts crop / share to a whole number of pixels: a share that is rounded up would
-- cost one of them.
local function crop_share(p)
   return math.floor(p.crop / p.resize * 1e6) / 1e6
end

-- timm's own description of a network: see its pretrained_cfg.
local function configuration(model)
   local p, renamed = model.preprocessing, renaming(model) ~= nil
   local side = p.crop
   return { num_classes = #model.classes, input_size = { 3, side, side }, fixed_input_size = false,
      interpolation = p.filter, crop_pct = crop_share(p), crop_mode = "center", mean = p.mean, std = p.std,
      first_conv = renamed and "conv_stem" or "conv1", classifier = renamed and "classifier" or "fc" }
end

local function lines(name, model, path, arguments)
   local more = ""
   for _, key in ipairs { "bn_eps", "drop_rate" } do
      if arguments[key] then more = ("%s, %s=%s"):format(more, key, pytorch.number(arguments[key])) end
   end
   return { "import timm", ("model = timm.create_model(%s, num_classes=%d%s, checkpoint_path=%s).eval()"):format(
      pytorch.text(name), #model.classes, more, pytorch.text(path:match "[^/]*$")) }
end

local function refuse_otherwise(model)
   local why = of_kind(OTHERWISE, model)
   if not why then return end
   error(("export.timm: timm has another %s, %s; format torch or onnx takes it"):format(model.arch, why), 0)
end

local function refuse_head(model, found)
   if not found.head then return end
   error(("export.timm: the head '%s' of %s is one of your own, and timm builds a single Linear with a bias there; format "
      .. "torch or onnx takes it"):format(found.head, model.arch), 0)
end

local function refuse_elsewhere(model)
   local theirs = ELSEWHERE[model.arch]
   if not theirs then return end
   error(("export.timm: '%s' is timm's %s, whose names it does not write; format onnx takes it"):format(model.arch, theirs), 0)
end

-- timm's transforms know no such padding.
local function refuse_padding(model)
   if not model.preprocessing.pad_square then return end
   error("export.timm: photos of this model are padded to a square first (pad_square), which timm's transforms do not; format "
      .. "torch says how", 0)
end

local function refuse_any_size(model)
   local p = model.preprocessing
   if (p.resize or 0) > 0 and (p.crop or 0) > 0 then return end
   error("export.timm: photos of this model are not resized and cropped to one size, which timm's transforms do; format torch "
      .. "says what they go through", 0)
end

--- See scute.export.timm.
function timm.write(model, path, about)
   refuse_elsewhere(model)
   local found = network.differences("export.timm", model)
   refuse_otherwise(model)
   refuse_head(model, found)
   refuse_padding(model)
   refuse_any_size(model)
   local name, arguments = CALLED[model.arch] or model.arch, arguments_of(model, found)
   sheet.write(model, path, {
      _order = { "architecture", "num_classes", "num_features", "label_names", "model_args", "pretrained_cfg", "preprocessing",
         "load", "weights", "about" },
      architecture = name, num_classes = #model.classes, num_features = model:num_features(), label_names = model.classes,
      model_args = next(arguments) and arguments or nil, pretrained_cfg = configuration(model),
      preprocessing = sheet.preprocessing(model), load = lines(name, model, path, arguments), about = about,
   }, renaming(model))
end

return timm
