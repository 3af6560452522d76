-- Cases of any and all, of whole numbers, so that 0 occurs: few of them, and many.
local list = {}

local function add(op, name, shape, attrs, more)
   local x = { shape = shape, low = -1, high = op == "any" and 0 or 3 }
   local case = { op = op, name = name, inputs = { x = x }, attrs = attrs, grad = {} }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

for _, op in ipairs { "any", "all" } do
   add(op, "everything", { 5, 7 }, {})
   add(op, "everything, kept", { 2, 3, 4, 5 }, { keepdim = true })
   add(op, "a scalar", {}, {})
   for dim = 1, 4 do add(op, "picture, dimension " .. dim, { 5, 3, 4, 2 }, { dim = dim }) end
   add(op, "of each channel", { 2, 30, 1, 2 }, { dim = { 1, 3, 4 } })
   add(op, "dimensions that lie apart", { 20, 2, 2, 5 }, { dim = { 2, 3 }, keepdim = true })
   add(op, "rows", { 40, 3 }, { dim = 2 })
   add(op, "columns", { 3, 300 }, { dim = 1 })
   for _, n in ipairs { 1, 2, 31, 33, 1025, 9000 } do
      add(op, "a row of " .. n, { n }, {}, { inputs = { x = { shape = { n }, low = 0, high = 0 } } })
      add(op, "a row of ones, " .. n, { n }, {}, { inputs = { x = { shape = { n }, low = 1, high = 1 } } })
   end
   for _, dtype in ipairs { "u8", "i64" } do
      local mask = { shape = { 40, 3 }, low = 0, high = 1, dtype = dtype }
      for _, dim in ipairs { 1, 2, { 1, 2 } } do
         local name = ("%s, %s"):format(dtype, type(dim) == "table" and "both" or dim)
         add(op, name, {}, { dim = dim }, { inputs = { x = mask }, fallback = dtype == "i64" })
      end
   end
end

list.bad = {
   { op = "any", args = { { shape = { 2, 3 } }, 1, 2 }, message = "several dimensions go into one table.*found 2" },
   { op = "any", inputs = { x = { shape = { 2, 3 } } }, attrs = { dim = 3 }, message = "expected a dimension from 1 to 2" },
   { op = "all", inputs = { x = 3 }, message = "expected a tensor, found 3" },
}
return list
