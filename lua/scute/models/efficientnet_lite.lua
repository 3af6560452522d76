-- EfficientNet-Lite0: B0 without squeeze-excitation and with ReLU6, for phones (Tan and Le 2019,
-- https://arxiv.org/abs/1905.11946; its code: tensorflow/tpu, models/official/efficientnet/lite). torchvision has none;
-- the tree is that of its EfficientNet.
local network = require "scute.models.efficientnet.network"

-- Stages: expansion of the width, kernel, stride of the first block, input channels, output channels, blocks.
local STAGES = {
   { 1, 3, 1, 32, 16, 1 }, { 6, 3, 2, 16, 24, 2 }, { 6, 5, 2, 24, 40, 2 }, { 6, 3, 2, 40, 80, 3 }, { 6, 5, 1, 80, 112, 3 },
   { 6, 5, 2, 112, 192, 4 }, { 6, 3, 1, 192, 320, 1 },
}

-- A level of bytes for each of three channels, of 0..1: in as few digits as a model's file tells, which is read back as it was.
local function gray(level)
   local share = tonumber(("%.12g"):format(level / 255))
   return { share, share, share }
end

return {
   models = {
      -- Norms and padding as TensorFlow's trainers have them: they keep 0.99 of the running statistics, and where a window
      -- moves by two pixels, as many zeros as it takes lie below and on the right. The head does not start as torchvision's
      -- EfficientNets do: numbers of up to 0.3 for ten classes, beside its small features, are more than a few epochs mend
      -- (demo, 10 epochs: 0.705, and 0.909 so).
      efficientnet_lite0 = network.maker("efficientnet_lite0", { stem = STAGES[1][4], stages = STAGES, top = 1280,
         dropout = 0.2, act = "relu6", eps = 1e-3, momentum = 0.01, squeeze = false, padding = "same_tf",
         head_init = "normal 0.01" }),
   },
   -- The middle 7/8 of a photo at 224 pixels, mean 127 and deviation 128 of bytes, as the authors evaluate it
   -- (preprocessing.py, lite/efficientnet_lite_builder.py there). The filter is timm's: the authors' is TensorFlow's bilinear,
   -- without antialiasing, to which timm finds bicubic the nearest at this size.
   presets = {
      efficientnet_lite0 = { resize = 256, crop = 224, filter = "bicubic", mean = gray(127), std = gray(128) },
   },
}
