-- MobileNetV2 (Sandler et al. 2018, https://arxiv.org/abs/1801.04381), in torchvision's tree.
local nn = require "scute.nn"
local fused = require "scute.nn.fused"
local passing = require "scute.nn.passing"

local conv, ConvNormActivation = nn.conv_without_bias, nn.Conv2dNormActivation

-- Stages: expansion of the width, output channels, blocks, stride of the first block.
local STAGES = {
   { 1, 16, 1, 1 }, { 6, 24, 2, 2 }, { 6, 32, 3, 2 }, { 6, 64, 4, 2 }, { 6, 96, 3, 1 }, { 6, 160, 3, 2 },
   { 6, 320, 1, 1 },
}
local STEM, TOP, DROPOUT = 32, 1280, 0.2

-- 1x1 to `expansion` times the width (left out where that is 1), 3x3 depthwise, 1x1 to `outputs` without an activation;
-- plus x where the shapes agree. All in a Sequential named "conv", as in torchvision.
local InvertedResidual = nn.Module:extend("InvertedResidual", {
   { "inputs" }, { "outputs" }, { "stride", 1 }, { "expansion", 6 },
})
InvertedResidual.keeps_nothing = true

function InvertedResidual:build(o)
   local width = o.inputs * o.expansion
   self.residual = o.stride == 1 and o.inputs == o.outputs
   local layers = nn.Sequential()
   if o.expansion ~= 1 then layers:append(ConvNormActivation { o.inputs, width, 1, act = "relu6" }) end
   layers:append(ConvNormActivation { width, width, 3, stride = o.stride, groups = width, act = "relu6" })
   layers:append(conv(width, o.outputs, 1))
   layers:append(nn.BatchNorm2d { o.outputs })
   self.conv = layers
end

function InvertedResidual:forward(x)
   local layers = self.conv
   if #layers < 2 or not fused.is_own(layers, nn.Sequential) then
      local z = layers(x)
      return self.residual and z + x or z
   end
   local y = passing.through(x, layers, 1, #layers - 2)
   local z = nn.conv_bn_act(layers[#layers - 1], layers[#layers], "none", y, self.residual and x or nil)
   passing.free(y, x, z)
   return z
end

local MobileNetV2 = nn.Classifier:extend "MobileNetV2"
MobileNetV2.keeps_nothing = true

function MobileNetV2:build(name, classes, preprocessing)
   local layers = nn.Sequential(ConvNormActivation { 3, STEM, 3, stride = 2, act = "relu6" })
   local channels, groups = STEM, { { "stem", { "features.0" } } }
   for number, stage in ipairs(STAGES) do
      local expansion, outputs, count, stride = table.unpack(stage)
      local paths = {}
      for i = 1, count do
         paths[i] = "features." .. #layers
         layers:append(InvertedResidual { channels, outputs, stride = i == 1 and stride or 1, expansion = expansion })
         channels = outputs
      end
      groups[#groups + 1] = { "stage" .. number, paths }
   end
   layers:append(ConvNormActivation { channels, TOP, 1, act = "relu6" })
   groups[#groups + 1] = { "top", { "features." .. #layers - 1, "avgpool" } }
   groups[#groups + 1] = { "classifier", { "classifier" } }
   self:describe_model { arch = name, classes = classes, preprocessing = preprocessing, head = "classifier.1",
      head_init = "normal 0.01", groups = groups }
   self:add("features", layers)
   local head = nn.Linear { TOP, #self.classes }
   nn.init.head(head, self.head_init)
   self:add("classifier", nn.Sequential(nn.Dropout(DROPOUT), head))
end

-- (N, 3, H, W) -> (N, 1280). The mean has no layer in torchvision's tree; one that is put there as "avgpool" takes its place.
function MobileNetV2:features(x)
   local maps, pool = self:child "features"(x), self:child "avgpool"
   local pooled = pool and pool(maps) or maps:global_avg_pool2d()
   local features = pooled:flatten(2)
   passing.free(maps, x)
   pooled:free()
   return features
end

-- Dropout, then the linear layer.
function MobileNetV2:head(features)
   return self:child "classifier"(features)
end

return {
   models = {
      mobilenet_v2 = function(classes, preprocessing) return MobileNetV2("mobilenet_v2", classes, preprocessing) end,
   },
   preprocessing = { resize = 256, crop = 224, filter = "bilinear" },
   blocks = { InvertedResidual = InvertedResidual },
}
