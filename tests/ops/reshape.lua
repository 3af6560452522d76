-- Cases of reshape and flatten: into and out of rank 4, where memory order is not logical order.
local list = {}

local function add(op, name, shape, attrs, more)
   local case = { op = op, name = name, inputs = { x = { shape = shape } }, attrs = attrs }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

add("reshape", "matrix to vector", { 3, 4 }, { shape = { 12 } })
add("reshape", "one size left open", { 3, 4 }, { shape = { 2, -1 } })
add("reshape", "to a picture", { 6, 20 }, { shape = { 2, 3, 4, 5 } })
add("reshape", "picture to matrix", { 2, 3, 4, 5 }, { shape = { 2, 60 } })
add("reshape", "picture to picture", { 2, 3, 4, 5 }, { shape = { 3, 2, 5, 4 } })
add("reshape", "picture to rank 5", { 2, 3, 4, 5 }, { shape = { 2, 3, 2, 2, 5 } })
add("reshape", "one pixel", { 2, 6, 1, 1 }, { shape = { 2, 6 } })
add("reshape", "one channel", { 2, 1, 3, 4 }, { shape = { 24 } })
add("reshape", "vector to one pixel", { 6 }, { shape = { 1, 6, 1, 1 } })
add("reshape", "same shape", { 2, 3, 2, 2 }, { shape = { 2, 3, 2, 2 } })
add("reshape", "to a scalar", { 1 }, { shape = {} }, { golden = false }) -- an empty table is no list in JSON
add("reshape", "large picture", { 4, 32, 24, 24 }, { shape = { 4, -1 } }, { numeric = false })
for _, dtype in ipairs { "i64", "u8" } do
   list[#list + 1] = { op = "reshape", name = dtype, attrs = { shape = { 24 } },
      inputs = { x = { shape = { 2, 3, 2, 2 }, dtype = dtype, low = 0, high = 9 } } }
end
add("flatten", "everything", { 2, 3, 4 }, {})
add("flatten", "picture from 2", { 2, 3, 4, 5 }, { from = 2 })
add("flatten", "from the last", { 2, 3, 4 }, { from = -1 })

local x = { shape = { 2, 3 } }
list.bad = {
   { op = "reshape", inputs = { x = x }, attrs = { shape = { 4 } },
      message = "%(4%) does not hold the 6 elements of shape %(2, 3%)" },
   { op = "reshape", inputs = { x = x }, attrs = { shape = { -1, -1 } }, message = "at most one %-1" },
   { op = "reshape", inputs = { x = x }, attrs = { shape = { 0, 6 } }, message = "expected positive sizes" },
   { op = "reshape", inputs = { x = x }, attrs = { shape = { -1, 4 } }, message = "does not hold" },
   { op = "reshape", inputs = { x = x }, attrs = { shape = { 1 << 62, 1 << 62 } }, message = "expected positive sizes" },
   { op = "reshape", inputs = { x = x }, attrs = { shape = { 1.5, 4 } }, message = "expected whole numbers" },
   { op = "flatten", inputs = { x = x }, attrs = { from = 3 }, message = "dimension from 1 to 2" },
}
return list
