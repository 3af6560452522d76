-- A network of one's own that every script knows once this file is loaded: by `require`, or by -l before the script.
-- Run it:  ./scute -l examples/custom_network.lua scripts/fine_tuning.lua --model residual --weights none --data_dir PHOTOS
local scute = require "scute"
local nn = scute.nn

local Residual = nn.Module:extend("Residual", { { "channels" } })
function Residual:build(o)
   self.conv = nn.Conv2d { o.channels, o.channels, 3, padding = 1, bias = false }
   self.bn = nn.BatchNorm2d { o.channels }
end
function Residual:forward(x)
   return (x + self.bn(self.conv(x))):relu()
end

-- The last Linear becomes the head; what stands before it gives the features. A network with more ways through it is a class of
-- its own with forward(x) -> scores, or one of nn.Classifier, as lua/scute/models/baseline_cnn.lua has it.
scute.models.register("residual", function(classes)
   return nn.Sequential {
      nn.Conv2dNormActivation { 3, 16, 3, stride = 2 }, Residual { 16 },
      nn.Conv2dNormActivation { 16, 32, 3, stride = 2 }, Residual { 32 },
      nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear { 32, #classes },
   }
end, { image_size = 32 })
