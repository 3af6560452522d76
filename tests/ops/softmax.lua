-- Cases of softmax and log_softmax.
local list = {}

for _, op in ipairs { "softmax", "log_softmax" } do
   local function add(name, input, attrs, more)
      local case = { op = op, name = name, inputs = { x = input }, attrs = attrs }
      for key, value in pairs(more or {}) do case[key] = value end
      list[#list + 1] = case
   end
   add("last dimension", { shape = { 4, 10 }, scale = 3 }, {})
   add("first dimension", { shape = { 4, 10 }, scale = 3 }, { dim = 1 })
   add("vector", { shape = { 7 }, scale = 3 }, { dim = -1 })
   for dim = 1, 4 do add("picture, dimension " .. dim, { shape = { 2, 3, 4, 5 }, scale = 2 }, { dim = dim }) end
   -- Numbers lie 1/4 apart in f16, and softmax is flat here: differences see nothing of a gradient of 1e-28.
   add("large numbers", { shape = { 3, 6 }, scale = 300 }, { dim = 2 }, { half = false, numeric = op == "log_softmax" })
   add("many classes", { shape = { 9, 1000 }, scale = 4 }, { dim = 2 }, { numeric = false })
   add("one very long row", { shape = { 66000 }, scale = 2 }, {}, { numeric = false })
   add("wide rows that are spread", { shape = { 3, 70, 40 }, scale = 4 }, { dim = 2 }, { numeric = false })
   add("long rows that are spread", { shape = { 1100, 3 }, scale = 4 }, { dim = 1 }, { numeric = false, fallback = true })
end

list.bad = {
   { op = "softmax", inputs = { x = { shape = {} } }, message = "expected at least 1 dimension" },
   { op = "softmax", inputs = { x = { shape = { 2 }, dtype = "i64", low = 1, high = 2 } }, message = "expected a floating" },
   { op = "log_softmax", inputs = { x = { shape = { 2, 2 } } }, attrs = { dim = 3 }, message = "dimension from 1 to 2" },
}
return list
