-- Cases of the pooling ops.
local function case(op, name, shape, attrs)
   return { op = op, name = name, inputs = { x = { shape = shape } }, attrs = attrs }
end

return {
   case("max_pool2d", "2x2", { 2, 3, 6, 8 }, { kernel = 2 }),
   case("max_pool2d", "3x3, stride 2, padding 1", { 2, 16, 9, 7 }, { kernel = 3, stride = 2, padding = 1 }),
   case("max_pool2d", "3x3, stride 1, windows that overlap", { 1, 5, 6, 6 }, { kernel = 3, stride = 1, padding = 1 }),
   case("max_pool2d", "pairs", { 1, 4, 9, 10 }, { kernel = { 3, 2 }, stride = { 2, 3 }, padding = { 1, 0 } }),
   case("max_pool2d", "ceil mode", { 1, 3, 6, 7 }, { kernel = 3, stride = 2, ceil_mode = true }),
   case("max_pool2d", "ceil mode with padding", { 1, 3, 5, 5 }, { kernel = 2, stride = 2, padding = 1, ceil_mode = true }),
   case("max_pool2d", "a window of more than 256 pixels", { 1, 2, 18, 20 }, { kernel = { 17, 18 }, stride = 1 }),
   case("max_pool2d", "stride wider than the kernel", { 1, 2, 8, 8 }, { kernel = 2, stride = 3 }),
   case("avg_pool2d", "2x2", { 2, 3, 6, 8 }, { kernel = 2 }),
   case("avg_pool2d", "padding counts", { 2, 16, 9, 7 }, { kernel = 3, stride = 2, padding = 1 }),
   case("avg_pool2d", "padding does not count", { 1, 5, 7, 7 }, { kernel = 3, stride = 2, padding = 1, count_include_pad = false }),
   case("avg_pool2d", "ceil mode", { 1, 3, 6, 7 }, { kernel = 3, stride = 2, padding = 1, ceil_mode = true }),
   case("avg_pool2d", "ceil mode, padding does not count", { 1, 3, 6, 7 },
      { kernel = 3, stride = 2, padding = 1, ceil_mode = true, count_include_pad = false }),
   case("avg_pool2d", "pairs", { 1, 4, 9, 10 }, { kernel = { 3, 2 }, stride = { 1, 2 }, padding = { 0, 1 } }),
   case("global_avg_pool2d", "square", { 2, 7, 5, 5 }, {}),
   case("global_avg_pool2d", "wide", { 3, 32, 3, 8 }, {}),
   case("global_avg_pool2d", "one pixel", { 2, 4, 1, 1 }, {}),
}
