-- The small network of the runs that are killed, registered as an architecture of one's own, "tiny".
local scute = require "scute"
local nn = scute.nn

local Tiny = nn.Classifier:extend "Tiny"

function Tiny:build(classes)
   self.conv = nn.Conv2d { 3, 6, 3, stride = 2, padding = 1 }
   self.bn = nn.BatchNorm2d { 6 }
   self.conv2 = nn.Conv2d { 6, 8, 3, stride = 2, padding = 1 }
   self.drop = nn.Dropout { p = 0.2 }
   self.fc = nn.Linear { 8, #classes }
   self:describe_model { arch = "tiny", head = "fc", classes = classes, head_init = "normal",
      groups = { { "stem", { "conv", "bn" } }, { "body", { "conv2" } }, { "fc", { "fc" } } },
      preprocessing = { resize = 16, crop = 16, filter = "bilinear", pad_square = false,
         mean = { 0.485, 0.456, 0.406 }, std = { 0.229, 0.224, 0.225 } } }
end

function Tiny:features(x)
   return self.conv2(self.bn(self.conv(x)):relu()):relu():global_avg_pool2d():flatten(2)
end

function Tiny:head(features)
   return self.fc(self.drop(features))
end

scute.models.register("tiny", Tiny)

return Tiny
