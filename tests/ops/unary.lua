-- Cases of the functions of single elements.
local list = {}

local function add(op, name, input, more)
   local case = { op = op, name = name, inputs = { x = input } }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

for _, op in ipairs { "neg", "abs", "relu", "exp", "sigmoid", "tanh", "silu" } do
   add(op, "vector", { shape = { 37 }, scale = 3 })
   add(op, "picture", { shape = { 2, 3, 4, 5 }, scale = 3 })
end
add("relu6", "around both bends", { shape = { 3, 17 }, scale = 9 })
add("log", "positive", { shape = { 5, 7 }, scale = 0.9, shift = 1 })
add("sqrt", "positive", { shape = { 5, 7 }, scale = 0.9, shift = 1 })
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
   { op = "relu", args = {}, message = "relu: argument 'x' is missing" },
   { op = "relu", inputs = { x = 3 }, message = "expected a tensor, found 3" },
}
return list
