--- A model for PyTorch: torchvision's names, and how torchvision builds the network that takes them.
local network = require "scute.export.network"
local pytorch = require "scute.export.pytorch"
local sheet = require "scute.export.sheet"

local torch = {}

-- Whether torchvision's constructor takes the dropout before the head; its ResNets and ConvNeXts have none.
local function has_dropout(model)
   return not (model.arch:find "res" or model.arch:find "^convnext")
end

local function constructor(model, found)
   local dropout = found.dropout and has_dropout(model) and ", dropout=" .. pytorch.number(found.dropout) or ""
   return ("model = torchvision.models.%s(num_classes=%d%s).eval()"):format(model.arch, #model.classes, dropout)
end

-- The lines of Python that load it.
local function lines(model, path, found, head)
   local list = { "import safetensors.torch, torch, torchvision", constructor(model, found) }
   if head then list[#list + 1] = ("%s = %s.eval()"):format(pytorch.place(found.head), head) end
   list[#list + 1] = ("model.load_state_dict(safetensors.torch.load_file(%s), strict=True)"):format(pytorch.text(
      path:match "[^/]*$"))
   return list
end

local function head_of(model, found)
   if not found.head then return nil end
   local code, kind = pytorch.code(model:get(found.head))
   if code then return code end
   error(("export.torch: the head '%s' of %s has a %s, which has no counterpart in torch.nn with the same names; format onnx "
      .. "takes it"):format(found.head, model.arch, kind), 0)
end

-- In the middle of a white square; of an odd number of pixels the one more lies on the right or below.
local PAD_SQUARE = [[T.Lambda(lambda photo: PIL.ImageOps.expand(photo, tuple((max(photo.size) - side + more) // 2 ]]
   .. [[for more in (0, 1) for side in photo.size), "white"))]]

-- The lines of Python that the transforms need.
local function imports(model)
   return { "import torchvision.transforms as T", model.preprocessing.pad_square and "import PIL.ImageOps" or nil }
end

-- The transforms that a photo goes through, as a line of Python.
local function transform(model)
   local p, steps = model.preprocessing, {}
   if p.pad_square then steps[1] = PAD_SQUARE end
   if (p.resize or 0) > 0 then
      steps[#steps + 1] = ("T.Resize(%d, T.InterpolationMode.%s)"):format(p.resize, p.filter:upper())
   end
   if (p.crop or 0) > 0 then steps[#steps + 1] = ("T.CenterCrop(%d)"):format(p.crop) end
   steps[#steps + 1] = "T.ToTensor()"
   steps[#steps + 1] = ("T.Normalize(%s, %s)"):format(pytorch.text(p.mean), pytorch.text(p.std))
   return ("T.Compose([%s])"):format(table.concat(steps, ", "))
end

--- See scute.export.torch.
function torch.write(model, path, about)
   local found = network.differences("export.torch", model)
   local head = head_of(model, found)
   sheet.write(model, path, {
      _order = { "library", "architecture", "num_classes", "classes", "preprocessing", "imports", "transform", "load",
         "weights", "about" },
      library = "torchvision", architecture = model.arch, num_classes = #model.classes, classes = model.classes,
      preprocessing = sheet.preprocessing(model), imports = imports(model), transform = transform(model),
      load = lines(model, path, found, head), about = about,
   })
end

return torch
