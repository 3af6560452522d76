-- Cases of cdist.
local list = {}

local function add(name, x1, x2, attrs, more)
   local case = { op = "cdist", name = name, inputs = { x1 = { shape = x1 }, x2 = { shape = x2 } }, attrs = attrs,
      half_fallback = true }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

add("few", { 3, 5 }, { 4, 5 })
add("one of each", { 1, 1 }, { 1, 1 })
add("by products", { 17, 33 }, { 31, 33 })
add("by products, long", { 16, 1025 }, { 18, 1025 }, nil, { numeric = false })
add("batches", { 2, 3, 7 }, { 2, 4, 7 })
add("batches, one for all", { 3, 17, 18 }, { 19, 18 })
add("one against a batch", { 1, 2, 5 }, { 3, 4, 5 })
for _, p in ipairs { 1, 3, 1.5, math.huge } do
   add(("p = %g"):format(p), { 5, 33 }, { 4, 33 }, { p = p })
   add(("p = %g, batches"):format(p), { 2, 3, 4 }, { 5, 4 }, { p = p })
end
-- Far from zero, near each other: products alone would leave nothing of the distances. A step of the numeric gradient is no
-- small part of them.
list[#list + 1] = { op = "cdist", name = "near, far from zero", inputs = { x1 = { shape = { 18, 20 }, shift = 100 },
   x2 = { shape = { 17, 20 }, shift = 100 } }, half = false }
list[#list + 1] = { op = "cdist", name = "some near", inputs = { x1 = { shape = { 40, 16 }, scale = 0.15, shift = 1 },
   x2 = { shape = { 30, 16 }, scale = 0.5, shift = 1 } }, half_fallback = true, half_tolerance = 2 ^ -6 }

list.bad = {
   { op = "cdist", args = { { shape = { 3 } }, { shape = { 2, 3 } } }, message = "'x1': expected points of shape" },
   { op = "cdist", args = { { shape = { 2, 3 } }, { shape = { 1, 1, 2, 3 } } }, message = "'x2': expected points of shape" },
   { op = "cdist", args = { { shape = { 2, 3 } }, { shape = { 2, 4 } } }, message = "'x2': expected points of size 3" },
   { op = "cdist", args = { { shape = { 2, 2, 3 } }, { shape = { 3, 2, 3 } } }, message = "'x2': expected a batch of 2 as in" },
   { op = "cdist", args = { { shape = { 2, 3 } }, { shape = { 2, 3 } } }, attrs = { p = 0 }, message = "'p': expected a n" },
   { op = "cdist", args = { { shape = { 2, 3 }, dtype = "i64", low = 1, high = 3 }, { shape = { 2, 3 }, dtype = "i64", low = 1,
      high = 3 } }, message = "'x1': expected a float" },
}

return list
