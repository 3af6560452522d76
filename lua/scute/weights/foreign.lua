--- Files of timm (pytorch-image-models) whose layers are those of a network here, and whose arithmetic is not: they are refused
-- whatever they are to be loaded into, and told what they are.
local foreign = {}

local EFFICIENTNET_V2 = "EfficientNetV2, whose norms have another epsilon there or whose convolutions pad asymmetrically"
local KINDS = { -- an entry that no other network of timm's has
   { "conv_head.bias", "MobileNetV3, whose norms have another epsilon there and whose hidden layer is a convolution" },
   { "blocks.0.0.conv.weight", EFFICIENTNET_V2 }, { "blocks.0.0.conv_exp.weight", EFFICIENTNET_V2 },
}

local function ends_with(name, words)
   return name == words or name:sub(-#words - 1) == "." .. words
end

--- Why a file fits no network here, half a sentence; nil where it is none of these. entries: list of { name = }.
function foreign.why_not(entries)
   local is_timm, found = false, nil
   for _, entry in ipairs(entries) do
      is_timm = is_timm or ends_with(entry.name, "conv_stem.weight")
      for _, kind in ipairs(KINDS) do
         if ends_with(entry.name, kind[1]) then found = found or kind[2] end
      end
   end
   return is_timm and found and ("its names are those of timm's %s; take torchvision's file"):format(found) or nil
end

return foreign
