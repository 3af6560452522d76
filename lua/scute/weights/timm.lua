--- Names of timm (pytorch-image-models) for the networks that torchvision has too: the same layers, cut up differently.
-- timm: conv_stem, bn1, blocks.STAGE.BLOCK.(conv_pw, bn1, conv_dw, bn2, se, conv_pwl, bn3), conv_head, bn2, classifier.
local stage_of = require "scute.weights.stage_of"

local timm = {}

-- Of the first stage, whose blocks have no expansion, and of the later ones: what stands where in torchvision's Sequential.
local EFFICIENTNET = {
   first = { conv_dw = "0.0", bn1 = "0.1", ["se.conv_reduce"] = "1.fc1", ["se.conv_expand"] = "1.fc2", conv_pw = "2.0",
      bn2 = "2.1" },
   later = { conv_pw = "0.0", bn1 = "0.1", conv_dw = "1.0", bn2 = "1.1", ["se.conv_reduce"] = "2.fc1",
      ["se.conv_expand"] = "2.fc2", conv_pwl = "3.0", bn3 = "3.1" },
}
-- EfficientNet-Lite has no squeeze-excitation.
local EFFICIENTNET_LITE = {
   first = { conv_dw = "0.0", bn1 = "0.1", conv_pw = "1.0", bn2 = "1.1" },
   later = { conv_pw = "0.0", bn1 = "0.1", conv_dw = "1.0", bn2 = "1.1", conv_pwl = "2.0", bn3 = "2.1" },
}
local MOBILENET = {
   first = { conv_dw = "0.0", bn1 = "0.1", conv_pw = "1", bn2 = "2" },
   later = { conv_pw = "0.0", bn1 = "0.1", conv_dw = "1.0", bn2 = "1.1", conv_pwl = "2", bn3 = "3" },
}
local MOBILENET_BLOCKS = { 1, 2, 3, 4, 3, 3, 1 } -- of each stage; torchvision numbers them through

local function inverse(layers)
   local positions = {}
   for layer, position in pairs(layers) do positions[position] = layer end
   return positions
end

-- The same by torchvision's positions.
local function inverses(of)
   return { first = inverse(of.first), later = inverse(of.later) }
end
local EFFICIENTNET_AT, MOBILENET_AT = inverses(EFFICIENTNET), inverses(MOBILENET)

local function edges(top)
   return { conv_stem = "features.0.0", bn1 = "features.0.1", conv_head = ("features.%d.0"):format(top),
      bn2 = ("features.%d.1"):format(top), classifier = "classifier.1" }
end
local EFFICIENTNET_EDGES, MOBILENET_EDGES = edges(8), edges(18)
local EFFICIENTNET_EDGES_AT, MOBILENET_EDGES_AT = inverse(EFFICIENTNET_EDGES), inverse(MOBILENET_EDGES)

-- What a name says: its stage and block, both nil at the edges of the network, then the layer and the entry.
local function parts(name)
   local stage, block, layer, entry = name:match "^blocks%.(%d)%.(%d%d?)%.([%l%d_.]+)%.([%l_]+)$"
   if stage then return math.tointeger(stage), math.tointeger(block), layer, entry end
   return nil, nil, name:match "^([%l%d_]+)%.([%l_]+)$"
end

-- torchvision's name of an entry of an EfficientNet of timm's with such layers, or nil.
local function of_blocks(layers, name)
   local stage, block, layer, entry = parts(name)
   if not stage then return EFFICIENTNET_EDGES[layer] and EFFICIENTNET_EDGES[layer] .. "." .. entry end
   local position = layers[stage == 0 and "first" or "later"][layer]
   return position and ("features.%d.%d.block.%s.%s"):format(stage + 1, block, position, entry)
end

--- torchvision's name of an entry of timm's EfficientNet B0 to B7, or nil.
function timm.efficientnet(name)
   return of_blocks(EFFICIENTNET, name)
end

--- The name in torchvision's words of an entry of timm's EfficientNet-Lite, or nil.
function timm.efficientnet_lite(name)
   return of_blocks(EFFICIENTNET_LITE, name)
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

-- timm's name of what stands at a position of a block; nil where nothing does. at: the layers by position.
local function block_name(at, stage, block, position, entry)
   local layer = at[stage == 0 and "first" or "later"][position]
   return layer and ("blocks.%d.%d.%s.%s"):format(stage, block, layer, entry)
end

--- timm's name of an entry of torchvision's EfficientNet B0 to B7, or nil.
function timm.of_efficientnet(name)
   local stage, block, position, entry = name:match "^features%.(%d)%.(%d+)%.block%.([%w.]+)%.([%l_]+)$"
   if stage then return block_name(EFFICIENTNET_AT, stage - 1, block, position, entry) end
   local place, last = name:match "^(.+)%.([%l_]+)$"
   return EFFICIENTNET_EDGES_AT[place] and EFFICIENTNET_EDGES_AT[place] .. "." .. last
end

--- timm's name of an entry of torchvision's MobileNetV2, or nil.
function timm.of_mobilenet(name)
   local number, position, entry = name:match "^features%.(%d+)%.conv%.([%d.]+)%.([%l_]+)$"
   if number then
      local stage, block = stage_of(MOBILENET_BLOCKS, math.tointeger(number) - 1)
      return stage and block_name(MOBILENET_AT, stage - 1, block, position, entry)
   end
   local place, last = name:match "^(.+)%.([%l_]+)$"
   return MOBILENET_EDGES_AT[place] and MOBILENET_EDGES_AT[place] .. "." .. last
end

return timm
