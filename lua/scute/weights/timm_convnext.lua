--- Names of timm (pytorch-image-models) for ConvNeXt: the layers of torchvision's, cut up differently. The layer scale has one
-- dimension there, (C), and three in torchvision's, (C, 1, 1).
-- timm: stem.(0 conv, 1 norm), stages.S.downsample.(0 norm, 1 conv), stages.S.blocks.B.(gamma, conv_dw, norm, mlp.fc1, mlp.fc2),
-- head.(norm, fc). torchvision has the downsampling before stage S in features.2S, the blocks of stage S in features.2S+1.
local convnext = {}

local EDGES = { ["stem.0"] = "features.0.0", ["stem.1"] = "features.0.1", ["head.norm"] = "classifier.0",
   ["head.fc"] = "classifier.2" }
local LAYERS = { conv_dw = "block.0", norm = "block.2", ["mlp.fc1"] = "block.3", ["mlp.fc2"] = "block.5" }

--- torchvision's name of an entry of timm's ConvNeXt, or nil.
function convnext.of_timm(name)
   local stage, block = name:match "^stages%.(%d)%.blocks%.(%d+)%.gamma$"
   if stage then return ("features.%d.%d.layer_scale"):format(2 * stage + 1, block) end
   local place, entry = name:match "^(.+)%.(%l+)$"
   if EDGES[place] then return EDGES[place] .. "." .. entry end
   local layer
   stage, block, layer = (place or ""):match "^stages%.(%d)%.blocks%.(%d+)%.([%l%d_.]+)$"
   if stage then
      return LAYERS[layer] and ("features.%d.%d.%s.%s"):format(2 * stage + 1, block, LAYERS[layer], entry) or nil
   end
   stage, layer = (place or ""):match "^stages%.([1-3])%.downsample%.([01])$"
   return stage and ("features.%d.%s.%s"):format(2 * stage, layer, entry) or nil
end

return convnext
