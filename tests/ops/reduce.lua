-- Cases of reductions over each dimension of each rank, which is where memory orders show.
local list = {}

local function add(op, name, input, attrs, more)
   local case = { op = op, name = name, inputs = { x = input }, attrs = attrs }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

for _, op in ipairs { "sum", "mean", "max", "min", "argmax", "argmin" } do
   add(op, "everything", { shape = { 5, 7 } }, {})
   add(op, "everything in a picture", { shape = { 2, 3, 4, 5 } }, {})
   add(op, "everything, kept", { shape = { 2, 3, 4, 5 } }, { keepdim = true })
   add(op, "first", { shape = { 5, 7 } }, { dim = 1 })
   add(op, "last", { shape = { 5, 7 } }, { dim = -1 })
   add(op, "last, kept", { shape = { 5, 7 } }, { dim = 2, keepdim = true })
   for dim = 1, 4 do
      add(op, "picture, dimension " .. dim, { shape = { 2, 3, 4, 5 } }, { dim = dim })
      add(op, "picture, dimension " .. dim .. " kept", { shape = { 2, 3, 4, 5 } }, { dim = dim, keepdim = true })
   end
   add(op, "rank 5 to 4", { shape = { 2, 3, 2, 3, 2 } }, { dim = 3 })
   add(op, "a vector", { shape = { 9 } }, { dim = 1 })
   add(op, "a scalar", { shape = {} }, {})
   add(op, "wide", { shape = { 3, 5, 300 } }, { dim = 2 }, { numeric = false })
end
-- Several dimensions: side by side in memory (as the height and width of a picture are) or not.
for _, op in ipairs { "sum", "mean", "max", "min" } do
   for _, dims in ipairs { { 3, 4 }, { 1, 3, 4 }, { -1, 2 }, { 1, 2 }, { 2, 3 }, { 1, 4 }, { 1, 2, 3, 4 } } do
      add(op, "picture, dimensions " .. table.concat(dims, " and "), { shape = { 2, 3, 4, 5 } }, { dim = dims })
   end
   add(op, "picture, two kept", { shape = { 2, 3, 4, 5 } }, { dim = { 2, 4 }, keepdim = true })
   add(op, "one in a list", { shape = { 5, 7 } }, { dim = { -1 } })
   add(op, "every other of eight", { shape = { 2, 3, 1, 2, 2, 3, 1, 2 } }, { dim = { 2, 4, 6, 8 } })
   add(op, "of size 1", { shape = { 3, 1, 4 } }, { dim = 2 })
end
for _, op in ipairs { "sum", "mean" } do
   add(op, "many", { shape = { 5, 20011 }, shift = 1 }, {}, { numeric = false, half = false }) -- out of the range of f16
   add(op, "many rows", { shape = { 7001, 6 }, shift = 1 }, { dim = 2 }, { numeric = false })
   add(op, "many columns", { shape = { 9, 7001 }, shift = 1 }, { dim = 1 }, { numeric = false })
end
add("sum", "i64", { shape = { 3, 4 }, dtype = "i64", low = -9, high = 9 }, { dim = 1 }, { fallback = true })
add("sum", "u8 beyond 255", { shape = { 100 }, dtype = "u8", low = 100, high = 255 }, {}, { fallback = true })
add("max", "i64", { shape = { 3, 4 }, dtype = "i64", low = -99, high = 99 }, { dim = 2 }, { fallback = true })
add("argmax", "the first of equal ones", { shape = { 2, 50 }, dtype = "i64", low = 1, high = 3 }, { dim = 2 },
   { fallback = true })

for _, op in ipairs { "max", "min", "argmax", "argmin" } do -- golden: PyTorch promises nothing of equal entries
   for dim = 1, 2 do
      add(op, "equal numbers, dimension " .. dim, { shape = { 9, 12 }, low = 1, high = 3 }, { dim = dim },
         { golden = false, numeric = false })
   end
end

list.bad = {
   { op = "sum", inputs = { x = { shape = { 2, 3 } } }, attrs = { dim = 3 }, message = "expected a dimension from 1 to 2" },
   { op = "sum", inputs = { x = { shape = { 2, 3 } } }, attrs = { dim = 0 }, message = "expected a dimension from 1 to 2" },
   { op = "sum", inputs = { x = { shape = { 2, 3 } } }, attrs = { dim = { 1, -2 } }, message = "dimension 1 is given twice" },
   { op = "sum", inputs = { x = { shape = { 2, 3 } } }, attrs = { dim = {} }, message = "'dim': expected at least one" },
   { op = "sum", inputs = { x = { shape = { 2, 3 } } }, attrs = { dim = "1" }, message = "a dimension or a table of" },
   { op = "max", inputs = { x = { shape = { 2, 3 } } }, attrs = { dim = { 1, 3 } }, message = "a dimension from 1 to 2" },
   { op = "argmax", inputs = { x = { shape = { 2, 3 } } }, attrs = { dim = { 1, 2 } }, message = "a dimension, found" },
   { op = "mean", inputs = { x = { shape = { 2 }, dtype = "i64", low = 1, high = 2 } }, message = "expected a floating" },
   { op = "max", inputs = { x = { shape = { 2 } } }, attrs = { keepdim = 1 }, message = "expected true or false" },
}
return list
