--- Names of the Python package efficientnet_pytorch, which numbers blocks through, in torchvision's words: of its
-- EfficientNet-Lite0 alone. Its B0 to B7 pad as TensorFlow does, and torchvision's do not.
local stage_of = require "scute.weights.stage_of"

local efficientnet_pytorch = {}

local EDGES = { _conv_stem = "features.0.0", _bn0 = "features.0.1", _conv_head = "features.8.0", _bn1 = "features.8.1",
   _fc = "classifier.1" }

-- Of the first stage, whose block has no expansion, and of the later ones: what stands where in torchvision's Sequential.
local FIRST = { _depthwise_conv = "0.0", _bn1 = "0.1", _project_conv = "1.0", _bn2 = "1.1" }
local LATER = { _expand_conv = "0.0", _bn0 = "0.1", _depthwise_conv = "1.0", _bn1 = "1.1", _project_conv = "2.0", _bn2 = "2.1" }

local BLOCKS = { 1, 2, 2, 3, 3, 4, 1 } -- of each stage

--- torchvision's name of an entry of the package's EfficientNet-Lite0, or nil.
function efficientnet_pytorch.lite0(name)
   local number, layer, entry = name:match "^_blocks%.(%d%d?)%.([%l%d_]+)%.([%l_]+)$"
   if number then
      local stage, block = stage_of(BLOCKS, math.tointeger(number))
      local position = stage and (stage == 1 and FIRST or LATER)[layer]
      return position and ("features.%d.%d.block.%s.%s"):format(stage, block, position, entry)
   end
   layer, entry = name:match "^([%l%d_]+)%.([%l_]+)$"
   return EDGES[layer] and EDGES[layer] .. "." .. entry
end

-- What a file in the package's names is of that is no network here, half a sentence, by a name that Lite0 has not.
local function other_in(list)
   local found
   for _, name in ipairs(list) do
      if name:find "%f[%w_]_blocks%.0%._se_reduce%.weight$" then
         return "whose B0 to B7 pad as TensorFlow does and are no network here; take torchvision's file"
      elseif name:find "%f[%w_]_blocks%.16%._depthwise_conv%.weight$" then -- Lite0 has 16 blocks
         found = "whose EfficientNet-Lite1 to Lite4 are no network here"
      end
   end
   return found
end

--- Whether a file in the package's names may be of EfficientNet-Lite0. list: the names.
function efficientnet_pytorch.is_lite0(list)
   return other_in(list) == nil
end

--- Why a file in the package's names fits no network here, half a sentence; nil where it is no such file. loaded: list of
-- { name = }.
function efficientnet_pytorch.why_not(loaded)
   local list = {}
   for i, entry in ipairs(loaded) do list[i] = entry.name end
   local found = other_in(list)
   return found and "its names are efficientnet_pytorch's, " .. found
end

return efficientnet_pytorch
