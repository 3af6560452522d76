-- Blocks that several families share, with torchvision's names inside: Conv2dNormActivation, SqueezeExcitation,
-- StochasticDepth.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local conv = require "scute.nn.conv"
local Conv2d = conv.Conv2d
local BatchNorm2d = require("scute.nn.norm").BatchNorm2d
local AdaptiveAvgPool2d = require("scute.nn.pool").AdaptiveAvgPool2d
local Identity = require("scute.nn.activation").Identity
local Sequential = require("scute.nn.container").Sequential
local fused = require "scute.nn.fused"
local init = require "scute.nn.initialise"
local sizes = require "scute.nn.sizes"

local blocks = {}

-- A convolution without a bias that starts as torchvision's do: N(0, 2 / fan_out). padding: as of nn.Conv2d, nil: kernel // 2,
-- with which stride 1 keeps the size.
function blocks.conv_without_bias(inputs, outputs, kernel, stride, groups, padding)
   local layer = init.skip(Conv2d, { inputs, outputs, kernel, stride = stride or 1, padding = padding or kernel // 2,
      groups = groups or 1, bias = false })
   init.kaiming_normal(layer.weight)
   return layer
end

-- nn.Conv2dNormActivation { inputs, outputs, kernel_size = 3, stride = 1, groups = 1, act = "relu", eps = 1e-5,
-- momentum = 0.1, padding = kernel_size // 2 }: convolution, batch norm and, unless act is "none", an activation: children "0",
-- "1", "2", called as one fused op.
local ConvNormActivation = Sequential:extend("Conv2dNormActivation", {
   { "inputs", whole = true, min = 1, help = "channels of the input" },
   { "outputs", whole = true, min = 1, help = "channels of the output" },
   { "kernel_size", 3, whole = true, min = 1, help = "side of the window" },
   { "stride", 1, whole = true, min = 1, help = "step of the window" },
   { "groups", 1, whole = true, min = 1, help = "channel groups that do not mix" },
   { "act", "relu", choices = fused.choices, help = "what follows the norm" },
   { "eps", 1e-5, number = true, min = 0, help = "the norm's: added to the variance" },
   { "momentum", 0.1, number = true, min = 0, max = 1, help = "the norm's: weight of a batch in the running statistics" },
   sizes.padding { "padding", optional = true, show = "kernel_size // 2", help = "zeros on every side, or 'same_tf', as of "
      .. "nn.Conv2d" },
})
ConvNormActivation.keeps_nothing = true

function ConvNormActivation:build(o)
   self:append(blocks.conv_without_bias(o.inputs, o.outputs, o.kernel_size, o.stride, o.groups, o.padding))
   self:append(BatchNorm2d { o.outputs, eps = o.eps, momentum = o.momentum })
   if o.act ~= "none" then self:append(fused.layer(o.act)) end
end

-- `residual`, if given, is added before the activation.
function ConvNormActivation:forward(x, residual)
   local act = #self == 2 and "none" or #self == 3 and self[3]
   if residual and not act then
      error(("a residual is added between the norm and the activation of 2 or 3 layers, and here are %d: call it without one "
         .. "and add that where it belongs"):format(#self), 2)
   end
   local name = act and conv.name_as_one(self[1], self[2], act)
   if not name then
      return residual and conv.run_apart(self[1], self[2], act, x, residual) or Sequential.forward(self, x)
   end
   local y = conv.run_as_one(self[1], self[2], name, x, residual)
   if act ~= "none" then Module.tell(act, y) end
   return y
end
fused.note(ConvNormActivation)

-- Whether a layer adds a residual to what it computes last: a convolution and its norm, with no activation after.
function blocks.adds_residual(layer)
   return fused.is_own(layer, ConvNormActivation) and #layer == 2
end
blocks.Conv2dNormActivation = ConvNormActivation

-- nn.SqueezeExcitation { channels, squeezed, act = "silu", scale_act = "sigmoid" }: x (N, C, H, W) times a scale per sample
-- and channel, which two 1x1 convolutions compute from the means over the pixels, with one activation between them and one
-- after (Hu et al. 2018, https://arxiv.org/abs/1709.01507; SiLU and sigmoid as in EfficientNet, a MobileNetV3 has "relu" and
-- "hardsigmoid"). One fused op.
blocks.SqueezeExcitation = Module:extend("SqueezeExcitation", {
   { "channels", whole = true, min = 1, help = "channels of the input and of the output" },
   { "squeezed", whole = true, min = 1, help = "channels between the two layers" },
   { "act", "silu", choices = fused.choices, help = "activation between the two layers" },
   { "scale_act", "sigmoid", choices = fused.choices, help = "activation after them, of the scales" },
})
blocks.SqueezeExcitation.keeps_nothing = true

function blocks.SqueezeExcitation:build(o)
   self.avgpool = AdaptiveAvgPool2d(1)
   for i, shape in ipairs { { o.channels, o.squeezed }, { o.squeezed, o.channels } } do
      local layer = init.skip(Conv2d, { shape[1], shape[2], 1 })
      init.kaiming_normal(layer.weight)
      self["fc" .. i] = layer
   end
   self.activation = fused.layer(o.act) or Identity()
   self.scale_activation = fused.layer(o.scale_act) or Identity()
end

local function is_pair(value, wanted)
   if type(value) ~= "table" then return value == wanted end
   return value[1] == wanted and value[2] == wanted
end

-- Whether a layer is a 1x1 convolution that does nothing else.
local function is_plain(layer)
   return fused.is_own(layer, Conv2d) and layer.bias and is_pair(layer.kernel_size, 1) and is_pair(layer.stride, 1)
      and is_pair(layer.padding, 0) and layer.groups == 1
end

fused.note(AdaptiveAvgPool2d)
fused.note(Sequential)

-- The shapes of what the fused op computes inside.
function blocks.SqueezeExcitation:tell_parts(x)
   local samples = x.shape[1]
   local squeezed, excited = { samples, self.fc1.out_channels, 1, 1 }, { samples, self.fc2.out_channels, 1, 1 }
   Module.tell(self.avgpool, excited)
   Module.tell(self.fc1, squeezed)
   Module.tell(self.activation, squeezed)
   Module.tell(self.fc2, excited)
   Module.tell(self.scale_activation, excited)
end

function blocks.SqueezeExcitation:forward(x)
   local fc1, fc2 = self.fc1, self.fc2
   local act, scale_act = fused.name_of(self.activation), fused.name_of(self.scale_activation)
   if act and scale_act and fused.is_own(self.avgpool, AdaptiveAvgPool2d) and is_plain(fc1) and is_plain(fc2) then
      self:tell_parts(x)
      return scute.squeeze_excitation(x, fc1.weight, fc1.bias, fc2.weight, fc2.bias, act, scale_act)
   end
   return x * self.scale_activation(fc2(self.activation(fc1(self.avgpool(x)))))
end

-- nn.StochasticDepth { p = 0.5 }: in training mode each sample is 0 with probability p and otherwise x / (1 - p) (Huang
-- et al. 2016, https://arxiv.org/abs/1603.09382, torchvision's mode "row"); then `residual`, if given, is added. In frozen
-- parts every sample is kept, so that what they say of a photo stays the same.
blocks.StochasticDepth = Module:extend("StochasticDepth", {
   { "p", 0.5, number = true, min = 0, max = 1, help = "probability that a sample is left out" },
})
blocks.StochasticDepth.keeps_nothing = true

function blocks.StochasticDepth:build(o)
   self.p = o.p
   self.fixed = false -- true: every sample is kept in training mode too
end

-- Whether a sample may be left out now.
function blocks.StochasticDepth:is_active()
   return self.training and not self.fixed and self.p > 0
end

function blocks.StochasticDepth:forward(x, residual)
   if self:is_active() then return scute.stochastic_depth(x, residual, self.p, true) end
   return residual and x + residual or x
end

fused.note(blocks.StochasticDepth)

function blocks.StochasticDepth:describe()
   return ("p=%g, mode=row"):format(self.p)
end

return blocks
