-- Cases of index_select. Numbers repeat and some never occur.
local list = {}

local function add(name, shape, dim, count, more)
   local case = { op = "index_select", name = name, attrs = { dim = dim },
      inputs = { x = { shape = shape }, indices = { shape = { count }, dtype = "i64", low = 1, high = shape[dim] } } }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

add("vector", { 6 }, 1, 9)
add("rows", { 5, 4 }, 1, 3)
add("columns", { 5, 4 }, 2, 7)
add("many rows", { 40, 300 }, 1, 700, { numeric = false })
add("many columns", { 150, 60 }, 2, 300, { numeric = false })
for dim = 1, 4 do add("picture, dimension " .. dim, { 3, 4, 5, 6 }, dim, 4) end

local x = { shape = { 2, 3 } }
list.bad = {
   { op = "index_select", inputs = { x = x, indices = { shape = { 2 }, dtype = "i64", low = 4, high = 4 } },
      attrs = { dim = 2 }, message = "'indices': expected indices from 1 to 3, found 4 at position 1" },
   { op = "index_select", inputs = { x = x, indices = { shape = { 2 } } }, attrs = { dim = 2 },
      message = "expected i64, found f32" },
   { op = "index_select", inputs = { x = x, indices = { shape = { 1, 2 }, dtype = "i64", low = 1, high = 1 } },
      attrs = { dim = 2 }, message = "expected 1 dimensions" },
}
return list
