-- Cases of cumsum: each dimension of each rank, sizes around strips, blocks and parts.
local list = {}

local function add(name, shape, dim, more)
   local case = { op = "cumsum", name = name, inputs = { x = { shape = shape } }, attrs = { dim = dim } }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

for dim = 1, 4 do add("picture, dimension " .. dim, { 2, 3, 4, 5 }, dim) end
add("last of rank 5", { 2, 1, 3, 2, 3 }, -1)
for _, n in ipairs { 1, 2, 3, 31, 33, 129, 1025 } do add("a row of " .. n, { n }, 1, { numeric = n < 100 }) end
add("rows", { 40, 7 }, 2)
add("columns", { 7, 300 }, 1, { numeric = false })
add("long rows", { 3, 9000 }, 2, { numeric = false })
add("a long row", { 40000 }, 1, { numeric = false })
add("long columns", { 3000, 3 }, 1, { numeric = false })
for dim = 1, 2 do
   add("i64, dimension " .. dim, {}, dim, { inputs = { x = { shape = { 5, 7 }, dtype = "i64", low = -9,
      high = 9 } }, fallback = true })
end
add("u8 beyond 255", {}, 1, { inputs = { x = { shape = { 200 }, dtype = "u8", low = 0, high = 255 } }, fallback = true })

list.bad = {
   { op = "cumsum", inputs = { x = { shape = { 2, 3 } } }, message = "cumsum: argument 'dim' is missing" },
   { op = "cumsum", inputs = { x = { shape = { 2, 3 } } }, attrs = { dim = 3 }, message = "a dimension from 1 to 2" },
   { op = "cumsum", inputs = { x = { shape = {} } }, attrs = { dim = 1 }, message = "dimension" },
}
return list
