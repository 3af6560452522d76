-- Cases of conv2d.
local function case(name, x, weight, attrs, grad)
   local inputs = { x = { shape = x }, weight = { shape = weight } }
   if attrs.bias then
      inputs.bias = { shape = { weight[1] } }
      attrs.bias = nil
   end
   return { op = "conv2d", name = name, inputs = inputs, attrs = attrs, grad = grad,
      tolerance = 1e-5, reason = "sums of up to a thousand products in float32" }
end

-- Depthwise ones that oneDNN computes in bf16 only by slow ways are widened.
local function widened(entry)
   entry.half_fallback = true
   return entry
end

-- Ways that are the cpu's alone, of what PyTorch's numbers say elsewhere in this table.
local function of_cpu(entry)
   entry.golden, entry.numeric = false, false
   return entry
end

local list = {
   case("3x3", { 2, 3, 7, 9 }, { 5, 3, 3, 3 }, { bias = true, padding = 1 }),
   case("1x1", { 2, 16, 5, 6 }, { 8, 16, 1, 1 }, {}),
   case("1x1, stride 2, odd size", { 2, 8, 7, 7 }, { 16, 8, 1, 1 }, { stride = 2 }),
   case("3x3, stride 2, odd size", { 2, 8, 9, 11 }, { 16, 8, 3, 3 }, { stride = 2, padding = 1 }),
   case("3x3, stride 2, a last row and column that no window reaches", { 1, 4, 8, 8 }, { 4, 4, 3, 3 }, { stride = 2 }),
   case("7x7, stride 2, three channels", { 1, 3, 17, 15 }, { 16, 3, 7, 7 }, { stride = 2, padding = 3 }),
   case("groups", { 2, 4, 7, 7 }, { 6, 2, 3, 3 }, { bias = true, stride = 2, padding = 1, groups = 2 }),
   case("many groups", { 1, 32, 6, 6 }, { 64, 8, 3, 3 }, { padding = 1, groups = 4 }),
   case("depthwise", { 2, 16, 7, 8 }, { 16, 1, 3, 3 }, { padding = 1, groups = 16 }),
   case("depthwise, channels that fill no vector", { 2, 5, 6, 5 }, { 5, 1, 3, 3 }, { bias = true, padding = 1, groups = 5 }),
   case("depthwise, stride 2", { 1, 24, 9, 9 }, { 24, 1, 3, 3 }, { stride = 2, padding = 1, groups = 24 }),
   widened(case("depthwise, 5x5, stride 2, even size", { 1, 32, 8, 8 }, { 32, 1, 5, 5 },
      { stride = 2, padding = 2, groups = 32 })),
   widened(case("depthwise, 5x5, channels that fill no vector", { 3, 21, 6, 9 }, { 21, 1, 5, 5 },
      { bias = true, padding = 2, groups = 21 })),
   widened(case("depthwise, 5x5, larger than the picture", { 2, 3, 2, 3 }, { 3, 1, 5, 5 }, { padding = 2, groups = 3 })),
   widened(case("depthwise, 5x5, more rows than are copied at a time", { 1, 2, 60, 70 }, { 2, 1, 5, 5 },
      { stride = { 1, 2 }, padding = { 4, 1 }, groups = 2 })),
   widened(case("depthwise, 7x7, filters only", { 2, 18, 9, 8 }, { 18, 1, 7, 7 }, { padding = 3, groups = 18 }, { "weight" })),
   case("depthwise with two filters a channel", { 1, 6, 5, 5 }, { 12, 1, 3, 3 }, { padding = 1, groups = 6 }),
   widened(case("depthwise, dilation", { 1, 16, 9, 9 }, { 16, 1, 3, 3 }, { padding = 2, dilation = 2, groups = 16 })),
   case("dilation", { 1, 3, 10, 9 }, { 4, 3, 3, 3 }, { padding = 2, dilation = 2 }),
   case("pairs", { 2, 3, 9, 12 }, { 4, 3, 3, 5 }, { bias = true, stride = { 1, 2 }, padding = { 2, 0 }, dilation = { 2, 1 } }),
   case("padding wider than the kernel", { 1, 2, 3, 3 }, { 3, 2, 2, 2 }, { padding = 3 }),
   case("kernel as large as the picture", { 2, 6, 4, 5 }, { 7, 6, 4, 5 }, { bias = true }),
   case("one pixel", { 3, 10, 1, 1 }, { 12, 10, 1, 1 }, { bias = true }),
   case("one channel in and out", { 1, 1, 5, 5 }, { 1, 1, 3, 3 }, { bias = true, padding = 1 }),
   case("in tiles, odd size", { 1, 64, 13, 14 }, { 64, 64, 3, 3 }, { bias = true, padding = 1 }),
   case("in tiles, no padding", { 1, 64, 18, 17 }, { 64, 64, 3, 3 }, {}),
   case("in tiles, more padding than the filter reaches", { 2, 64, 12, 12 }, { 16, 64, 3, 3 }, { bias = true, padding = 3 }),
   case("in tiles, more of them than are kept", { 6, 64, 14, 14 }, { 16, 64, 3, 3 }, { padding = { 1, 0 } }),
   case("in tiles, more channels than are summed up in a row", { 1, 80, 15, 15 }, { 64, 80, 3, 3 }, { padding = 1 }),
   case("in tiles, frozen filters", { 1, 64, 16, 16 }, { 64, 64, 3, 3 }, { padding = 1 }, { "x" }),
   of_cpu(case("in tiles, blocks that are not full", { 1, 48, 16, 17 }, { 80, 48, 3, 3 }, { bias = true, padding = 1 })),
   of_cpu(case("in tiles, half a block", { 2, 32, 13, 12 }, { 96, 32, 3, 3 }, { padding = 1 })),
   case("filters by pairs of images, stride 2", { 2, 32, 9, 11 }, { 16, 32, 3, 3 }, { bias = true, stride = 2, padding = 1 }),
   case("filters by pairs of images, an odd one", { 9, 32, 5, 4 }, { 8, 32, 3, 3 }, { stride = 2, padding = 1 }),
   case("filters by pairs of images, more than are kept", { 28, 32, 10, 10 }, { 8, 32, 3, 3 }, { padding = 1 }, { "weight" }),
   case("filters by pairs of images, more rows than are kept", { 2, 32, 22, 70 }, { 8, 32, 3, 3 },
      { padding = 1 }, { "weight" }),
   case("filters by pairs of images, pairs", { 2, 32, 9, 12 }, { 8, 32, 3, 3 },
      { stride = { 1, 2 }, padding = { 2, 0 }, dilation = { 2, 1 } }),
   case("filters by pairs of images, more padding than they reach", { 2, 32, 3, 3 }, { 8, 32, 3, 3 }, { padding = 4 }),
   case("filters by pairs of images, 1x1, stride 2", { 4, 64, 5, 7 }, { 72, 64, 1, 1 }, { stride = 2 }),
   case("filters by pairs of images, 1x1, padding", { 2, 64, 3, 4 }, { 64, 64, 1, 1 }, { bias = true, padding = 1 }),
   case("filters by pairs of images, three channels", { 2, 3, 17, 22 }, { 40, 3, 7, 7 }, { stride = 2, padding = 3 }),
   case("filters by pairs of images, three channels, an odd one", { 9, 3, 9, 8 }, { 16, 3, 3, 3 },
      { bias = true, stride = { 1, 2 }, padding = { 2, 0 } }),
   of_cpu(case("filters in f32, blocks that are not full", { 3, 24, 9, 11 }, { 20, 24, 3, 3 },
      { bias = true, stride = 2, padding = 1 })),
   of_cpu(case("filters in f32, dilated", { 2, 48, 12, 13 }, { 22, 48, 3, 3 }, { stride = 2, padding = 2, dilation = 2 })),
   of_cpu(case("filters in f32, 1x1, more rows than are kept", { 2, 40, 30, 52 }, { 94, 40, 1, 1 }, { bias = true })),
   of_cpu(case("filters in f32, three channels, 4x4", { 3, 3, 16, 20 }, { 26, 3, 4, 4 }, { stride = 4 })),
   case("frozen filters", { 2, 8, 6, 6 }, { 8, 8, 3, 3 }, { bias = true, padding = 1 }, { "x" }),
   case("filters only", { 2, 3, 8, 8 }, { 8, 3, 3, 3 }, { padding = 1 }, { "weight" }),
}

-- oneDNN 3.2 has an implementation that goes past what it gathered of these (kernels/cpu/conv_plan.c).
for _, channels in ipairs { 3, 4 } do
   list[#list + 1] = case(("1x1, stride 2, %d channels that fill no block"):format(channels), { 2, channels, 8, 8 },
      { 8, channels, 1, 1 }, { stride = 2 })
   list[#list].golden = false
end

-- TensorFlow's padding, in which one more may lie below and on the right.
local function same_tf(name, x, weight, attrs, grad)
   attrs.padding = "same_tf"
   list[#list + 1] = case("same_tf, " .. name, x, weight, attrs, grad)
   return list[#list]
end

same_tf("3x3", { 2, 3, 6, 5 }, { 4, 3, 3, 3 }, { bias = true })
same_tf("3x3, stride 2, even size", { 2, 8, 8, 6 }, { 16, 8, 3, 3 }, { bias = true, stride = 2 })
same_tf("3x3, stride 2, odd size", { 2, 8, 9, 7 }, { 16, 8, 3, 3 }, { stride = 2 })
same_tf("3x3, stride 2, even height and odd width", { 2, 4, 8, 7 }, { 6, 4, 3, 3 }, { stride = 2 })
same_tf("3x3, stride 3", { 1, 4, 10, 11 }, { 6, 4, 3, 3 }, { stride = 3 })
same_tf("1x1, stride 2", { 2, 8, 6, 7 }, { 16, 8, 1, 1 }, { stride = 2 })
same_tf("1x1, stride 3, two rows that no window reaches", { 1, 4, 9, 8 }, { 6, 4, 1, 1 }, { stride = 3 })
same_tf("2x2, stride 3, a row that no window reaches", { 1, 4, 9, 8 }, { 6, 4, 2, 2 }, { stride = 3 })
same_tf("5x5, stride 3, dilation 2", { 1, 3, 13, 12 }, { 4, 3, 5, 5 }, { bias = true, stride = 3, dilation = 2 })
same_tf("7x7, stride 2, three channels", { 1, 3, 18, 15 }, { 16, 3, 7, 7 }, { stride = 2 })
same_tf("pairs", { 2, 3, 9, 12 }, { 4, 3, 3, 6 }, { bias = true, stride = { 1, 2 }, dilation = { 2, 1 } })
same_tf("a picture smaller than the filter", { 2, 4, 1, 2 }, { 6, 4, 4, 5 }, { stride = { 2, 1 } })
same_tf("groups, dilation", { 2, 8, 7, 8 }, { 12, 4, 4, 4 }, { bias = true, groups = 2, dilation = 2 })
same_tf("depthwise, stride 2", { 2, 24, 8, 9 }, { 24, 1, 3, 3 }, { stride = 2, groups = 24 })
widened(same_tf("depthwise, 5x5, stride 2", { 2, 21, 8, 7 }, { 21, 1, 5, 5 }, { bias = true, stride = 2, groups = 21 }))
widened(same_tf("depthwise, 7x7, stride 3", { 1, 18, 11, 9 }, { 18, 1, 7, 7 }, { stride = 3, groups = 18 }))
widened(same_tf("depthwise, 4x4", { 1, 16, 6, 7 }, { 16, 1, 4, 4 }, { groups = 16 }))
-- The size of the output alone tells these two apart.
list[#list + 1] = case("2x2, no padding", { 2, 4, 6, 5 }, { 6, 4, 2, 2 }, { bias = true })
same_tf("2x2", { 2, 4, 6, 5 }, { 6, 4, 2, 2 }, { bias = true })
same_tf("in tiles", { 1, 64, 13, 14 }, { 64, 64, 3, 3 }, { bias = true })
same_tf("filters by pairs of images, stride 2", { 2, 32, 8, 10 }, { 16, 32, 3, 3 }, { bias = true, stride = 2 })
same_tf("filters by pairs of images, three channels, even size", { 2, 3, 16, 10 }, { 16, 3, 3, 3 }, { stride = 2 })
same_tf("filters by pairs of images, two channels, 4x4", { 2, 2, 9, 12 }, { 16, 2, 4, 4 }, {})
same_tf("filters by pairs of images, 1x1, stride 2", { 4, 64, 6, 7 }, { 72, 64, 1, 1 }, { stride = 2 })
same_tf("frozen filters", { 2, 8, 6, 6 }, { 8, 8, 3, 3 }, { bias = true, stride = 2 }, { "x" })

local x, weight = { shape = { 2, 4, 7, 7 } }, { shape = { 6, 4, 3, 3 } }
list.bad = {
   { op = "conv2d", inputs = { x = { shape = { 4, 7, 7 } }, weight = weight },
      message = "'x': expected 4 dimensions, found shape %(4, 7, 7%)" },
   { op = "conv2d", inputs = { x = x, weight = { shape = { 6, 3, 3, 3 } } },
      message = "'x': expected %d channels.*found shape" },
   { op = "conv2d", inputs = { x = x, weight = weight, bias = { shape = { 5 } } }, message = "'bias': expected shape %(6%)" },
   { op = "conv2d", inputs = { x = x, weight = weight }, attrs = { groups = 3 },
      message = "'groups': expected a divisor of 4" },
   { op = "conv2d", inputs = { x = x, weight = weight }, attrs = { stride = 0 },
      message = "'stride': expected 1 to 1048576, found {0, 0}" },
   { op = "conv2d", inputs = { x = x, weight = weight }, attrs = { padding = { 0, -1 } },
      message = "'padding': expected whole numbers from 0, or 'same_tf', found {0, %-1}" },
   { op = "conv2d", inputs = { x = x, weight = weight }, attrs = { padding = -1 },
      message = "'padding': expected whole numbers from 0, or 'same_tf', found {%-1, %-1}" },
   { op = "conv2d", inputs = { x = x, weight = weight }, attrs = { padding = 1 << 21 },
      message = "'padding': expected 0 to 1048576, found {2097152, 2097152}" },
   { op = "conv2d", inputs = { x = x, weight = weight }, attrs = { padding = "same" },
      message = "'padding': expected one whole number or a table of two, or 'same_tf', found 'same'; did you mean 'same_tf'?" },
   { op = "conv2d", inputs = { x = x, weight = weight }, attrs = { padding = { "same_tf", 1 } },
      message = "'padding': expected whole numbers, found 'same_tf'" },
   { op = "conv2d", inputs = { x = x, weight = weight }, attrs = { padding = true },
      message = "'padding': expected one whole number or a table of two, or 'same_tf', found true" },
   { op = "conv2d", inputs = { x = x, weight = weight }, attrs = { stride = "same_tf" },
      message = "'stride': expected one whole number or a table of two, found 'same_tf'" },
   { op = "conv2d", inputs = { x = x, weight = weight }, attrs = { dilation = 4 },
      message = "'x': expected at least the kernel's 9 x 9" },
   { op = "conv2d", inputs = { x = { shape = { 2, 4, 7, 7 }, dtype = "i64", low = 0, high = 9 }, weight = weight },
      message = "'x': expected a floating%-point tensor, found i64" },
   { op = "conv2d", inputs = { x = x, weight = { shape = { 6, 4, 3, 3 }, dtype = "f64" } },
      message = "'weight': expected f32 as in x, found f64" },
}

return list
