-- A network of few weights and large maps, whose memory is what a batch takes: 262144 bytes for the map of one photo.
local scute = require "scute"

local Wide = require("scute.nn.classifier").Classifier:extend "Wide"

function Wide:build(classes)
   self.conv, self.fc = scute.nn.Conv2d { 3, 16, 3, padding = 1 }, scute.nn.Linear { 16, #classes }
   self:describe_model { arch = "wide", head = "fc", classes = classes, head_init = "normal",
      groups = { { "stem", { "conv" } }, { "fc", { "fc" } } },
      preprocessing = { resize = 64, crop = 64, filter = "bilinear", pad_square = false, mean = { 0.5, 0.5, 0.5 },
         std = { 0.2, 0.2, 0.2 } } }
end

function Wide:features(x)
   return self.conv(x):relu():global_avg_pool2d():flatten(2)
end

return Wide
