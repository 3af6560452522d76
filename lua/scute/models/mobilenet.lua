-- MobileNetV2 (Sandler et al. 2018, https://arxiv.org/abs/1801.04381), in torchvision's tree.
local nn = require "scute.nn"

-- Stages: expansion of the width, output channels, blocks, stride of the first block.
local STAGES = {
   { 1, 16, 1, 1 }, { 6, 24, 2, 2 }, { 6, 32, 3, 2 }, { 6, 64, 4, 2 }, { 6, 96, 3, 1 }, { 6, 160, 3, 2 },
   { 6, 320, 1, 1 },
}
local STEM, TOP, DROPOUT = 32, 1280, 0.2

local function conv(inputs, outputs, kernel, stride, groups)
   local layer = nn.init.skip(nn.Conv2d, { inputs, outputs, kernel, stride = stride or 1, padding = kernel // 2,
      groups = groups or 1, bias = false })
   nn.init.kaiming_normal(layer.weight)
   return layer
end

-- Convolution, norm, ReLU6: children "0", "1", "2", called as one fused op.
local ConvNormActivation = nn.Sequential:extend "Conv2dNormActivation"
ConvNormActivation.keeps_nothing = true

function ConvNormActivation:build(...)
   local layer = conv(...)
   self:append(layer):append(nn.BatchNorm2d { layer.out_channels }):append(nn.ReLU6())
end

function ConvNormActivation:forward(x)
   local act = self[3].op
   if act then return nn.conv_bn_act(self[1], self[2], act, x) end
   return nn.Sequential.forward(self, x)
end

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
   if o.expansion ~= 1 then layers:append(ConvNormActivation(o.inputs, width, 1)) end
   layers:append(ConvNormActivation(width, width, 3, o.stride, width))
   layers:append(conv(width, o.outputs, 1))
   layers:append(nn.BatchNorm2d { o.outputs })
   self.conv = layers
end

function InvertedResidual:forward(x)
   local layers, y = self.conv, x
   for i = 1, #layers - 2 do
      local wider = layers[i](y)
      if not rawequal(y, x) then y:free() end
      y = wider
   end
   local z = nn.conv_bn_act(layers[#layers - 1], layers[#layers], "none", y, self.residual and x or nil)
   y:free()
   return z
end

local MobileNetV2 = nn.Classifier:extend "MobileNetV2"
MobileNetV2.keeps_nothing = true

function MobileNetV2:build(name, classes, preprocessing)
   local layers = nn.Sequential(ConvNormActivation(3, STEM, 3, 2))
   local channels, stages = STEM, {}
   for _, stage in ipairs(STAGES) do
      local expansion, outputs, count, stride = table.unpack(stage)
      for i = 1, count do
         stages[#stages + 1] = "features." .. #layers
         layers:append(InvertedResidual { channels, outputs, stride = i == 1 and stride or 1, expansion = expansion })
         channels = outputs
      end
   end
   layers:append(ConvNormActivation(channels, TOP, 1))
   self:describe_model { arch = name, classes = classes, preprocessing = preprocessing, head = "classifier.1",
      head_init = "normal 0.01",
      groups = { { "stem", { "features.0" } }, { "stages", stages }, { "top", { "features." .. #layers - 1 } },
         { "classifier", { "classifier" } } } }
   self:add("features", layers)
   local head = nn.Linear { TOP, #self.classes }
   nn.init.head(head, self.head_init)
   self:add("classifier", nn.Sequential(nn.Dropout(DROPOUT), head))
end

-- (N, 3, H, W) -> (N, 1280).
function MobileNetV2:features(x)
   local maps = self:child "features"(x)
   local pooled = maps:global_avg_pool2d()
   local features = pooled:flatten(2)
   maps:free()
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
   blocks = { InvertedResidual = InvertedResidual, ConvNormActivation = ConvNormActivation },
}
