-- Cases of logsumexp: each dimension of a picture, sizes around lanes, strips, chunks and blocks, numbers that overflow.
local list = {}

local function add(name, shape, attrs, more)
   local case = { op = "logsumexp", name = name, inputs = { x = { shape = shape, scale = 3 } }, attrs = attrs }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

add("everything", { 5, 7 }, {})
add("everything in a picture, kept", { 2, 3, 4, 5 }, { keepdim = true })
add("rows", { 5, 7 }, { dim = -1 })
for dim = 1, 4 do add("picture, dimension " .. dim, { 2, 3, 4, 5 }, { dim = dim, keepdim = dim % 2 == 0 }) end
add("of each channel", { 2, 3, 4, 5 }, { dim = { 1, 3, 4 } })
add("dimensions that lie apart", { 2, 3, 4, 5 }, { dim = { 2, 3 } })
for _, n in ipairs { 1, 2, 3, 16, 31, 33 } do add("a row of " .. n, { n }, {}) end
add("rows of 1025", { 3, 1025 }, { dim = 2 }, { numeric = false, half = false }) -- gradients too small for f16
add("columns of 1025", { 1025, 130 }, { dim = 1 }, { numeric = false, half = false })
add("many", { 33000 }, {}, { numeric = false, half = false })
for name, dim in pairs { rows = 2, columns = 1 } do
   add("large numbers, " .. name, {}, { dim = dim }, { inputs = { x = { shape = { 8, 8 }, scale = 900 } }, half = false,
      numeric = false })
end

list.bad = {
   { op = "logsumexp", inputs = { x = { shape = { 2, 3 } } }, attrs = { dim = 3 }, message = "a dimension from 1 to 2" },
   { op = "logsumexp", inputs = { x = { shape = { 2 }, dtype = "i64", low = 1, high = 2 } }, message = "expected a floating" },
}
return list
