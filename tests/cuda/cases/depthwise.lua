-- Depthwise convolutions at the edges of the kernels that are made for one window each (kernels/cuda/depthwise.cu): sizes that
-- their threads do not fill, padding on one side alone, windows larger than the picture, channels of several blocks.
local function case(name, x, kernel, attrs)
   attrs.groups = x[2]
   return { op = "conv2d", name = name, inputs = { x = { shape = x }, weight = { shape = { x[2], 1, kernel, kernel } } },
      attrs = attrs, tolerance = 1e-5, reason = "sums of up to a thousand products in float32" }
end

local list = {
   case("several parts, and channels of two blocks", { 3, 264, 12, 9 }, 3, { padding = 1 }),
   case("several parts, few channels", { 2, 8, 41, 47 }, 5, { padding = 2 }),
   case("one pixel wide", { 1, 8, 5, 1 }, 3, { padding = { 0, 1 } }),
   case("smaller than the window", { 1, 8, 2, 1 }, 5, { padding = 2 }),
   case("other strides down than across", { 1, 8, 7, 8 }, 3, { stride = { 2, 1 }, padding = 1 }),
   case("stride 3", { 1, 8, 9, 11 }, 3, { stride = 3, padding = 1 }),
}
for _, kernel in ipairs { 3, 5, 7 } do
   for stride = 1, kernel < 7 and 2 or 1 do
      for _, padding in ipairs { { 0, 0 }, { 1, 2 }, { 4, 3 } } do
         for wide = 7, 8 do
            list[#list + 1] = case(("%dx%d, stride %d, padding %d and %d, %d wide"):format(kernel, kernel, stride, padding[1],
               padding[2], wide), { 2, 8, 15 - wide, wide }, kernel, { stride = stride, padding = padding })
         end
      end
   end
end
for _, kernel in ipairs { 2, 3, 4, 5 } do -- more zeros after than before, or as many
   for stride = 1, 3 do
      list[#list + 1] = case(("%dx%d, stride %d, same_tf"):format(kernel, kernel, stride), { 1, 8, 7, 10 }, kernel,
         { stride = stride, padding = "same_tf" })
   end
end
list[#list + 1] = case("7x7, channels of two blocks", { 2, 136, 9, 5 }, 7, { padding = 3 })

-- What follows the sums in the same kernel: bias, residual and activation, of windows with a kernel of their own and of others
-- (channels that are no vectors, several filters a channel).
local function folded(name, channels, outputs, kernel, attrs, residual)
   local each, stride = { shape = { outputs } }, attrs.stride or 1
   local high, wide = (9 - 1) // stride + 1, (10 - 1) // stride + 1
   attrs.groups, attrs.padding, attrs.eps = channels, kernel // 2, 1e-5
   return { op = "conv2d_folded", name = name, grad = {}, attrs = attrs, tolerance = 1e-5, reason = "sums of 25 products",
      inputs = { x = { shape = { 2, channels, 9, 10 } }, weight = { shape = { outputs, 1, kernel, kernel } },
         bn_weight = each, bn_bias = each, running_mean = each, running_var = { shape = { outputs }, scale = 0.5, shift = 1 },
         residual = residual and { shape = { 2, outputs, high, wide } } or nil } }
end
for _, act in ipairs(require("scute.nn.fused").choices) do
   list[#list + 1] = folded("3x3, " .. act, 16, 16, 3, { act = act })
   list[#list + 1] = folded("5x5, stride 2, residual, " .. act, 8, 8, 5, { act = act, stride = 2 }, true)
end
list[#list + 1] = folded("3x3, stride 2", 24, 24, 3, { act = "silu", stride = 2 })
list[#list + 1] = folded("5x5, residual", 8, 8, 5, { act = "hardswish" }, true)
list[#list + 1] = folded("channels that are no vectors", 6, 6, 3, { act = "relu6" }, true)
list[#list + 1] = folded("7x7", 16, 16, 7, { act = "gelu" })
list[#list + 1] = folded("7x7, stride 2", 16, 16, 7, { act = "gelu", stride = 2 })
list[#list + 1] = folded("two filters a channel", 8, 16, 3, { act = "relu" }, true)
list[#list + 1] = case("a bias", { 2, 16, 7, 5 }, 3, { padding = 1 })
list[#list].inputs.bias = { shape = { 16 } }
return list
