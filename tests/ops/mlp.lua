-- Cases of mlp and of its kernel: rows and pixels, more rows than a chunk has, sizes that make no whole vectors, what is
-- frozen. Its parts have golden numbers of their own (linear, conv2d, gelu); tests/lua/mlp_spec.lua compares it with them.
local list = {}

-- x: its shape; hidden, outputs: rows of the two weights.
local function add(op, name, x, hidden, outputs, more)
   local case = { op = op, name = name, inputs = { x = { shape = x }, weight1 = { shape = { hidden, x[2] }, scale = 0.6 },
      bias1 = { shape = { hidden } }, weight2 = { shape = { outputs, hidden }, scale = 0.6 }, bias2 = { shape = { outputs } } },
      golden = false, tolerance = 1e-5, reason = "sums of products in float32", half_tolerance = 2 ^ -6 }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

local large = { numeric = false }
for _, op in ipairs { "mlp", "mlp_rows" } do
   add(op, "rows", { 5, 6 }, 7, 4)
   add(op, "pixels", { 2, 5, 3, 4 }, 9, 5)
   add(op, "two chunks of pixels", { 2, 6, 30, 25 }, 5, 6, large)
end
add("mlp", "one row", { 1, 3 }, 2, 1)
add("mlp", "one number each", { 3, 1 }, 1, 1)
add("mlp", "a block of ConvNeXt", { 2, 24, 7, 5 }, 96, 24, large)
add("mlp", "three chunks of rows", { 2500, 4 }, 33, 3, large)
add("mlp", "frozen layers", { 2, 5, 3, 4 }, 9, 5, { grad = { "x" } })
add("mlp", "the first layer learns", { 2, 5, 3, 4 }, 9, 5, { grad = { "weight1", "bias1" } })
add("mlp", "the second layer learns", { 2, 5, 3, 4 }, 9, 5, { grad = { "weight2", "bias2" } })
add("mlp", "biases learn", { 2, 5, 3, 4 }, 9, 5, { grad = { "bias1", "bias2" } })
add("mlp", "the last bias learns", { 4, 5 }, 9, 5, { grad = { "bias2" } })
add("mlp", "the second layer's weights learn, in chunks", { 2100, 4 }, 6, 3, { grad = { "weight2" }, numeric = false })

local function bad(change, message)
   add("mlp", "", { 5, 6 }, 7, 4, { message = message })
   local case = table.remove(list)
   for key, shape in pairs(change) do case.inputs[key] = { shape = { table.unpack(shape) }, dtype = shape.dtype } end
   return case
end
list.bad = {
   bad({ x = { 2, 3, 6 } }, "mlp: argument 'x': expected %(N, C%) or %(N, C, H, W%), found shape %(2, 3, 6%)"),
   bad({ x = { 5, 8 } }, "'weight1': expected shape %(7, 8%), found %(7, 6%)"),
   bad({ weight1 = { 7, 6, 1, 1 } }, "'weight1': expected 2 dimensions"),
   bad({ bias1 = { 6 } }, "'bias1': expected shape %(7%), found %(6%)"),
   bad({ weight2 = { 4, 8 } }, "'weight2': expected shape %(4, 7%), found %(4, 8%)"),
   bad({ bias2 = { 7 } }, "'bias2': expected shape %(4%), found %(7%)"),
   bad({ weight1 = { 7, 6, dtype = "f64" } }, "^mlp: argument 'weight1': expected f32 as in x, found f64"),
   bad({ x = { 5, 6, dtype = "f64" } }, "^mlp: argument 'weight1': expected f64 as in x, found f32"),
}
return list
