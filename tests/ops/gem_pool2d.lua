-- Cases of gem_pool2d.
local list = {}

local function add(name, shape, p, attrs, more)
   local case = { op = "gem_pool2d", name = name, inputs = { x = { shape = shape, scale = 0.9, shift = 1 }, p = p },
      attrs = attrs }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

-- Exponents, at least the shift less one.
local function exponents(shape, shift)
   return { shape = shape, scale = 0.5, shift = shift }
end

add("one exponent", { 2, 7, 3, 5 }, exponents({ 1 }, 3))
add("one exponent, a scalar", { 2, 3, 4, 4 }, exponents({}, 2))
add("a number", { 2, 32, 3, 3 }, 3)
add("an exponent for each channel", { 3, 33, 2, 3 }, exponents({ 33 }, 3))
add("below 0", { 2, 8, 3, 3 }, exponents({ 8 }, -2))
add("below 1", { 2, 5, 2, 2 }, exponents({ 1 }, 0.75))
add("one channel", { 2, 1, 7, 5 }, exponents({ 1 }, 3))
add("one pixel", { 2, 65, 1, 1 }, 3, nil, { numeric_tolerance = 3e-6 })
add("many channels and pixels", { 1, 300, 17, 15 }, exponents({ 1 }, 3), nil, { numeric = false })
list[#list + 1] = { op = "gem_pool2d", name = "some below eps", inputs = { x = { shape = { 2, 9, 4, 5 } },
   p = exponents({ 1 }, 3) }, attrs = { eps = 0.125 } }
-- Their powers leave the range of float32, and their squares that of float16.
list[#list + 1] = { op = "gem_pool2d", name = "huge", inputs = { x = { shape = { 2, 9, 3, 3 }, scale = 900, shift = 1000 },
   p = exponents({ 1 }, 20) }, numeric = false }

local x = { shape = { 1, 2, 3, 3 } }
list.bad = {
   { op = "gem_pool2d", inputs = { x = { shape = { 2, 3 } }, p = 3 }, message = "'x': expected 4 dimensions" },
   { op = "gem_pool2d", inputs = { x = x, p = { shape = { 3 } } }, message = "'p': expected one number or one per ch" },
   { op = "gem_pool2d", inputs = { x = x }, message = "argument 'p' is missing %(the exponent" },
   { op = "gem_pool2d", inputs = { x = x, p = "3" }, message = "'p': expected a tensor or a number, found '3'" },
   { op = "gem_pool2d", inputs = { x = x, p = 3 }, attrs = { eps = 0 }, message = "'eps': expected a number above 0, found 0" },
}

return list
