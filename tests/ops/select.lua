-- Cases of select.
local list = {}

local function add(name, shape, attrs)
   list[#list + 1] = { op = "select", name = name, inputs = { x = { shape = shape } }, attrs = attrs }
end

add("of a vector", { 5 }, { dim = 1, index = 4 })
add("a row", { 4, 5 }, { dim = 1, index = 2 })
add("a column", { 4, 5 }, { dim = 2, index = -1 })
for dim = 1, 4 do add("picture, dimension " .. dim, { 3, 4, 5, 6 }, { dim = dim, index = 2 }) end
add("rank 5 to a picture", { 2, 3, 2, 3, 2 }, { dim = 2, index = 3 })

local x = { shape = { 2, 3 } }
list.bad = {
   { op = "select", inputs = { x = x }, attrs = { dim = 2, index = 4 }, message = "expected 1 to 3 in dimension 2 .* found 4" },
   { op = "select", inputs = { x = x }, attrs = { dim = 2, index = 0 }, message = "expected 1 to 3" },
   { op = "select", inputs = { x = x }, attrs = { dim = 3, index = 1 }, message = "dimension from 1 to 2" },
}
return list
