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
for _, kernel in ipairs { 3, 5 } do
   for stride = 1, 2 do
      for _, padding in ipairs { { 0, 0 }, { 1, 2 }, { 4, 3 } } do
         for wide = 7, 8 do
            list[#list + 1] = case(("%dx%d, stride %d, padding %d and %d, %d wide"):format(kernel, kernel, stride, padding[1],
               padding[2], wide), { 2, 8, 15 - wide, wide }, kernel, { stride = stride, padding = padding })
         end
      end
   end
end
return list
