--- Which network a weight file is of, by the names and shapes of its entries.
local names = require "scute.weights.names"

-- By the channels of the last convolution, where one row has them.
local EFFICIENTNETS = {
   [1408] = "efficientnet_b2", [1536] = "efficientnet_b3", [1792] = "efficientnet_b4", [2048] = "efficientnet_b5",
   [2304] = "efficientnet_b6", [2560] = "efficientnet_b7",
}

-- The outputs of a convolution, 0 where it is not there.
local function outputs(has, layer)
   local shape = has[layer .. ".weight"]
   return shape and shape[1] or 0
end

-- ResNets of three convolutions a block: by their layers, the channels of the first block, and how many of these one filter
-- of its second convolution sees.
local BOTTLENECKS = {
   ["50 64 64"] = "resnet50", ["101 64 64"] = "resnet101", ["152 64 64"] = "resnet152",
   ["50 128 4"] = "resnext50_32x4d", ["101 256 8"] = "resnext101_32x8d",
   ["50 128 128"] = "wide_resnet50_2", ["101 128 128"] = "wide_resnet101_2",
}
local LAYERS = { [6] = 50, [23] = 101, [36] = 152 } -- by the blocks of the third stage

local function resnet(has)
   local blocks = 0
   for i = 1, 36 do blocks = has[("layer3.%d.conv1.weight"):format(i - 1)] and i or blocks end
   if has["conv1.0.weight"] then return nil end -- timm's with three convolutions at the start
   if not has["layer1.0.conv3.weight"] then
      return not has["layer1.2.conv1.weight"] and "resnet18" or blocks == 6 and "resnet34" or nil
   end
   local width, second = outputs(has, "layer1.0.conv1"), has["layer1.0.conv2.weight"]
   return BOTTLENECKS[("%s %s %s"):format(LAYERS[blocks], width, second and second[2] or width)]
end

-- B0 to B7 begin with a depthwise convolution, as Lite does, which lacks squeeze-excitation; V2 with one over all channels.
local function efficientnet(has)
   local first, top = has["features.1.0.block.0.0.weight"], outputs(has, "features.8.0")
   if #first == 4 and first[2] ~= 1 then
      return outputs(has, "features.7.0") == 1280 and first[1] == 24 and top == 0 and "efficientnet_v2_s" or nil
   elseif has["features.1.0.block.1.0.weight"] then
      return top == 1280 and has["features.2.1.block.0.0.weight"] and not has["features.2.2.block.0.0.weight"]
         and "efficientnet_lite0" or nil
   elseif top == 1280 then
      return has["features.1.1.block.0.0.weight"] and "efficientnet_b1" or "efficientnet_b0"
   end
   return EFFICIENTNETS[top]
end

local function mobilenet_v3(has)
   if outputs(has, "features.16.0") == 960 then return "mobilenet_v3_large" end
   return outputs(has, "features.12.0") == 576 and "mobilenet_v3_small" or nil
end

-- By the channels of the stem, and whether the third stage has 27 blocks or 9.
local function convnext(has)
   local width, is_deep = outputs(has, "features.0.0"), has["features.5.9.layer_scale"] ~= nil
   if width == 96 then return is_deep and "convnext_small" or "convnext_tiny" end
   return width == 128 and "convnext_base" or nil
end

local function mobilenet_v2(has)
   return has["features.18.0.weight"] and "mobilenet_v2" or nil
end

-- By an entry that networks of one kind have, and no other.
local KINDS = {
   { "layer1.0.conv1.weight", resnet }, { "features.1.0.block.0.0.weight", efficientnet },
   { "features.1.block.0.0.weight", mobilenet_v3 }, { "features.1.0.layer_scale", convnext },
   { "features.1.conv.0.0.weight", mobilenet_v2 }, { "features.1.conv.0.weight", mobilenet_v2 },
}

--- The architecture that a file's entries look like, or nil. `entries` is a list of {name = , shape = }.
return function(entries)
   local has, bare = {}, names.bare(entries)
   for i, entry in ipairs(entries) do has[bare[i]] = entry.shape end
   for _, kind in ipairs(KINDS) do
      if has[kind[1]] then return kind[2](has) end
   end
   return nil
end
