-- Reductions that are read sixteen bytes at a time (kernels/cuda/reduction.cuh), of one result and of neighbouring ones, in one
-- pass and in two; and optimizers' steps, of which the last elements are done one by one (list.cuh).
local function sum(name, op, shape, dim)
   return { op = op, name = name, inputs = { x = { shape = shape } }, attrs = { dim = dim }, tolerance = 1e-5,
      reason = "sums of thousands of numbers in float32" }
end

local function step(n)
   return { op = "sgd_step", name = ("%d elements"):format(n), grad = {}, half = false,
      attrs = { lr = 0.1, momentum = 0.9 },
      inputs = { params = { { shape = { n } } }, grads = { { shape = { n } } }, momenta = { { shape = { n } } } } }
end

local list = {
   sum("neighbours", "sum", { 37, 48 }, 1),
   sum("neighbours, parts", "sum", { 9000, 8 }, 1),
   sum("neighbours of two outer ones", "mean", { 2, 40, 16 }, 2),
   sum("along", "sum", { 5, 64 }, 2),
   sum("along, parts", "sum", { 2, 24000 }, 2),
   { op = "global_avg_pool2d", name = "a whole strip of channels", inputs = { x = { shape = { 3, 16, 7, 9 } } } },
   { op = "squeeze_excitation", name = "a whole strip of channels", tolerance = 1e-5, reason = "sums over pixels in float32",
      inputs = { x = { shape = { 2, 16, 5, 7 } }, weight1 = { shape = { 4, 16, 1, 1 } }, bias1 = { shape = { 4 } },
         weight2 = { shape = { 16, 4, 1, 1 } }, bias2 = { shape = { 16 } } } },
   step(3), step(4), step(4099), step(16387),
}

-- Extremes; few numbers, so that some are equal.
for _, op in ipairs { "max", "argmin" } do
   for name, at in pairs { neighbours = { { 37, 48 }, 1 }, ["neighbours, parts"] = { { 9000, 8 }, 1 }, along = { { 5, 64 }, 2 },
      ["along, parts"] = { { 2, 24000 }, 2 }, ["neighbours of two outer ones"] = { { 2, 40, 16 }, 2 } } do
      list[#list + 1] = { op = op, name = name, inputs = { x = { shape = at[1], low = -9, high = 9 } },
         attrs = { dim = at[2] }, numeric = false }
   end
end

-- Gradients of operands that were stretched: x (2, 16, 3, 5) lies channels last, so those of a channel lie apart.
local PICTURE = { 2, 16, 3, 5 }
local function stretched(name, x, y)
   list[#list + 1] = { op = "mul", name = name, inputs = { a = { shape = x }, b = { shape = y } }, tolerance = 1e-5,
      reason = "sums in float32" }
   for condition, shape in pairs { [", each"] = x, [", all of it"] = y } do
      list[#list + 1] = { op = "where", name = name .. condition, tolerance = 1e-5, reason = "sums in float32",
         inputs = { condition = { shape = shape, dtype = "u8", low = 0, high = 1 }, a = { shape = x }, b = { shape = y } } }
   end
end
stretched("a channel's", PICTURE, { 16, 1, 1 })
stretched("a photo's channel's", PICTURE, { 2, 16, 1, 1 })
stretched("a pixel's", PICTURE, { 2, 1, 3, 5 })
stretched("rows'", { 7, 64 }, { 64 })
stretched("columns'", { 7, 64 }, { 7, 1 })
stretched("one for all", { 40, 24 }, { 1 })
stretched("a row and a column", { 64 }, { 7, 1 })

-- Both go on by themselves in the first operand's place, whole numbers, comparisons, and rows that are no whole vectors.
local i64 = { dtype = "i64", low = -9, high = 9 }
local u8 = { dtype = "u8", low = 0, high = 9 }
local function of(spec, shape) return { shape = shape, dtype = spec.dtype, low = spec.low, high = spec.high } end
for name, spec in pairs { i64 = i64, u8 = u8 } do
   for _, wide in ipairs { 32, 31 } do
      local row, all = of(spec, { wide }), of(spec, { 5, wide })
      list[#list + 1] = { op = "sub", name = ("%s, %d in a row"):format(name, wide), inputs = { a = row, b = all } }
      list[#list + 1] = { op = "le", name = ("%s, %d in a row"):format(name, wide), inputs = { a = all, b = row } }
      list[#list + 1] = { op = "where", name = ("%s, %d in a row"):format(name, wide), inputs = { a = row, b = all,
         condition = { shape = { 5, 1 }, dtype = "u8", low = 0, high = 1 } } }
   end
end

return list
