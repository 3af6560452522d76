-- Cases of norm: every kind of p, over each dimension of a picture, sizes around lanes, strips, chunks and blocks.
local list = {}

local function add(name, shape, attrs, more)
   local case = { op = "norm", name = name, inputs = { x = { shape = shape } }, attrs = attrs }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

-- Away from 0, where negative powers have no slope worth a difference.
local function positive(p) return p < 1 and { inputs = { x = { shape = { 4, 6 }, scale = 0.4, shift = 1 } } } or nil end

for _, p in ipairs { 0, 0.5, 1, 1.5, 2, 3, -1, -2.5, 1 / 0, -1 / 0 } do
   add(("p = %g"):format(p), { 4, 6 }, { p = p }, positive(p))
   add(("p = %g, rows"):format(p), { 4, 6 }, { p = p, dim = 2, keepdim = true }, positive(p))
   add(("p = %g, columns"):format(p), { 4, 6 }, { p = p, dim = 1 }, positive(p))
   add(("p = %g, of several chunks"):format(p), { 16500 }, { p = p }, { numeric = false, half = false,
      inputs = { x = { shape = { 16500 }, scale = 0.4, shift = 1 } } })
   add(("p = %g, columns of several chunks"):format(p), { 1100, 3 }, { p = p, dim = 1 }, { numeric = false, half = false,
      inputs = { x = { shape = { 1100, 3 }, scale = 0.4, shift = 1 } } })
   add(("p = %g, the same magnitudes"):format(p), { 40 }, { p = p }, { numeric = false, golden = false,
      inputs = { x = { shape = { 40, 3 }, low = p > 0 and -2 or 1, high = 2 } } })
end
add("everything", { 2, 3, 4, 5 }, {})
for dim = 1, 4 do add("picture, dimension " .. dim, { 2, 3, 4, 5 }, { dim = dim }) end
add("of each channel", { 2, 3, 4, 5 }, { p = 2, dim = { 1, 3, 4 } })
add("dimensions that lie apart", { 2, 3, 4, 5 }, { p = 3, dim = { 2, 3 } })
for _, n in ipairs { 1, 2, 3, 31, 33, 1025 } do add("a row of " .. n, { n }, {}, { numeric = n < 100 }) end
add("many columns", { 9, 300 }, { dim = 1 }, { numeric = false })

local x = { shape = { 2, 3 } }
list.bad = {
   { op = "norm", inputs = { x = x }, attrs = { p = "fro" }, message = "'p': expected a number, found 'fro'" },
   { op = "norm", inputs = { x = x }, attrs = { p = 0 / 0 }, message = "'p': expected a number, found NaN" },
   { op = "norm", inputs = { x = x }, attrs = { dim = { 1, 1 } }, message = "dimension 1 is given twice" },
   { op = "norm", inputs = { x = { shape = { 2 }, dtype = "u8", low = 1, high = 2 } }, message = "expected a floating" },
}
return list
