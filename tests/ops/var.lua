-- Cases of var and std: every dimension of a picture, sizes around lanes, strips, chunks and blocks.
local list = {}

local function add(op, name, shape, attrs, more)
   local case = { op = op, name = name, inputs = { x = { shape = shape, shift = 1 } }, attrs = attrs }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

for _, op in ipairs { "var", "std" } do
   add(op, "everything", { 5, 7 }, {})
   add(op, "everything, kept", { 2, 3, 4, 5 }, { keepdim = true })
   add(op, "not corrected", { 5, 7 }, { dim = 2, correction = 0 })
   add(op, "corrected by a half", { 5, 7 }, { dim = 1, correction = 0.5, keepdim = true })
   for dim = 1, 4 do add(op, "picture, dimension " .. dim, { 2, 3, 4, 5 }, { dim = dim }) end
   add(op, "of each channel", { 2, 3, 4, 5 }, { dim = { 1, 3, 4 } })
   add(op, "of each photo", { 2, 3, 4, 5 }, { dim = { 2, 3, 4 }, keepdim = true })
   add(op, "dimensions that lie apart", { 2, 3, 4, 5 }, { dim = { 2, 3 } })
   add(op, "one element, not corrected", { 3, 1 }, { dim = 2, correction = 0 }, { grad = {} })
   for _, n in ipairs { 2, 3, 16, 31, 33 } do add(op, "a row of " .. n, { n }, {}, { numeric_tolerance = 3e-6 }) end
   add(op, "rows of 1025", { 3, 1025 }, { dim = 2 }, { numeric = false })
   add(op, "columns of 1025", { 1025, 130 }, { dim = 1 }, { numeric = false })
   add(op, "many", { 33000 }, {}, { numeric = false, half = false }) -- gradients too small for f16
   -- Gradients are of the mean rounded to float32, which is as far off as the last bits of the elements.
   list[#list + 1] = { op = op, name = "a large mean", inputs = { x = { shape = { 2, 3000 }, shift = 4096 } },
      attrs = { dim = 2 }, grad = {}, half = false }
   list[#list + 1] = { op = op, name = "a large mean, columns", inputs = { x = { shape = { 3000, 8 }, shift = 4096 } },
      attrs = { dim = 1 }, grad = {}, half = false }
end

local x = { shape = { 2, 3 } }
list.bad = {
   { op = "std", inputs = { x = x }, attrs = { dim = 3 }, message = "expected a dimension from 1 to 2" },
   { op = "std", inputs = { x = x }, attrs = { correction = -1 }, message = "'correction': expected a number of at least 0" },
   { op = "std", inputs = { x = x }, attrs = { unbiased = false }, message = "unknown argument 'unbiased'.*'correction'" },
   { op = "var", inputs = { x = x }, attrs = { correction = false }, message = "'correction': expected a number, found false" },
   { op = "var", inputs = { x = { shape = { 2 }, dtype = "i64", low = 1, high = 2 } }, message = "expected a floating" },
}
return list
