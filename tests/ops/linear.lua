-- Cases of linear and matmul.
local reason = "sums of products in float32"

local function linear(name, x, outputs, bias, grad)
   local inputs = { x = { shape = x }, weight = { shape = { outputs, x[#x] } } }
   if bias then inputs.bias = { shape = { outputs } } end
   return { op = "linear", name = name, inputs = inputs, grad = grad, tolerance = 1e-5,
      reason = reason, half_tolerance = 2 ^ -6 } -- the gradient of the bias sums rounded gradients
end

-- In half width the gradients of a matrix that serves a whole batch are added up in float32: half_fallback.
local function matmul(name, a, b, grad)
   local shared = (#a == 3 or #b == 3) and (#a ~= #b or a[1] ~= b[1])
   return { op = "matmul", name = name, inputs = { a = { shape = a }, b = { shape = b } }, grad = grad, tolerance = 1e-5,
      reason = reason, half_fallback = shared }
end

local list = {
   linear("matrix", { 4, 6 }, 5, true),
   linear("no bias", { 4, 6 }, 5, false),
   linear("vector", { 6 }, 5, true),
   linear("rank 3", { 2, 3, 6 }, 4, true),
   linear("rank 4, which lies channels-last", { 2, 3, 4, 5 }, 6, true),
   linear("rank 5", { 2, 1, 3, 2, 5 }, 3, true),
   linear("one output", { 7, 33 }, 1, true),
   linear("large", { 16, 512 }, 100, true),
   linear("frozen", { 3, 8 }, 4, true, { "x" }),
   linear("head on fixed features", { 3, 8 }, 4, true, { "weight", "bias" }),
   matmul("matrices", { 3, 4 }, { 4, 5 }),
   matmul("matrix and vector", { 3, 4 }, { 4 }),
   matmul("vector and matrix", { 4 }, { 4, 5 }),
   matmul("vectors", { 7 }, { 7 }),
   matmul("batches", { 2, 3, 4 }, { 2, 4, 5 }),
   matmul("one matrix on the left for all", { 3, 4 }, { 2, 4, 5 }),
   matmul("one matrix on the right for all", { 2, 3, 4 }, { 4, 5 }),
   matmul("a batch of one against three", { 1, 3, 4 }, { 3, 4, 5 }),
   matmul("batches and a vector", { 2, 3, 4 }, { 4 }),
   matmul("vector and batches", { 4 }, { 2, 4, 5 }),
   matmul("left only", { 33, 65 }, { 65, 17 }, { "a" }),
   matmul("right only", { 33, 65 }, { 65, 17 }, { "b" }),
}

list.bad = {
   { op = "linear", inputs = { x = { shape = { 4, 6 } }, weight = { shape = { 5, 7 } } },
      message = "'x': expected shape %(..., 7%).*found %(4, 6%)" },
   { op = "linear", inputs = { x = { shape = { 4, 6 } }, weight = { shape = { 5, 6, 1 } } },
      message = "'weight': expected 2 dimensions" },
   { op = "linear", inputs = { x = { shape = { 4, 6 } }, weight = { shape = { 5, 6 } }, bias = { shape = { 6 } } },
      message = "'bias': expected shape %(5%), found %(6%)" },
   { op = "matmul", inputs = { a = { shape = { 3, 4 } }, b = { shape = { 3, 4 } } }, message = "'b': expected 4 rows" },
   { op = "matmul", inputs = { a = { shape = { 2, 3, 4 } }, b = { shape = { 3, 4, 5 } } },
      message = "'b': expected 2 matrices" },
   { op = "matmul", inputs = { a = { shape = { 1, 2, 3, 4 } }, b = { shape = { 4, 5 } } },
      message = "'a': expected 1 to 3 dimensions" },
}

return list
