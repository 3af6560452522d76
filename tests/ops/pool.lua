-- Cases of the pooling ops.
local function case(op, name, shape, attrs, fallback)
   return { op = op, name = name, inputs = { x = { shape = shape } }, attrs = attrs, fallback = fallback }
end

local list = {
   case("max_pool2d", "2x2", { 2, 3, 6, 8 }, { kernel = 2 }),
   case("max_pool2d", "3x3, stride 2, padding 1", { 2, 16, 9, 7 }, { kernel = 3, stride = 2, padding = 1 }),
   case("max_pool2d", "3x3, stride 1, windows that overlap", { 1, 5, 6, 6 }, { kernel = 3, stride = 1, padding = 1 }),
   case("max_pool2d", "pairs", { 1, 4, 9, 10 }, { kernel = { 3, 2 }, stride = { 2, 3 }, padding = { 1, 0 } }),
   case("max_pool2d", "ceil mode", { 1, 3, 6, 7 }, { kernel = 3, stride = 2, ceil_mode = true }),
   case("max_pool2d", "ceil mode with padding", { 1, 3, 5, 5 }, { kernel = 2, stride = 2, padding = 1, ceil_mode = true }),
   case("max_pool2d", "a window of more than 256 pixels", { 1, 2, 18, 20 }, { kernel = { 17, 18 }, stride = 1 }, true),
   case("max_pool2d", "stride wider than the kernel", { 1, 2, 8, 8 }, { kernel = 2, stride = 3 }),
   case("avg_pool2d", "2x2", { 2, 3, 6, 8 }, { kernel = 2 }),
   case("avg_pool2d", "padding counts", { 2, 16, 9, 7 }, { kernel = 3, stride = 2, padding = 1 }),
   case("avg_pool2d", "padding does not count", { 1, 5, 7, 7 }, { kernel = 3, stride = 2, padding = 1,
      count_include_pad = false }),
   case("avg_pool2d", "ceil mode", { 1, 3, 6, 7 }, { kernel = 3, stride = 2, padding = 1, ceil_mode = true }),
   case("avg_pool2d", "ceil mode, padding does not count", { 1, 3, 6, 7 },
      { kernel = 3, stride = 2, padding = 1, ceil_mode = true, count_include_pad = false }),
   case("avg_pool2d", "pairs", { 1, 4, 9, 10 }, { kernel = { 3, 2 }, stride = { 1, 2 }, padding = { 0, 1 } }),
   case("global_avg_pool2d", "square", { 2, 7, 5, 5 }, {}),
   case("global_avg_pool2d", "wide", { 3, 32, 3, 8 }, {}),
   case("global_avg_pool2d", "one pixel", { 2, 4, 1, 1 }, {}),
}

local x = { shape = { 1, 2, 5, 5 } }
list.bad = {
   { op = "max_pool2d", inputs = { x = { shape = { 2, 5, 5 } } }, attrs = { kernel = 2 },
      message = "'x': expected 4 dimensions" },
   { op = "max_pool2d", inputs = { x = x }, message = "'kernel' is missing" },
   { op = "max_pool2d", inputs = { x = x }, attrs = { kernel = 0 }, message = "'kernel': expected 1 to" },
   { op = "max_pool2d", inputs = { x = x }, attrs = { kernel = 3, padding = 2 },
      message = "'padding': expected 0 to 1, found {2, 2}" },
   { op = "avg_pool2d", inputs = { x = x }, attrs = { kernel = 6 }, message = "'x': expected at least the kernel's 6 x 6" },
   { op = "avg_pool2d", inputs = { x = x }, attrs = { kernel = 2, stride = -1 }, message = "'stride': expected 0 to" },
   { op = "global_avg_pool2d", inputs = { x = { shape = { 2, 5 } } }, message = "'x': expected 4 dimensions" },
}

return list
