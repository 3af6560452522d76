-- The blocks of EfficientNets (V1, V2 and Lite), in torchvision's tree: all layers in a Sequential named "block", and a
-- StochasticDepth beside it.
local nn = require "scute.nn"
local residual = require "scute.nn.residual"

local blocks = {}

-- What both blocks take: channels, side of the window and step of the convolution that is not 1x1, how many times wider it is
-- inside, probability of leaving a sample out, the norms' epsilon and momentum, activation, padding (nil: half the window).
local OPTIONS = { { "inputs" }, { "outputs" }, { "kernel", 3 }, { "stride", 1 }, { "expansion", 6 }, { "drop", 0 },
   { "eps", 1e-5 }, { "momentum", 0.1 }, { "act", "silu" }, { "padding", optional = true } }

-- A function that makes the block's layers of convolution, norm and activation.
local function maker(o)
   return function(inputs, outputs, kernel, stride, groups, act)
      return nn.Conv2dNormActivation { inputs, outputs, kernel, stride = stride, groups = groups, act = act, eps = o.eps,
         momentum = o.momentum, padding = kernel > 1 and o.padding or nil }
   end
end

local function finish(self, o, layers)
   self.residual = o.stride == 1 and o.inputs == o.outputs
   self.block = layers
   self.stochastic_depth = nn.StochasticDepth(o.drop)
end

local function forward(self, x)
   return residual.through(self.block, x, self.residual, self.stochastic_depth)
end

-- 1x1 to `expansion` times the width (left out where that is 1), depthwise, squeeze-excitation (where `squeeze` says so), 1x1
-- to `outputs` without an activation; plus x, with stochastic depth, where the shapes agree.
local OF_MBCONV = { table.unpack(OPTIONS) }
OF_MBCONV[#OF_MBCONV + 1] = { "squeeze", true, flag = true }
blocks.MBConv = nn.Module:extend("MBConv", OF_MBCONV)
blocks.MBConv.keeps_nothing = true
blocks.MBConv.forward = forward

function blocks.MBConv:build(o)
   local width, conv = o.inputs * o.expansion, maker(o)
   local layers = nn.Sequential()
   if width ~= o.inputs then layers:append(conv(o.inputs, width, 1, 1, 1, o.act)) end
   layers:append(conv(width, width, o.kernel, o.stride, width, o.act))
   if o.squeeze then layers:append(nn.SqueezeExcitation { width, math.max(1, o.inputs // 4) }) end
   layers:append(conv(width, o.outputs, 1, 1, 1, "none"))
   finish(self, o, layers)
end

-- MBConv of which the first two layers are one convolution over all channels (Tan and Le 2021,
-- https://arxiv.org/abs/2104.00298), without squeeze-excitation. With an expansion of 1 that convolution is all there is, and
-- its activation comes before x is added.
blocks.FusedMBConv = nn.Module:extend("FusedMBConv", OPTIONS)
blocks.FusedMBConv.keeps_nothing = true
blocks.FusedMBConv.forward = forward

function blocks.FusedMBConv:build(o)
   local width, conv = o.inputs * o.expansion, maker(o)
   local layers = nn.Sequential()
   if width == o.inputs then
      layers:append(conv(o.inputs, o.outputs, o.kernel, o.stride, 1, o.act))
   else
      layers:append(conv(o.inputs, width, o.kernel, o.stride, 1, o.act))
      layers:append(conv(width, o.outputs, 1, 1, 1, "none"))
   end
   finish(self, o, layers)
end

return blocks
