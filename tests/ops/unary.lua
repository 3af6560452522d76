-- Cases of the functions of single elements.
local list = {}

local function add(op, name, input, more)
   local case = { op = op, name = name, inputs = { x = input } }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

for _, op in ipairs { "neg", "abs", "relu", "exp", "sigmoid", "tanh", "silu", "sign", "floor", "ceil", "round", "sin", "cos",
   "erf", "gelu", "softplus", "hardsigmoid", "hardswish" } do
   add(op, "vector", { shape = { 37 }, scale = 3 })
   add(op, "picture", { shape = { 2, 3, 4, 5 }, scale = 3 })
end
add("relu6", "around both bends", { shape = { 3, 17 }, scale = 9 })
add("log", "positive", { shape = { 5, 7 }, scale = 0.9, shift = 1 })
add("sqrt", "positive", { shape = { 5, 7 }, scale = 0.9, shift = 1 })
add("log1p", "above -1", { shape = { 5, 7 }, scale = 0.9 })
add("log1p", "near zero", { shape = { 40 }, scale = 1e-4 }, { each = true })
add("log1p", "far out", { shape = { 40 }, scale = 1e6, shift = 1e6 }, { each = true, half = false })
for _, op in ipairs { "sign", "floor", "ceil", "round" } do
   add(op, "i64", { shape = { 6 }, dtype = "i64", low = -5, high = 5 }, { fallback = true })
end
for _, op in ipairs { "sin", "cos" } do add(op, "many turns", { shape = { 40 }, scale = 3000 }, { half = false }) end
add("erf", "near zero", { shape = { 40 }, scale = 0.01 })
add("erf", "far out", { shape = { 40 }, scale = 30 })
for _, how in ipairs { "none", "tanh" } do
   add("gelu", how, { shape = { 60 }, scale = 4 }, { attrs = { approximate = how } })
   add("gelu", how .. ", far out", { shape = { 40 }, scale = 60 }, { attrs = { approximate = how } })
   add("gelu", how .. ", more than one block", { shape = { 70001 } }, { attrs = { approximate = how }, numeric = false })
end
add("softplus", "sharp", { shape = { 60 }, scale = 30 }, { attrs = { beta = 2.5, threshold = 10 }, numeric_tolerance = 3e-6 })
add("softplus", "far out", { shape = { 40 }, scale = 90 })
add("hardsigmoid", "around both bends", { shape = { 3, 17 }, scale = 9 })
add("hardswish", "around both bends", { shape = { 3, 17 }, scale = 9 })
add("clamp", "both", { shape = { 3, 17 }, scale = 3 }, { attrs = { min = -0.5, max = 1.25 } })
add("clamp", "from below", { shape = { 2, 3, 4, 5 } }, { attrs = { min = 0.25 } })
add("clamp", "from above", { shape = { 37 } }, { attrs = { max = 0.25 } })
add("clamp", "at the lower bound", { shape = { 9 }, scale = 0, shift = -0.5 }, { attrs = { min = -0.5, max = 0.5 },
   numeric = false })
add("clamp", "at the upper bound", { shape = { 9 }, scale = 0, shift = 0.5 }, { attrs = { min = -0.5, max = 0.5 },
   numeric = false })
add("clamp", "i64", { shape = { 20 }, dtype = "i64", low = -9, high = 9 }, { attrs = { min = -2, max = 3 }, fallback = true })
add("clamp", "u8", { shape = { 20 }, dtype = "u8", low = 0, high = 255 }, { attrs = { min = 20, max = 90.5 }, fallback = true,
   golden = false }) -- PyTorch refuses a fraction there
add("exp", "far out", { shape = { 40 }, scale = 80 }, { half = false, each = true })
-- The derivative is y (1 - y) of the rounded y: near 1 it is off by half a unit of bf16 there, 2^-9.
add("sigmoid", "far out", { shape = { 40 }, scale = 100 }, { half_tolerance = 2 ^ -9 / 0.05 })
add("tanh", "near zero", { shape = { 40 }, scale = 0.01 })
add("tanh", "far out", { shape = { 40 }, scale = 20 })
add("silu", "far out", { shape = { 40 }, scale = 90 })
for _, op in ipairs { "neg", "relu", "silu", "exp" } do
   add(op, "more than one block", { shape = { 70001 } }, { numeric = false })
end
add("neg", "scalar", { shape = {} })
add("neg", "i64", { shape = { 6 }, dtype = "i64", low = -5, high = 5 }, { fallback = true })
add("abs", "i64", { shape = { 6 }, dtype = "i64", low = -5, high = 5 }, { fallback = true })

list.bad = {
   { op = "exp", inputs = { x = { shape = { 2 }, dtype = "i64", low = 1, high = 2 } },
      message = "exp: argument 'x': expected a float" },
   { op = "neg", inputs = { x = { shape = { 2 }, dtype = "u8", low = 1, high = 2 } }, message = "u8 has no negative" },
   { op = "clamp", inputs = { x = { shape = { 2 } } }, attrs = { min = 2, max = 1 },
      message = "'min' of at most 'max', found 2 and 1" },
   { op = "clamp", inputs = { x = { shape = { 2 } } }, attrs = { min = 0 / 0 },
      message = "argument 'min': expected a number, found NaN" },
   { op = "clamp", inputs = { x = { shape = { 2 }, dtype = "i64", low = 0, high = 1 } }, attrs = { max = 9007199254740993 },
      message = "argument 'max': of i64 expected less than 2^53" },
   { op = "softplus", inputs = { x = { shape = { 2 } } }, attrs = { beta = 0 },
      message = "argument 'beta': expected a number above 0" },
   { op = "gelu", inputs = { x = { shape = { 2 } } }, attrs = { approximate = "tan" }, message = "none|tanh, found 'tan'" },
   { op = "relu", args = {}, message = "relu: argument 'x' is missing" },
   { op = "relu", inputs = { x = 3 }, message = "expected a tensor, found 3" },
}
return list
