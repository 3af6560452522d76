-- Cases of layer_norm and group_norm, and of the kernel that both come down to: rows of one number, of less and more than a
-- vector, of more than a block; samples of many pixels; channels that make no whole vectors.
local cases = {}

local NEAR = { tolerance = 1e-5, reason = "the gradient of x is a difference of near equal sums" }

local function add(op, name, shape, affine, attrs, more)
   local case = { op = op, name = name, inputs = { x = { shape = shape, scale = 2, shift = 0.5 } }, attrs = attrs,
      tolerance = NEAR.tolerance, reason = NEAR.reason }
   if affine then
      case.inputs.weight = { shape = affine, scale = 0.5, shift = 1 }
      case.inputs.bias = { shape = affine }
   end
   for key, value in pairs(more or {}) do case[key] = value end
   cases[#cases + 1] = case
end

local function layer(name, shape, normalized_shape, more)
   add("layer_norm", name, shape, normalized_shape, { normalized_shape = normalized_shape }, more)
end

local function plain(name, shape, normalized_shape, more)
   add("layer_norm", name, shape, nil, { normalized_shape = normalized_shape }, more)
end

layer("rows", { 6, 10 }, { 10 })
layer("a sequence", { 2, 3, 40 }, { 40 })
layer("a vector", { 33 }, { 33 })
for _, n in ipairs { 3, 31, 1025 } do layer(("rows of %d"):format(n), { 5, n }, { n }) end
layer("rows of 2", { 5, 2 }, { 2 }, { attrs = { normalized_shape = { 2 }, eps = 0.5 } }) -- else both are 1 and -1
layer("many rows", { 700, 17 }, { 17 })
layer("many long rows", { 130, 96 }, { 96 })
layer("over two dimensions", { 4, 3, 5 }, { 3, 5 })
layer("over three of four", { 2, 3, 4, 5 }, { 3, 4, 5 })
layer("over two of four", { 2, 3, 4, 5 }, { 4, 5 })
layer("over the last of four", { 2, 3, 4, 5 }, { 5 })
layer("over all of four", { 2, 3, 4, 5 }, { 2, 3, 4, 5 })
layer("over four of five", { 2, 2, 3, 4, 5 }, { 2, 3, 4, 5 })
layer("of rank 8", { 1, 2, 1, 2, 1, 2, 3, 5 }, { 3, 5 })
layer("one row", { 1, 64 }, { 64 })
plain("no weight and bias", { 6, 18 }, { 18 })
layer("another eps", { 6, 10 }, { 10 }, { attrs = { normalized_shape = { 10 }, eps = 0.1 } })
layer("only x learns", { 6, 20 }, { 20 }, { grad = { "x" } })
layer("only weight and bias learn", { 6, 20 }, { 20 }, { grad = { "weight", "bias" } })
layer("a mean far from zero", { 4, 96 }, { 96 }, { inputs = { x = { shape = { 4, 96 }, scale = 2, shift = 100 },
   weight = { shape = { 96 }, shift = 1 }, bias = { shape = { 96 } } }, half = false,
   tolerance = 1e-4, reason = "float32 holds x to 4e-6 of its deviation here" })

-- A row of one number is its mean: the gradients of x and weight are 0, which leaves no digits to compare.
layer("rows of 1", { 5, 1 }, { 1 }, { grad = { "bias" } })

for _, shape in ipairs { { 2, 6, 3, 4 }, { 2, 1, 3, 3 }, { 1, 48, 2, 3 }, { 3, 33, 5, 7 }, { 2, 96, 9, 8 } } do
   local channels = { shape[2] }
   local grad = shape[2] == 1 and { "bias" } or nil
   add("layer_norm", ("channels of %s"):format(table.concat(shape, "x")), shape, channels,
      { normalized_shape = channels, channels = true }, { grad = grad })
end
add("layer_norm", "channels, no weight and bias", { 2, 18, 3, 4 }, nil, { normalized_shape = { 18 }, channels = true })

local function group(name, shape, groups, more)
   add("group_norm", name, shape, { shape[2] }, { num_groups = groups }, more)
end

group("pictures", { 2, 6, 3, 4 }, 3)
group("one group", { 2, 6, 3, 4 }, 1)
group("a group a channel", { 2, 5, 3, 4 }, 5)
group("many channels", { 2, 64, 5, 5 }, 8)
group("groups of 33", { 2, 66, 3, 3 }, 2)
group("many pixels", { 3, 8, 24, 25 }, 2)
group("more samples than threads", { 9, 4, 3, 3 }, 2)
group("rows", { 5, 12 }, 4)
group("sequences", { 3, 6, 7 }, 2)
group("volumes", { 2, 4, 2, 3, 3 }, 2)
add("group_norm", "no weight and bias", { 2, 6, 3, 4 }, nil, { num_groups = 2 })
group("only x learns", { 2, 16, 3, 3 }, 4, { grad = { "x" } })
group("only weight and bias learn", { 2, 16, 3, 3 }, 4, { grad = { "weight", "bias" } })
group("a mean far from zero", { 2, 4, 8, 8 }, 2, { inputs = { x = { shape = { 2, 4, 8, 8 }, scale = 2, shift = 100 },
   weight = { shape = { 4 }, shift = 1 }, bias = { shape = { 4 } } }, half = false,
   tolerance = 1e-4, reason = "float32 holds x to 4e-6 of its deviation here" })

add("grouped_norm", "pictures", { 2, 6, 3, 4 }, { 6 }, { groups = 2 })
add("grouped_norm", "each pixel", { 2, 12, 3, 4 }, { 12 }, { groups = 3, per_pixel = true })

local x, pictures = { shape = { 2, 3, 10 } }, { shape = { 2, 6, 4, 4 } }
local whole = { shape = { 2, 6 }, dtype = "i64", low = 1, high = 9 }
cases.bad = {
   { op = "layer_norm", inputs = { x = x }, message = "argument 'normalized_shape' is missing" },
   { op = "layer_norm", inputs = { x = x }, attrs = { normalized_shape = "10" },
      message = "'normalized_shape': expected whole numbers, or a table of them, found '10'" },
   { op = "layer_norm", args = { x, 10, 2.5 }, message = "'normalized_shape': expected whole numbers, found 2.5" },
   { op = "layer_norm", args = { x, 10, "weight" }, message = "'weight': expected a tensor, found 'weight'" },
   { op = "layer_norm", inputs = { x = x }, attrs = { normalized_shape = {} }, message = "at least one size, found none" },
   { op = "layer_norm", inputs = { x = x }, attrs = { normalized_shape = { 3 } },
      message = "'x': expected a shape that ends with normalized_shape %(3%), found %(2, 3, 10%)$" },
   { op = "layer_norm", inputs = { x = x }, attrs = { normalized_shape = { 4, 2, 3, 10 } }, message = "ends with" },
   { op = "layer_norm", inputs = { x = pictures }, attrs = { normalized_shape = { 6 } },
      message = "found %(2, 6, 4, 4%); over its channels: channels = true, or nn.LayerNorm2d" },
   { op = "layer_norm", inputs = { x = x }, attrs = { normalized_shape = { 3 }, channels = true },
      message = "with channels: expected x %(N, C, H, W%) and the normalized_shape %(C%), found x %(2, 3, 10%) and %(3%)" },
   { op = "layer_norm", inputs = { x = pictures }, attrs = { normalized_shape = { 4 }, channels = true },
      message = "found x %(2, 6, 4, 4%) and %(4%)" },
   { op = "layer_norm", inputs = { x = x, weight = { shape = { 3 } } }, attrs = { normalized_shape = { 10 } },
      message = "'weight': expected shape %(10%), the normalized_shape, found %(3%)" },
   { op = "layer_norm", inputs = { x = x, bias = { shape = { 1, 10 } } }, attrs = { normalized_shape = { 10 } },
      message = "'bias': expected shape %(10%), the normalized_shape, found %(1, 10%)" },
   { op = "layer_norm", inputs = { x = x }, attrs = { normalized_shape = { 10 }, eps = -1 },
      message = "layer_norm: argument 'eps': expected a number of at least 0, found %-1" },
   { op = "layer_norm", inputs = { x = x, bias = { shape = { 10 }, dtype = "f64" } }, attrs = { normalized_shape = { 10 } },
      message = "^layer_norm: argument 'bias': expected f32 beside x of f32, found f64" },
   { op = "layer_norm", inputs = { x = whole }, attrs = { normalized_shape = { 6 } }, message = "'x': expected a float" },
   { op = "group_norm", inputs = { x = pictures }, message = "argument 'num_groups' is missing" },
   { op = "group_norm", inputs = { x = pictures }, attrs = { num_groups = 4 },
      message = "'num_groups': expected a divisor of the 6 channels, found 4" },
   { op = "group_norm", inputs = { x = pictures }, attrs = { num_groups = 0 }, message = "found 0" },
   { op = "group_norm", inputs = { x = { shape = { 6 } } }, attrs = { num_groups = 2 },
      message = "'x': expected %(N, C, ...%), found shape %(6%)" },
   { op = "group_norm", inputs = { x = pictures, weight = { shape = { 2 } } }, attrs = { num_groups = 2 },
      message = "'weight': expected shape %(6%), one per channel of x, found %(2%)" },
   { op = "group_norm", inputs = { x = whole }, attrs = { num_groups = 2 }, message = "'x': expected a float" },
   { op = "grouped_norm", inputs = { x = x }, message = "expected 2 or 4 dimensions" },
   { op = "grouped_norm", inputs = { x = pictures, bias = { shape = { 2 } } }, message = "'bias': expected shape %(6%)" },
   { op = "grouped_norm", inputs = { x = pictures }, attrs = { groups = 5 }, message = "a divisor of the 6 channels" },
}

return cases
