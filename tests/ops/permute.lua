-- Cases of permute and transpose.
local list = {}

local function add(op, name, input, attrs, more)
   local case = { op = op, name = name, inputs = { x = input }, attrs = attrs }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

add("permute", "matrix", { shape = { 3, 5 } }, { order = { 2, 1 } })
add("permute", "rank 3", { shape = { 2, 3, 4 } }, { order = { 3, 1, 2 } })
add("permute", "picture", { shape = { 2, 3, 4, 5 } }, { order = { 4, 2, 1, 3 } })
add("permute", "picture to channels first", { shape = { 2, 3, 4, 5 } }, { order = { 1, 4, 2, 3 } })
add("permute", "rank 5, from the end", { shape = { 2, 3, 2, 3, 2 } }, { order = { -1, 2, 4, 1, 3 } })
add("permute", "as it was", { shape = { 2, 3, 4, 5 } }, { order = { 1, 2, 3, 4 } })
add("permute", "large", { shape = { 150, 300 } }, { order = { 2, 1 } }, { numeric = false })
add("permute", "large pictures, channels first", { shape = { 2, 70, 9, 11 } }, { order = { 1, 4, 2, 3 } }, { numeric = false })
add("permute", "large pictures, channels last", { shape = { 2, 9, 11, 70 } }, { order = { 1, 3, 4, 2 } }, { numeric = false })
add("permute", "large, rank 5", { shape = { 2, 34, 3, 2, 65 } }, { order = { 3, 5, 1, 2, 4 } }, { numeric = false })
add("permute", "large u8", { shape = { 2, 33, 65 }, dtype = "u8", low = 0, high = 255 }, { order = { 1, 3, 2 } })
add("permute", "i64", { shape = { 3, 5 }, dtype = "i64", low = -9, high = 9 }, { order = { 2, 1 } })
add("permute", "u8", { shape = { 3, 5 }, dtype = "u8", low = 0, high = 9 }, { order = { 2, 1 } })
add("transpose", "matrix", { shape = { 3, 5 } }, { dim1 = 1, dim2 = 2 })
add("transpose", "picture", { shape = { 2, 3, 4, 5 } }, { dim1 = 2, dim2 = -1 })

local x = { shape = { 2, 3 } }
list.bad = {
   { op = "permute", inputs = { x = x }, attrs = { order = { 1, 1 } },
      message = "expected each dimension of shape %(2, 3%) once" },
   { op = "permute", inputs = { x = x }, attrs = { order = { 1 } }, message = "expected each dimension" },
   { op = "permute", inputs = { x = x }, attrs = { order = { 1, 3 } }, message = "expected each dimension" },
   { op = "transpose", inputs = { x = x }, attrs = { dim1 = 1, dim2 = 4 }, message = "dimension from 1 to 2" },
}
return list
