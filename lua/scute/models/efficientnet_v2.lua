-- EfficientNetV2 (Tan and Le 2021, https://arxiv.org/abs/2104.00298), in torchvision's tree.
local blocks = require "scute.models.efficientnet.blocks"
local network = require "scute.models.efficientnet.network"

-- Stages: expansion of the width, kernel, stride of the first block, input channels, output channels, blocks.
local STAGES = {
   efficientnet_v2_s = {
      { 1, 3, 1, 24, 24, 2, block = "FusedMBConv" }, { 4, 3, 2, 24, 48, 4, block = "FusedMBConv" },
      { 4, 3, 2, 48, 64, 4, block = "FusedMBConv" }, { 4, 3, 2, 64, 128, 6 }, { 6, 3, 1, 128, 160, 9 },
      { 6, 3, 2, 160, 256, 15 },
   },
}
local TOP, DROPOUT, EPSILON = 1280, 0.2, 1e-3

-- Resize and crop of the photos that the official weights were evaluated with.
local PRESETS = { efficientnet_v2_s = { resize = 384, crop = 384, filter = "bilinear" } }

local models = {}
for name, stages in pairs(STAGES) do
   models[name] = network.maker(name, { stem = stages[1][4], stages = stages, top = TOP, dropout = DROPOUT, eps = EPSILON })
end
return { models = models, presets = PRESETS, blocks = { FusedMBConv = blocks.FusedMBConv } }
