-- Cases of slice.
local list = {}

local function add(name, shape, attrs)
   list[#list + 1] = { op = "slice", name = name, inputs = { x = { shape = shape } }, attrs = attrs }
end

add("vector", { 9 }, { dim = 1, from = 3, to = 6 })
add("rows", { 5, 4 }, { dim = 1, from = 2, to = 3 })
add("columns", { 5, 4 }, { dim = 2, from = 2, to = 3 })
add("from the end", { 5, 4 }, { dim = -1, from = -2, to = -1 })
add("steps", { 3, 11 }, { dim = 2, from = 2, to = 10, step = 3 })
add("everything", { 3, 4 }, { dim = 1 })
for dim = 1, 4 do
   add("picture, dimension " .. dim, { 4, 5, 6, 7 }, { dim = dim, from = 2, to = 4 })
   add("picture, every second of dimension " .. dim, { 4, 5, 6, 7 }, { dim = dim, step = 2 })
end
list[#list + 1] = { op = "slice", name = "i64", inputs = { x = { shape = { 3, 5 }, dtype = "i64", low = -9, high = 9 } },
   attrs = { dim = 2, from = 2, to = 4 } }

local x = { shape = { 2, 3 } }
list.bad = {
   { op = "slice", inputs = { x = x }, attrs = { dim = 2, from = 2, to = 4 }, message = "1 <= from <= to <= 3 in dimension 2" },
   { op = "slice", inputs = { x = x }, attrs = { dim = 2, from = 3, to = 2 }, message = "found from 3 to 2" },
   { op = "slice", inputs = { x = x }, attrs = { dim = 2, from = 0 }, message = "1 <= from" },
   { op = "slice", inputs = { x = x }, attrs = { dim = 2, step = 0 }, message = "'step': expected at least 1" },
   { op = "slice", inputs = { x = x }, message = "argument 'dim' is missing" },
}
return list
