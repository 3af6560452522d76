-- A network with the groups of a ResNet that is as small as may be, for tests of what goes on around a network: the time of
-- theirs goes into writing weights otherwise. Registered as an architecture of one's own, "small".
local scute = require "scute"
local nn = scute.nn

local WIDTH = 8

local function block(inputs, width, stride)
   return nn.Sequential(nn.Conv2d { inputs, width, 3, stride = stride, padding = 1, bias = false }, nn.BatchNorm2d { width },
      nn.ReLU())
end

local Small = nn.Classifier:extend "Small"

function Small:build(classes)
   self.conv1, self.bn1 = nn.Conv2d { 3, WIDTH, 3, stride = 2, padding = 1, bias = false }, nn.BatchNorm2d { WIDTH }
   local groups = { { "stem", { "conv1", "bn1" } } }
   for i = 1, 4 do
      local name = "layer" .. i
      self[name], groups[i + 1] = block(WIDTH, WIDTH, i % 2 + 1), { name, { name } }
   end
   self.fc = nn.Linear { WIDTH, type(classes) == "table" and #classes or classes }
   groups[6] = { "fc", { "fc" } }
   self:describe_model { arch = "small", head = "fc", classes = classes, head_init = "normal", groups = groups,
      preprocessing = { resize = 16, crop = 16, filter = "bilinear", pad_square = false, mean = { 0.485, 0.456, 0.406 },
         std = { 0.229, 0.224, 0.225 } } }
end

function Small:features(x)
   local y = self.bn1(self.conv1(x)):relu()
   for i = 1, 4 do y = self:child("layer" .. i)(y) end
   return y:global_avg_pool2d():flatten(2)
end

scute.models.register("small", Small)

return Small
