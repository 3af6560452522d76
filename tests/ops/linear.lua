-- Cases of linear and matmul.
local reason = "sums of products in float32"

local function linear(name, x, outputs, bias, grad)
   local inputs = { x = { shape = x }, weight = { shape = { outputs, x[#x] } } }
   if bias then inputs.bias = { shape = { outputs } } end
   return { op = "linear", name = name, inputs = inputs, grad = grad, tolerance = 1e-5, reason = reason }
end

local function matmul(name, a, b, grad)
   return { op = "matmul", name = name, inputs = { a = { shape = a }, b = { shape = b } }, grad = grad, tolerance = 1e-5,
      reason = reason }
end

return {
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
