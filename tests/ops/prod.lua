-- Cases of prod: with and without zeros, each dimension of a picture, sizes around lanes, strips and chunks.
local list = {}

local function add(name, shape, attrs, more)
   local case = { op = "prod", name = name, inputs = { x = { shape = shape, scale = 0.3, shift = 1 } }, attrs = attrs }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

add("everything", { 2, 3, 4, 5 }, {}, { half = false }) -- out of the range of f16
add("kept", { 5, 7 }, { dim = 2, keepdim = true })
for dim = 1, 4 do add("picture, dimension " .. dim, { 2, 3, 4, 5 }, { dim = dim }) end
add("dimensions that lie apart", { 2, 3, 4, 5 }, { dim = { 2, 3 } })
for _, n in ipairs { 1, 2, 3, 31, 33 } do add("a row of " .. n, { n }, {}) end
for name, shape in pairs { rows = { 3, 17000 }, columns = { 1100, 130 } } do
   add("many " .. name, {}, { dim = name == "rows" and 2 or 1 }, { inputs = { x = { shape = shape, scale = 0.001, shift = 1 } },
      numeric = false, half = false })
end
for dim = 1, 2 do -- golden: make_ops.py has no gradients of whole numbers
   add("zeros, dimension " .. dim, {}, { dim = dim }, { inputs = { x = { shape = { 12, 12 }, low = -3, high = 8 } },
      golden = false, half = false })
   for _, dtype in ipairs { "i64", "u8" } do
      add(("%s, dimension %d"):format(dtype, dim), {}, { dim = dim }, { fallback = true,
         inputs = { x = { shape = { 5, 4 }, dtype = dtype, low = dtype == "u8" and 0 or -9, high = 9 } } })
   end
end

list.bad = {
   { op = "prod", inputs = { x = { shape = { 2, 3 } } }, attrs = { dim = 3 }, message = "a dimension from 1 to 2" },
}
return list
