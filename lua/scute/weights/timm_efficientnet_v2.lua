--- Names of timm (pytorch-image-models) for EfficientNetV2-S, where three kinds of blocks are cut up in three ways.
-- timm: blocks.STAGE.BLOCK. of stage 0 (conv, bn1), of 1 and 2 (conv_exp, bn1, conv_pwl, bn2), of the later ones as in
-- EfficientNet; conv_stem, bn1, conv_head, bn2, classifier. Files of timm's are not read: see scute.weights.foreign.
local timm = require "scute.weights.timm"

local v2 = {}

local EDGES = { ["features.0.0"] = "conv_stem", ["features.0.1"] = "bn1", ["features.7.0"] = "conv_head",
   ["features.7.1"] = "bn2", ["classifier.1"] = "classifier" }

-- What stands at the positions of a block, by torchvision's number of the stage.
local FUSED = { ["0.0"] = "conv_exp", ["0.1"] = "bn1", ["1.0"] = "conv_pwl", ["1.1"] = "bn2" }
local AT = { { ["0.0"] = "conv", ["0.1"] = "bn1" }, FUSED, FUSED }

--- timm's name of an entry of torchvision's EfficientNetV2-S, or nil.
function v2.to_timm(name)
   local stage, block, position, entry = name:match "^features%.([1-6])%.(%d+)%.block%.([%w.]+)%.([%l_]+)$"
   if not stage then
      local place, last = name:match "^(.+)%.([%l_]+)$"
      return EDGES[place] and EDGES[place] .. "." .. last
   end
   local number = math.tointeger(stage)
   if not AT[number] then return timm.of_efficientnet(name) end
   local layer = AT[number][position]
   return layer and ("blocks.%d.%s.%s.%s"):format(number - 1, block, layer, entry)
end

return v2
