--- Names of timm (pytorch-image-models) for the networks that torchvision has too: the same layers, cut up differently.
-- timm: conv_stem, bn1, blocks.STAGE.BLOCK.(conv_pw, bn1, conv_dw, bn2, se, conv_pwl, bn3), conv_head, bn2, classifier.
local timm = {}

-- Of the first stage, whose blocks have no expansion, and of the later ones: what stands where in torchvision's Sequential.
local EFFICIENTNET = {
   first = { conv_dw = "0.0", bn1 = "0.1", ["se.conv_reduce"] = "1.fc1", ["se.conv_expand"] = "1.fc2", conv_pw = "2.0",
      bn2 = "2.1" },
   later = { conv_pw = "0.0", bn1 = "0.1", conv_dw = "1.0", bn2 = "1.1", ["se.conv_reduce"] = "2.fc1",
      ["se.conv_expand"] = "2.fc2", conv_pwl = "3.0", bn3 = "3.1" },
}
local MOBILENET = {
   first = { conv_dw = "0.0", bn1 = "0.1", conv_pw = "1", bn2 = "2" },
   later = { conv_pw = "0.0", bn1 = "0.1", conv_dw = "1.0", bn2 = "1.1", conv_pwl = "2", bn3 = "3" },
}
local MOBILENET_BLOCKS = { 1, 2, 3, 4, 3, 3, 1 } -- of each stage; torchvision numbers them through

local function edges(top)
   return { conv_stem = "features.0.0", bn1 = "features.0.1", conv_head = ("features.%d.0"):format(top),
      bn2 = ("features.%d.1"):format(top), classifier = "classifier.1" }
end
local EFFICIENTNET_EDGES, MOBILENET_EDGES = edges(8), edges(18)

-- What a name says: its stage and block, both nil at the edges of the network, then the layer and the entry.
local function parts(name)
   local stage, block, layer, entry = name:match "^blocks%.(%d)%.(%d+)%.([%l%d_.]+)%.([%l_]+)$"
   if stage then return math.tointeger(stage), math.tointeger(block), layer, entry end
   return nil, nil, name:match "^([%l%d_]+)%.([%l_]+)$"
end

--- torchvision's name of an entry of timm's EfficientNet, or nil.
function timm.efficientnet(name)
   local stage, block, layer, entry = parts(name)
   if not stage then return EFFICIENTNET_EDGES[layer] and EFFICIENTNET_EDGES[layer] .. "." .. entry end
   local position = EFFICIENTNET[stage == 0 and "first" or "later"][layer]
   return position and ("features.%d.%d.block.%s.%s"):format(stage + 1, block, position, entry)
end

--- torchvision's name of an entry of timm's MobileNetV2, or nil.
function timm.mobilenet(name)
   local stage, block, layer, entry = parts(name)
   if not stage then return MOBILENET_EDGES[layer] and MOBILENET_EDGES[layer] .. "." .. entry end
   local position = MOBILENET[stage == 0 and "first" or "later"][layer]
   if not position or block >= (MOBILENET_BLOCKS[stage + 1] or 0) then return nil end
   local number = 1 + block
   for i = 1, stage do number = number + MOBILENET_BLOCKS[i] end
   return ("features.%d.conv.%s.%s"):format(number, position, entry)
end

return timm
