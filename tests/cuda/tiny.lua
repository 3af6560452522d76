-- A small network, registered as an architecture of one's own, "tiny".
local scute = require "scute"
local nn = scute.nn

local Tiny = nn.Classifier:extend "Tiny"

function Tiny:build(classes)
   self.conv, self.bn, self.fc = nn.Conv2d { 3, 8, 3, stride = 2, padding = 1 }, nn.BatchNorm2d { 8 }, nn.Linear { 8, #classes }
   self.drop = nn.Dropout { p = 0.1 }
   self:describe_model { arch = "tiny", head = "fc", classes = classes, head_init = "normal",
      groups = { { "stem", { "conv", "bn" } }, { "fc", { "fc" } } },
      preprocessing = { resize = 16, crop = 16, filter = "bilinear", pad_square = false, mean = { 0.5, 0.5, 0.5 },
         std = { 0.2, 0.2, 0.2 } } }
end

function Tiny:features(x)
   return self.bn(self.conv(x)):relu():global_avg_pool2d():flatten(2)
end

function Tiny:head(features)
   return self.fc(self.drop(features))
end

scute.models.register("tiny", Tiny)

return Tiny
