-- Convolutions, alone and with what a block does after them, and linear layers.
local core = require "scute.core"
local activate = require "scute.export.onnx.activate"
local batch_norm = require "scute.export.onnx.batch_norm"

local conv = {}

-- The zeros before and after dimension `i` of the pixels where padding is "same_tf": what auto_pad = SAME_UPPER says, which not
-- every program takes with dilation.
local function same_tf(node, i)
   local a, x = node.attrs, node.from[1]
   if x.grows[i + 2] ~= 0 and a.stride[i] > 1 then
      error("padding = 'same_tf' depends on the size of the input, which here depends on the number of samples", 0)
   end
   local reach = a.dilation[i] * (node.from[2].shape[i + 2] - 1) + 1
   local total = math.max((node.to[1].shape[i + 2] - 1) * a.stride[i] + reach - x.shape[i + 2], 0)
   return total // 2, total - total // 2
end

-- At the top, at the left, at the bottom, at the right.
local function pads(node)
   local p = node.attrs.padding
   if type(p) == "table" then return { p[1], p[2], p[1], p[2] } end
   local top, bottom = same_tf(node, 1)
   local left, right = same_tf(node, 2)
   return { top, left, bottom, right }
end

-- A kernel's window as ONNX has it.
local function geometry(node)
   local a = node.attrs
   return { strides = a.stride, pads = pads(node), dilations = a.dilation, group = a.groups }
end

local function convolve(g, node, x, weight, bias)
   local attributes = geometry(node)
   attributes.kernel_shape = { node.from[2].shape[3], node.from[2].shape[4] }
   return g:node("Conv", { x, weight, bias or nil }, attributes)
end

function conv.conv2d(g, node, names)
   return convolve(g, node, names[1], names[2], names[3])
end

-- ---- with batch norm ----

-- Filters and bias of the convolution with batch norm in them: w * scale, b * scale + shift. Large ones do not wait for the
-- collector.
local function folded(node, scale, shift)
   local weight, bias = node.from[2].constant, node.from[3] and node.from[3].constant
   return core.no_grad(function()
      local wide <close> = weight:to "f64"
      local filters <close> = wide * scale:reshape { -1, 1, 1, 1 }
      local added = bias and bias:to "f64" * scale + shift or shift
      return filters:to "f32", added:to "f32"
   end)
end

local function are_constants(node)
   return node.from[2].constant and (not node.from[3] or node.from[3].constant)
end

-- Which tensors are folded into which, and by what: the same in each call of a layer.
local function folded_key(node)
   local parts = { "folded", ("%q"):format(node.attrs.eps) }
   for i = 2, 7 do parts[i + 1] = tostring(node.inputs[i]) end
   return table.concat(parts, " ")
end

local function folded_conv(g, node, names)
   local scale, shift
   if are_constants(node) then scale, shift = batch_norm.as_scale(node, 4) end
   if not scale then
      return batch_norm.normalize(g, node, names, convolve(g, node, names[1], names[2], names[3]), 4)
   end
   return convolve(g, node, names[1], g:once(folded_key(node), function()
      local weight, bias = folded(node, scale, shift)
      local name = g:unused(node.from[2].name)
      return g:initializer(name, weight), g:initializer(g:unused((name:gsub("weight", "bias", 1))), bias)
   end))
end

function conv.conv_bn_act(g, node, names)
   batch_norm.refuse_training(node)
   local y, residual = folded_conv(g, node, names), names[8]
   if residual then y = g:node("Add", { y, residual }) end
   return activate(g, node.attrs.act, y)
end

-- ---- squeeze and excitation ----

function conv.squeeze_excitation(g, node, names)
   local pooled = g:node("GlobalAveragePool", { names[1] })
   local squeezed = activate(g, node.attrs.act, g:node("Conv", { pooled, names[2], names[3] }))
   local scale = activate(g, node.attrs.scale_act, g:node("Conv", { squeezed, names[4], names[5] }))
   return g:node("Mul", { names[1], scale })
end

-- ---- linear ----

local function transposed(g, node, names)
   local weight = node.from[2]
   if not weight.constant then return g:node("Transpose", { names[2] }, { perm = { 1, 0 } }) end
   return g:once("transposed " .. node.inputs[2], function()
      return g:initializer(g:unused(weight.name .. "_transposed"), weight.constant:permute(2, 1))
   end)
end

function conv.linear(g, node, names)
   if #node.from[1].shape == 2 then return g:node("Gemm", { names[1], names[2], names[3] or nil }, { transB = 1 }) end
   local y = g:node("MatMul", { names[1], transposed(g, node, names) })
   return names[3] and g:node("Add", { y, names[3] }) or y
end

-- ---- two linear layers with GELU between them ----

-- One of the two layers of an mlp; `at`: where its weight is among the inputs. Of pixels it is a 1x1 convolution.
local function layer(g, node, names, x, at)
   if #node.from[1].shape == 2 then return g:node("Gemm", { x, names[at], names[at + 1] }, { transB = 1 }) end
   local sizes = node.from[at].shape
   local filters = g:node("Reshape", { names[at], g:wholes { sizes[1], sizes[2], 1, 1 } })
   return g:node("Conv", { x, filters, names[at + 1] }, { kernel_shape = { 1, 1 } })
end

function conv.mlp(g, node, names)
   local active = activate(g, "gelu", layer(g, node, names, names[1], 2))
   return layer(g, node, names, active, 4)
end
conv.mlp_rows = conv.mlp

return conv
