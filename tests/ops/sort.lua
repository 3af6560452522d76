-- Cases of sort, argsort, topk and median. Golden numbers are of inputs without equal numbers, of which PyTorch promises
-- nothing but for the stable sort; tests/lua/order_spec.lua has NaN, infinities and -0.
local list = {}

local function add(op, name, shape, attrs, more)
   local case = { op = op, name = name, inputs = { x = { shape = shape } }, attrs = attrs }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

-- `first` are options that the op needs besides.
local function along(op, first)
   local function with(more)
      local attrs = {}
      for _, from in ipairs { first, more or {} } do
         for key, value in pairs(from) do attrs[key] = value end
      end
      return attrs
   end
   add(op, "a vector", { 9 }, with())
   add(op, "last", { 5, 7 }, with())
   add(op, "first", { 5, 7 }, with { dim = 1 })
   for dim = 1, 4 do add(op, "picture, dimension " .. dim, { 3, 4, 5, 6 }, with { dim = dim }) end
   add(op, "rank 5", { 2, 3, 2, 3, 2 }, with { dim = 2 })
   add(op, "rank 8", { 1, 2, 2, 1, 3, 2, 1, 2 }, with { dim = -4 })
   for _, n in ipairs { 2, 3, 31, 33, 49, 1025, 5003 } do -- around a row that is short, a block, several blocks
      add(op, n .. " in a row", { 2, n }, with { dim = 2 }, { numeric = n < 100 })
   end
   add(op, "whole numbers, many of them equal", { 3, 200 }, with(), { golden = op == "sort" })
   list[#list].inputs.x = { shape = { 3, 200 }, dtype = "i64", low = -9, high = 9 }
   add(op, "bytes", { 3, 70 }, with(), { golden = op == "sort" })
   list[#list].inputs.x = { shape = { 3, 70 }, dtype = "u8", low = 0, high = 255 }
   add(op, "equal numbers", { 3, 4, 5, 6 }, with { dim = 2 }, { golden = false, numeric = false })
   list[#list].inputs.x = { shape = { 3, 4, 5, 6 }, low = -1, high = 1 }
end

along("sort", {})
along("sort", { descending = true })
for k = #list, 1, -1 do
   if list[k].attrs.descending then list[k].name = list[k].name .. ", descending" end
end
along("argsort", {})
along("topk", { k = 2 })
along("median", { dim = -1 })
for _, op in ipairs { "sort", "argsort", "median" } do
   add(op, "a scalar", {}, {})
   add(op, "one", { 1 }, { dim = 1 })
end
add("argsort", "descending", { 5, 7 }, { dim = 1, descending = true })
add("topk", "a scalar", {}, { k = 1 })
add("topk", "one", { 1 }, { k = 1 })
add("topk", "all", { 4, 6 }, { k = 4, dim = 1 })
add("topk", "the smallest", { 4, 6 }, { k = 3, dim = 1, largest = false })
add("topk", "in any order", { 3, 50 }, { k = 20, sorted = true })
add("topk", "many of many", { 2, 5003 }, { k = 700 }, { numeric = false })
add("topk", "one of many", { 2, 5003 }, { k = 1, largest = false }, { numeric = false })
add("median", "everything", { 5, 7 }, {})
add("median", "everything in a picture", { 2, 3, 4, 5 }, {})
add("median", "everything, kept", { 2, 3, 4, 5 }, { keepdim = true })
add("median", "kept", { 2, 3, 4, 5 }, { dim = 2, keepdim = true })
add("median", "much", { 5003 }, {}, { numeric = false })

local x = { shape = { 2, 3 } }
list.bad = {
   { op = "sort", inputs = { x = x }, attrs = { dim = 3 }, message = "expected a dimension from 1 to 2" },
   { op = "sort", inputs = { x = x }, attrs = { descending = 1 }, message = "'descending': expected true or false" },
   { op = "topk", inputs = { x = x }, message = "'k' is missing" },
   { op = "topk", inputs = { x = x }, attrs = { k = 4 }, message = "'k': expected 1 to 3, the size of dimension 2 of" },
   { op = "topk", inputs = { x = x }, attrs = { k = 0, dim = 1 }, message = "'k': expected 1 to 2" },
   { op = "topk", inputs = { x = { shape = {} } }, attrs = { k = 2 }, message = "'k': expected 1" },
   { op = "topk", inputs = { x = x }, attrs = { k = 1.5 }, message = "'k': expected a whole number" },
   { op = "median", inputs = { x = x }, attrs = { dim = 0 }, message = "expected a dimension from 1 to 2" },
}
return list
