-- Cases of conv_bn_act, recorded and (grad = {}) folded.
local activations = require("scute.nn.fused").choices
local cases = {}

local function add(name, x, weight, attrs, options)
   options = options or {}
   local channels = { weight[1] }
   local inputs = { x = { shape = x }, weight = { shape = weight } }
   if options.bias then inputs.bias = { shape = channels } end
   if not options.plain then
      inputs.bn_weight = { shape = channels, shift = 1, scale = 0.5 }
      inputs.bn_bias = { shape = channels }
   end
   inputs.running_mean = { shape = channels }
   inputs.running_var = options.var or { shape = channels, scale = 0.5, shift = 1 }
   if options.residual then inputs.residual = { shape = options.residual } end
   local grad = { "x", "weight" }
   for _, key in ipairs { "bn_weight", "bn_bias", "residual" } do
      if inputs[key] then grad[#grad + 1] = key end
   end
   cases[#cases + 1] = { op = options.op or "conv_bn_act", name = name, inputs = inputs, attrs = attrs,
      grad = options.grad or grad, golden = options.golden, half = options.half, tolerance = 5e-5,
         reason = "batch norm divides the convolution's rounding by its deviation" }
end

local function with(attrs, more)
   local all = {}
   for key, value in pairs(attrs) do all[key] = value end
   for key, value in pairs(more) do all[key] = value end
   return all
end

for _, act in ipairs(activations) do
   local attrs = { padding = 1, act = act }
   local x, weight, residual = { 2, 4, 6, 5 }, { 8, 4, 3, 3 }, { 2, 8, 6, 5 }
   add("training, " .. act, x, weight, with(attrs, { training = true }))
   add("training, residual, " .. act, x, weight, with(attrs, { training = true }), { residual = residual })
   add("evaluating with gradients, " .. act, x, weight, attrs,
      { residual = residual, half = not act:find "^hard" }) -- rounding moves a value over their kinks
   add("folded, " .. act, x, weight, attrs, { grad = {} })
   add("folded, residual, " .. act, x, weight, attrs, { grad = {}, residual = residual })
end
add("folded, stride 2, three channels", { 1, 3, 15, 17 }, { 16, 3, 7, 7 }, { stride = 2, padding = 3, act = "relu" },
   { grad = {} })
add("folded, depthwise", { 2, 16, 7, 7 }, { 16, 1, 3, 3 }, { padding = 1, groups = 16, act = "relu6" }, { grad = {} })
add("folded, depthwise, stride 2", { 2, 24, 7, 7 }, { 24, 1, 3, 3 }, { stride = 2, padding = 1, groups = 24, act = "silu" },
   { grad = {} })
for _, act in ipairs { "hardswish", "gelu" } do
   add("folded, depthwise, residual, " .. act, { 2, 16, 7, 6 }, { 16, 1, 5, 5 }, { padding = 2, groups = 16, act = act },
      { grad = {}, residual = { 2, 16, 7, 6 } })
end
add("folded, groups and dilation", { 1, 8, 9, 9 }, { 8, 4, 3, 3 }, { padding = 2, dilation = 2, groups = 2, act = "relu" },
   { grad = {} })
add("folded, 1x1 with bias", { 2, 16, 5, 5 }, { 24, 16, 1, 1 }, { act = "relu6" }, { grad = {}, bias = true })
add("folded, no scale and shift", { 2, 4, 5, 5 }, { 6, 4, 1, 1 }, {}, { grad = {}, plain = true })
add("folded, a variance of zero", { 1, 4, 5, 5 }, { 6, 4, 3, 3 }, { padding = 1 },
   { grad = {}, var = { shape = { 6 }, scale = 0 } })
add("folded, in tiles, residual", { 1, 16, 13, 14 }, { 64, 16, 3, 3 }, { padding = 1, act = "relu" },
   { grad = {}, residual = { 1, 64, 13, 14 } })
-- A GPU rounds a convolution's result, here of up to some fifty, before it is normalised: no half width up to 6.
add("folded, in tiles, no padding", { 1, 32, 18, 17 }, { 64, 32, 3, 3 }, { act = "relu6" }, { grad = {}, half = false })
add("folded, in tiles, not a whole number of them", { 1, 32, 18, 17 }, { 64, 32, 3, 3 }, { act = "relu" }, { grad = {} })
add("folded, in tiles, more padding than the filter reaches", { 1, 16, 12, 12 }, { 128, 16, 3, 3 }, { padding = 3 },
   { grad = {}, bias = true })
add("folded, in tiles of several photos", { 5, 16, 7, 7 }, { 64, 16, 3, 3 }, { padding = 1, act = "relu" }, { grad = {} })
add("folded, in tiles, silu", { 1, 32, 18, 17 }, { 48, 32, 3, 3 }, { act = "silu" },
   { grad = {}, residual = { 1, 48, 16, 15 }, golden = false }) -- PyTorch's numbers are above
add("folded, 1x1 to many channels", { 2, 16, 5, 7 }, { 96, 16, 1, 1 }, { act = "silu" }, { grad = {} })
-- TensorFlow's padding, in which one more may lie below and on the right.
local function add_same_tf(name, x, weight, attrs, options)
   attrs.padding = "same_tf"
   add(name .. ", same_tf", x, weight, attrs, options)
end
add_same_tf("folded, stride 2, three channels", { 1, 3, 16, 17 }, { 16, 3, 3, 3 }, { stride = 2, act = "relu6" }, { grad = {} })
add_same_tf("folded, 4x4, residual", { 2, 4, 6, 5 }, { 8, 4, 4, 4 }, { act = "relu" },
   { grad = {}, residual = { 2, 8, 6, 5 }, bias = true })
add_same_tf("folded, 5x5, stride 3, dilation", { 1, 8, 11, 12 }, { 8, 4, 5, 5 }, { stride = 3, dilation = 2, groups = 2 },
   { grad = {} })
add_same_tf("folded, depthwise, 5x5, stride 2", { 2, 16, 8, 7 }, { 16, 1, 5, 5 }, { stride = 2, groups = 16, act = "relu6" },
   { grad = {} })
add_same_tf("folded, depthwise, stride 2", { 2, 24, 8, 6 }, { 24, 1, 3, 3 }, { stride = 2, groups = 24, act = "silu" },
   { grad = {} })
add_same_tf("folded, in tiles, residual", { 1, 16, 13, 14 }, { 64, 16, 3, 3 }, { act = "relu" },
   { grad = {}, residual = { 1, 64, 13, 14 } })
add_same_tf("folded, 1x1 to many channels", { 2, 16, 5, 7 }, { 96, 16, 1, 1 }, { act = "silu" }, { grad = {} })
add_same_tf("training, stride 2", { 2, 4, 8, 6 }, { 8, 4, 3, 3 }, { stride = 2, training = true, act = "silu" })
add_same_tf("evaluating with gradients, depthwise, 5x5, stride 2", { 2, 8, 6, 7 }, { 8, 1, 5, 5 },
   { stride = 2, groups = 8, act = "silu" })
add("training, conv bias", { 2, 4, 5, 5 }, { 6, 4, 1, 1 }, { training = true, act = "relu" },
   { bias = true, grad = { "x", "weight", "bn_weight", "bn_bias" } })
add("training, depthwise", { 2, 16, 7, 7 }, { 16, 1, 3, 3 }, { training = true, stride = 2, padding = 1, groups = 16,
   act = "relu6" },
   { half = false }) -- rounding x moves a value over the kink of relu6
add("the folded kernel itself", { 2, 4, 6, 5 }, { 8, 4, 3, 3 }, { padding = 1, act = "relu", eps = 0.01 },
   { grad = {}, op = "conv2d_folded", residual = { 2, 8, 6, 5 } })

local x, weight = { shape = { 1, 4, 5, 5 } }, { shape = { 6, 4, 3, 3 } }
local six = { shape = { 6 } }
cases.bad = {
   { op = "conv_bn_act", inputs = { x = x, weight = weight }, message = "'running_mean' is missing" },
   { op = "conv_bn_act", inputs = { x = x, weight = weight, running_mean = six, running_var = { shape = { 5 } } },
      message = "'running_var': expected shape %(6%).*found %(5%)" },
   { op = "conv_bn_act", inputs = { x = x, weight = weight, running_mean = six, running_var = six, residual = x },
      message = "'residual': expected the output's shape %(1, 6, 3, 3%), found %(1, 4, 5, 5%)" },
   { op = "conv_bn_act", inputs = { x = x, weight = weight, running_mean = six, running_var = six },
      attrs = { act = "mish" }, message = "'act': expected one of none|relu|relu6|silu" },
}

return cases
