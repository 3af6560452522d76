-- Every op that has a counterpart in ONNX, in a module that does nothing else, in onnxruntime and in scute.
--
-- A case is { name, shape of a sample, function(x) -> what the module gives, options }: range = { from, to } of the input's
-- numbers (default: normal ones), whole = true: they are whole, values = those of each sample; half = false: what comes out in
-- f16 is not compared, since it may be another whole number, but the file has to run; dtypes (default "f32 f16"): what it is
-- tried in.
local scute = require "scute"
local runtime = dofile "tests/export/runtime.lua"
local nn = scute.nn

local SAMPLES = 4 -- other than the model is traced with

local function whole(x, to)
   return (x * (to or 10)):to "i64"
end

local weight, bias = { 0.5, -1.5, 2, 0.25 }, { 0.1, 0.2, -0.3, 0.4 }

local CASES = {
   -- arithmetic.lua
   { "abs neg sign", { 4, 5 }, function(x) return x:abs(), -x, x:sign() end },
   { "floor ceil round", { 4, 5 }, function(x) return (x * 3):floor(), (x * 3):ceil(), (x * 2):round() end, half = false },
   { "round, halves to the even one", { 9 }, function(x) return (x / 2):round() end, range = { -9, 9 }, whole = true },
   { "exp log log1p", { 4 }, function(x) return x:exp(), x:log(), x:log1p() end, range = { 0.1, 5 } },
   { "log1p of what is small", { 4 }, function(x) return x:log1p() * 1e7 end, range = { -1e-7, 1e-7 }, dtypes = "f32" },
   { "sin cos erf sqrt", { 4 }, function(x) return x:sin(), x:cos(), x:erf(), x:abs():sqrt() end },
   { "clamp", { 4 }, function(x) return x:clamp(-0.5, 0.5), x:clamp(0), x:clamp { max = 0.25 }, whole(x):clamp(-2.5, 3.5) end,
      half = false },
   { "add sub mul div", { 4, 5 }, function(x)
      return x + 2, x + x:slice(3, 1, 1), 3 - x, x * x, x / 4, 2 / (x:abs() + 1), x * scute.tensor { 1, 2, 3, 4, 5 }
   end },
   { "whole numbers", { 6 }, function(x)
      local a, b = whole(x), whole(x:flip(2)) + 3
      return a + b, a - b, a * b, scute.maximum(a, b), scute.minimum(a, 2), a:abs(), -a, a:sign(), a:floor(), a + x
   end, half = false },
   { "bytes end at 0 and 255", { 6 }, function(x)
      local a = (x * 60 + 100):clamp(0, 255):to "u8"
      return a + a, a - 120, a * 2, scute.maximum(a, 100), a:clamp(50, 150.5), a:eq(a), a:lt(100)
   end, half = false },
   { "relu and relu6 of whole numbers and bytes", { 6 }, function(x)
      local n, bytes = whole(x), (x * 5):clamp(0, 255):to "u8"
      return n:relu(), n:relu6(), bytes:relu(), bytes:relu6()
   end, half = false },
   { "pow", { 4 }, function(x) return x ^ 2, x:abs() ^ 0.5, 2 ^ x, x:abs() ^ x end },
   { "maximum minimum", { 4 }, function(x) return scute.maximum(x, 0.25), scute.minimum(x, -x) end },
   { "remainder, floor_divide", { 8 }, function(x)
      return x % 0.75, x % -0.75, x // 0.75, x // -0.75, (x * 4) % (x:flip(2):abs() + 0.5)
   end, half = false },
   { "remainder of whole numbers", { 8 }, function(x) return whole(x) % 3, whole(x) % -3, whole(x) // 3, whole(x) // -3 end,
      half = false },
   { "comparisons", { 6 }, function(x)
      local y = x:flip(2)
      return x:eq(y), x:ne(y), x:lt(y), x:le(y), x:gt(0), x:ge(0), whole(x):eq(0), whole(x):ne(2), whole(x):gt(0.5)
   end, half = false },
   { "where", { 4, 5 }, function(x)
      return scute.where(x:gt(0), x, 0), scute.where(x:slice(3, 1, 1):lt(0), x * 2, -x), scute.where(x:gt(0), 1, whole(x))
   end, half = false },
   { "truth of what is cut off", { 6 }, function(x)
      return scute.where((x * 2):clamp(0, 9):to "u8", 1, x), x:to("i64"):any(2),
         (x * 2):to("i64"):all { dim = 2, keepdim = true }
   end, half = false },
   { "to", { 5 }, function(x)
      return (x * 4):to "i64", (x * 200):to "u8", x:gt(0):to "f32" * 2, whole(x, 200):to "u8", x:to "f64" * 2
   end, half = false },

   { "NaN and infinity", { 8 }, function(x)
      local results = { x:abs(), x:sign(), scute.maximum(x, 0), scute.minimum(x, 0), x:clamp(-1, 1), x:relu6(), x:sort(2),
         x:log1p(), x:logsumexp(2), x % 2, x // 2, x:round(), x:norm { dim = 2 }, x:cumsum(2), x // 0, x % math.huge,
         x // math.huge, x // -math.huge, 2 // x }
      for i, y in ipairs(results) do results[i] = scute.where(y:ne(y), -7, y:clamp(-1e4, 1e4)) end
      return x:gt(0), x:eq(x), x:ne(x), x:any(2), table.unpack(results)
   end, values = { 0 / 0, math.huge, -math.huge, 0, 1, 2.5, -2, 3 }, dtypes = "f32" },
   { "NaN wherever it stands", { 6 }, function(x)
      x = scute.concat({ x, x:roll(1, 2), x:roll(3, 2), x:roll(5, 2), scute.where(x:ne(x), 1, x) }, 1)
      local middle, place = x:median { dim = 2, keepdim = true }
      local results = { x:max(2), x:min(2), x:max { dim = 2, keepdim = true }, x:max(), x:min(1), middle, (x:median(2)),
         x:norm { p = math.huge, dim = 2 }, x:norm { p = -math.huge, dim = 2 }, x:normalize(), x:normalize { p = math.huge } }
      for i, y in ipairs(results) do results[i] = scute.where(y:ne(y), -7, y) end
      return x:argmax(2), x:argmin { dim = 2, keepdim = true }, x:argmax(), x:argmin(1), place, table.unpack(results)
   end, values = { 0 / 0, 2, -1, 3, -2.5, 0.5 } },
   { "infinity without NaN", { 6 }, function(x)
      return (x:median(2)):clamp(-9, 9), x:argmin(2), x:topk(2):clamp(-9, 9), (-x):logsumexp(2):clamp(-9, 9)
   end, values = { math.huge, -math.huge, 0, 1, 2.5, -2 }, dtypes = "f32" },

   -- reduction.lua
   { "sum mean prod", { 4, 5 }, function(x)
      return x:sum(2), x:sum { dim = { 2, 3 } }, x:sum { dim = -1, keepdim = true }, x:mean(3), x:mean { dim = { 2, 3 } },
         x:prod(3), x + x:mean(), x + x:sum(1)
   end },
   { "sum prod max min cumsum concat pad of whole numbers", { 4, 5 }, function(x)
      local n = whole(x)
      return n:sum(2), whole(x, 2):prod(3), n:max(2), n:min(), n:cumsum(3), scute.concat({ x, n }, 2), n:pad { 1, 1 },
         x:gt(0):sum(2), x:gt(0):cumsum(2), x:gt(0):max(2), x:gt(0):pad { 1, 1 }, x:gt(0):slice(3, 5, 5)
   end, half = false },
   { "max min", { 4, 5 }, function(x)
      return x:max(2), x:min { dim = { 2, 3 } }, x:max { dim = 3, keepdim = true }, x * x:max()
   end },
   { "any all", { 4, 5 }, function(x)
      return x:gt(1):any(2), x:gt(-1):all { dim = 3, keepdim = true }, x:any { dim = { 2, 3 } }, whole(x):all(3)
   end, half = false },
   { "argmax argmin", { 4, 5 }, function(x)
      return x:argmax(2), x:argmin { dim = 3, keepdim = true }, whole(x):argmax(3), x:select(1, 1):argmax(),
         x:select(1, 1):argmin { keepdim = true }, x:round():argmax(2)
   end, half = false },
   { "var std", { 4, 5 }, function(x)
      return x:var(2), x:std { dim = { 2, 3 } }, x:var { dim = 3, correction = 0, keepdim = true }, x / x:std(), x / x:std(1),
         (x * 400):std(2)
   end },
   { "norm", { 4, 5 }, function(x)
      return x:norm { dim = 3 }, x:norm { p = 1, dim = 2 }, x:norm { p = 3, dim = { 2, 3 } }, x:norm { p = math.huge, dim = 3,
         keepdim = true }, x:norm { p = -math.huge, dim = 3 }, x:norm { p = 0.5, dim = 2 }
   end },
   { "norm of order 0", { 5 }, function(x)
      return x:relu():norm { p = 0, dim = 2 }, (x:relu() / x:relu()):norm { p = 0, dim = 2 }
   end },
   { "normalize, cosine_similarity", { 4, 5 }, function(x)
      return x:normalize(), x:normalize { dim = -1, p = 1 }, scute.cosine_similarity(x, x:flip(3)),
         scute.cosine_similarity(x, x:slice(2, 1, 1), -1), x:normalize { eps = 100 }
   end },
   { "normalize and cosine_similarity of what is huge, tiny, zero or infinite", { 4 }, function(x)
      local results = { (x * 1e30):normalize(), (x * 1e30):normalize { p = 3 }, (x * 1e-36):normalize(), (x * 0):normalize(),
         (x / 0):normalize(), scute.cosine_similarity(x * 1e30, x:flip(2)) }
      for i, y in ipairs(results) do results[i] = scute.where(y:ne(y), -7, y) end
      return table.unpack(results)
   end, values = { 0.5, -1, 0.25, 0 }, dtypes = "f32" },
   { "cdist", { 4, 5 }, function(x)
      local points = scute.linspace(-1, 2, 15):reshape { 3, 5 }:sin()
      return scute.cdist(x, points), scute.cdist(x, x + 1, 1), scute.cdist(x, points, math.huge),
         scute.cdist(x:select(2, 1), points)
   end },
   { "logsumexp", { 4, 5 }, function(x) return (x * 200):logsumexp(2), x:logsumexp { dim = { 2, 3 }, keepdim = true } end },
   { "cumsum", { 4, 5 }, function(x) return x:cumsum(2), x:cumsum(-1) end },
   { "median", { 4, 5 }, function(x)
      local value, index = x:median(2)
      local kept, which = x:median { dim = 3, keepdim = true }
      return value, index, kept, which, whole(x):median(3), (x:select(1, 1):median())
   end, half = false },

   -- choose.lua
   { "concat stack", { 4, 5 }, function(x)
      return scute.concat({ x, x * 2 }, 2), scute.concat({ x, x:slice(3, 1, 2) }, -1), scute.stack({ x, -x }, 1),
         scute.stack({ x, -x }, -1), scute.concat({ x, x }, 1)
   end },
   { "slice", { 6, 5 }, function(x)
      return x:slice(2, 2, 4), x:slice(2, -2), x:slice { dim = 2, from = 1, to = -1, step = 2 }, x:slice(1, 2),
         x:slice(1, 1, -2), x:slice(1, -2, -1), x:slice(1, 1, 2), x:slice(1, 1, x:size(1) - 1), x:slice(1, x:size(1)),
         x:slice { dim = 1, step = 2 }
   end },
   { "select", { 6, 5 }, function(x) return x:select(2, 3), x:select(3, -1), x:select(1, 1), x:select(1, -1) end },
   { "index_select", { 6, 5 }, function(x)
      return x:index_select(2, scute.tensor({ 6, 1, 1 }, { dtype = "i64" })),
         x:index_select(1, x:sum { dim = { 2, 3 } }:argsort())
   end, half = false },
   { "gather, scatter_add", { 4, 5 }, function(x)
      local index = x:argsort(2)
      return x:gather(2, index), x:gather(3, x:argmax { dim = 3, keepdim = true }), x:scatter_add(2, index, x * 2),
         x:scatter_add(3, index:slice(3, 1, 2), x)
   end, half = false },
   { "flip roll", { 4, 5 }, function(x)
      return x:flip(2), x:flip { 2, -1 }, x:flip(1), x:roll(1, 2), x:roll({ -2, 7 }, { 2, 3 }), x:select(1, 1):roll(3)
   end },
   { "tile expand", { 1, 5 }, function(x)
      return x:tile(1, 4, 1), x:tile(2), x:tile(2, 1, 1, 1), x:expand(-1, 4, -1), x:expand(2, -1, -1, -1),
         x:expand(-1, x:size(1), -1),
         scute.tensor({ 1, 2, 3, 4, 5 }):expand(x:size(1), 5) + x:select(2, 1)
   end },
   { "pad", { 2, 4, 5 }, function(x)
      return x:pad { 1, 2 }, x:pad { 1, 0, -1, 2 }, x:pad({ 0, 0, 1, 1 }, { value = 3 }), x:pad({ 1, 2, 3, 0 }, "reflect"),
         x:pad({ 1, 2, 3, 0 }, "replicate"), x:pad({ 1, 2, 3, -1 }, "circular"), x:pad { -1, -1 },
         x:pad { 0, 0, 0, 0, 1, 0 }
   end },
   { "topk sort argsort", { 4, 5 }, function(x)
      local values, indices = x:topk(2, 2)
      local least = x:topk { k = 3, largest = false }
      local sorted, from = x:sort(2)
      return values, indices, least, sorted, from, x:argsort { descending = true }, x:sort { descending = true },
         x:gt(0):argsort(), whole(x):sort(3), x:sort(1)
   end, half = false },
   { "topk sort argsort median of one number", { 4 }, function(x)
      local one = x:sum()
      local largest, which = one:topk(1)
      local sorted, from = one:sort()
      return largest, which, sorted, from, one:argsort(), (one:median())
   end, half = false },
   { "one_hot", { 5 }, function(x)
      return x:argmax(2):one_hot(5), x:argsort():one_hot { classes = 6, dtype = "f32" }, x:argmin(2):one_hot { classes = 5,
         dtype = "u8" }
   end, half = false },

   -- rearrange.lua
   { "squeeze unsqueeze stochastic_depth", { 1, 4, 1 }, function(x)
      return x:squeeze(), x:squeeze(2), x:squeeze { 2, -1 }, x:unsqueeze(1), x:unsqueeze(-1), x:unsqueeze(3),
         scute.stochastic_depth(x, -x * 2, 0.5, false)
   end },

   -- group.lua
   { "layer_norm", { 3, 4 }, function(x)
      return x:layer_norm { normalized_shape = { 4 }, weight = scute.tensor(weight), bias = scute.tensor(bias) },
         x:layer_norm { normalized_shape = { 3, 4 }, eps = 0.1 },
         x:layer_norm { normalized_shape = { 4 }, bias = scute.tensor(bias) }
   end },
   { "layer_norm of channels", { 4, 3, 2 }, function(x)
      return scute.layer_norm { x = x, normalized_shape = { 4 }, weight = scute.tensor(weight), bias = scute.tensor(bias),
         channels = true }
   end },
   { "group_norm", { 4, 3, 5 }, function(x)
      return x:group_norm { num_groups = 2, weight = scute.tensor(weight), bias = scute.tensor(bias), eps = 0.1 },
         x:group_norm(1), x:group_norm(4), x:flatten(3):group_norm { num_groups = 2, weight = scute.tensor(weight) },
         x:mean { dim = { 3, 4 } }:group_norm(2)
   end },
   { "grouped_norm", { 4, 3, 5 }, function(x)
      return scute.grouped_norm { x = x, weight = scute.tensor(weight), groups = 2 },
         scute.grouped_norm { x = x, weight = scute.tensor(weight), bias = scute.tensor(bias), per_pixel = true },
         scute.grouped_norm { x = x, groups = 2, per_pixel = true }, scute.grouped_norm(x:mean { dim = { 3, 4 } })
   end },

   -- product.lua
   { "matmul", { 4, 5 }, function(x)
      local m = scute.tensor(weight):reshape { 2, 2 }:tile(3, 2):slice(1, 1, 5)
      return x:matmul(m), x:matmul(x:transpose(2, 3)), x:select(2, 1):matmul(m), x:matmul(scute.tensor { 1, 2, 3, 4, 5 }),
         m:transpose(1, 2):matmul(x:transpose(2, 3))
   end },

   -- resize.lua
   { "interpolate, nearest", { 2, 4, 6 }, function(x)
      return x:interpolate { size = 8 }, x:interpolate { scale_factor = 2 }, x:interpolate { size = { 3, 7 } },
         x:interpolate { scale_factor = 0.7 }, x:interpolate { size = { 5, 3 }, mode = "nearest-exact" },
         x:interpolate { scale_factor = 1.6, mode = "nearest-exact" }, x:interpolate { size = { 8, 12 } }
   end },
   { "interpolate of bytes", { 2, 4, 6 }, function(x)
      return x:gt(0):interpolate { size = { 9, 11 } }, x:gt(0):interpolate { size = { 8, 12 } }
   end, half = false },
   { "interpolate, bilinear", { 2, 5, 6 }, function(x)
      return x:interpolate { size = { 8, 11 }, mode = "bilinear" }, x:interpolate { scale_factor = 1.7, mode = "bilinear" },
         x:interpolate { size = { 3, 9 }, mode = "bilinear", align_corners = true },
         x:interpolate { scale_factor = 2, mode = "bilinear", align_corners = true },
         x:interpolate { size = { 2, 3 }, mode = "bilinear", antialias = true },
         x:interpolate { size = { 5, 6 }, mode = "bilinear" }
   end },
   { "interpolate, bicubic", { 2, 5, 6 }, function(x)
      return x:interpolate { size = { 8, 11 }, mode = "bicubic" }, x:interpolate { scale_factor = 1.7, mode = "bicubic" },
         x:interpolate { size = { 3, 9 }, mode = "bicubic", align_corners = true },
         x:interpolate { size = { 3, 9 }, mode = "bicubic", antialias = true }
   end },
   { "interpolate by a factor that leaves one size", { 2, 3, 10 }, function(x)
      return x:interpolate { scale_factor = 1.2, mode = "bilinear" }, x:interpolate { scale_factor = 1.2, mode = "bicubic" },
         x:interpolate { scale_factor = 1.2, mode = "bilinear", antialias = true },
         x:interpolate { scale_factor = 1.2, mode = "bicubic", antialias = true },
         x:interpolate { scale_factor = 1.05, mode = "bilinear" }
   end },
   { "interpolate by 1", { 1, 3, 4 }, function(x)
      return x:interpolate { scale_factor = 1 }, x:interpolate { scale_factor = 1, mode = "nearest-exact" },
         x:interpolate { scale_factor = 1, mode = "bilinear" }, x:interpolate { scale_factor = 1, mode = "bicubic" }
   end },
   { "interpolate by a factor that f32 has not", { 1, 180, 29 }, function(x)
      local ramp = x / 100 + scute.linspace(0, 1, 180):reshape { 180, 1 } -- smooth: in f32 places are 1e-5 pixels apart there
      return ramp:interpolate { scale_factor = 0.35, mode = "bilinear" }, ramp:interpolate { scale_factor = 0.7,
         mode = "bilinear" }
   end, dtypes = "f32" },
   { "mlp of rows", { 4 }, function(x)
      local square = scute.tensor { weight, bias, bias, weight }
      return scute.mlp(x, square, scute.tensor(bias), square, scute.tensor(weight))
   end },
   { "mlp of pixels", { 4, 3, 2 }, function(x)
      local square = scute.tensor { weight, bias, bias, weight }
      return scute.mlp(x, square, scute.tensor(bias), square, scute.tensor(weight))
   end },
}

local Op = nn.Module:extend "Op"

function Op:build(compute) self.compute = compute end
function Op:forward(x) return self.compute(x) end

local function input(case)
   local shape = { SAMPLES, table.unpack(case[2]) }
   if case.values then return scute.tensor(case.values):reshape { 1, -1 }:tile(SAMPLES, 1) end
   local x = case.range and scute.rand(shape) * (case.range[2] - case.range[1]) + case.range[1] or scute.randn(shape)
   return case.whole and x:round() or x
end

local function add(batch, case, dtype)
   local model, x, expected = Op(case[3]):eval(), input(case), {}
   for i, y in ipairs { scute.no_grad(model, x) } do expected["output" .. i] = y end
   if not expected.output2 then expected = { logits = expected.output1 } end
   if dtype == "f16" and case.half == false then expected = {} end
   batch:add { name = ("%s, %s"):format(case[1], dtype), inputs = { input = x }, expected = expected,
      tolerance = runtime.TOLERANCE[dtype], save = function(path)
         scute.export.onnx(model, path, { dtype = dtype, shape = case[2] })
      end }
end

return function(batch)
   scute.manual_seed(3)
   for _, case in ipairs(CASES) do
      for dtype in (case.dtypes or "f32 f16"):gmatch "%S+" do add(batch, case, dtype) end
   end
end
