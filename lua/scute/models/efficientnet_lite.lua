-- EfficientNet-Lite0: B0 without squeeze-excitation and with ReLU6, for phones (Tan and Le 2019,
-- https://arxiv.org/abs/1905.11946; its code: tensorflow/tpu, models/official/efficientnet/lite). torchvision has none;
-- the tree is that of its EfficientNet.
local nn = require "scute.nn"
local efficientnet = require "scute.models.efficientnet"

local MBConv = efficientnet.blocks.MBConv

-- Stages: expansion of the width, kernel, stride of the first block, output channels, blocks.
local STAGES = {
   { 1, 3, 1, 16, 1 }, { 6, 3, 2, 24, 2 }, { 6, 5, 2, 40, 2 }, { 6, 3, 2, 80, 3 }, { 6, 5, 1, 112, 3 }, { 6, 5, 2, 192, 4 },
   { 6, 3, 1, 320, 1 },
}
local STEM, TOP, DROPOUT = 32, 1280, 0.2
local STOCHASTIC_DEPTH = 0.2 -- of a block past the last; it rises linearly from 0 at the first

-- As TensorFlow's trainers have it: they keep 0.99 of the running statistics, and pad by one pixel less on the left and on top
-- where a stride of 2 allows it.
local ALL = { act = "relu6", eps = 1e-3, momentum = 0.01, padding = "same_tf" }

-- Options of a layer beside those that all have.
local function as_all(options)
   for name, value in pairs(ALL) do options[name] = value end
   return options
end

local function edge(inputs, outputs, kernel, stride)
   return nn.Conv2dNormActivation(as_all { inputs, outputs, kernel, stride = stride })
end

-- The blocks of one stage; `before` of all `total` blocks precede it.
local function stage_of(row, inputs, before, total)
   local expansion, kernel, stride, outputs, count = table.unpack(row)
   local stage = nn.Sequential()
   for i = 1, count do
      stage:append(MBConv(as_all { i == 1 and inputs or outputs, outputs, kernel = kernel, stride = i == 1 and stride or 1,
         expansion = expansion, drop = STOCHASTIC_DEPTH * (before + i - 1) / total, squeeze = false }))
   end
   return stage
end

local EfficientNetLite = efficientnet.EfficientNet:extend "EfficientNetLite"
EfficientNetLite.keeps_nothing = true

function EfficientNetLite:build(name, classes, preprocessing)
   local channels, total, before = STEM, 0, 0
   for _, row in ipairs(STAGES) do total = total + row[5] end
   local stem, stages = edge(3, STEM, 3, 2), {}
   for i, row in ipairs(STAGES) do
      stages[i] = stage_of(row, channels, before, total)
      before, channels = before + #stages[i], row[4]
   end
   self:assemble { name = name, classes = classes, preprocessing = preprocessing, stem = stem, stages = stages,
      top = edge(channels, TOP, 1, 1), channels = TOP, dropout = DROPOUT }
end

-- A level of bytes for each of three channels, of 0..1: in as few digits as a model's file tells, which is read back as it was.
local function gray(level)
   local share = tonumber(("%.12g"):format(level / 255))
   return { share, share, share }
end

return {
   models = {
      efficientnet_lite0 = function(classes, preprocessing)
         return EfficientNetLite("efficientnet_lite0", classes, preprocessing)
      end,
   },
   -- The middle 7/8 of a photo at 224 pixels, mean 127 and deviation 128 of bytes, as the authors evaluate it
   -- (preprocessing.py, lite/efficientnet_lite_builder.py there). The filter is timm's: the authors' is TensorFlow's bilinear,
   -- without antialiasing, to which timm finds bicubic the nearest at this size.
   presets = {
      efficientnet_lite0 = { resize = 256, crop = 224, filter = "bicubic", mean = gray(127), std = gray(128) },
   },
}
