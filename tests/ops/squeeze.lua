-- Cases of squeeze and unsqueeze.
local list = {}

local function add(op, name, shape, attrs, more)
   local case = { op = op, name = name, inputs = { x = { shape = shape } }, attrs = attrs }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

add("squeeze", "all", { 2, 1, 3, 1, 1 }, {})
add("squeeze", "one", { 2, 1, 3, 1 }, { dims = { 2 } })
add("squeeze", "from the end", { 2, 3, 1 }, { dims = { -1 } })
add("squeeze", "some, of which one stays", { 1, 3, 1, 2 }, { dims = { 1, 2, 3 } })
add("squeeze", "a photo of a batch", { 1, 3, 2, 4 }, { dims = { 1 } })
add("squeeze", "one channel", { 2, 1, 3, 4 }, { dims = { 2 } })
add("squeeze", "to a scalar", { 1, 1 }, {}, { golden = false })
add("squeeze", "nothing", { 2, 3 }, {})
add("unsqueeze", "before", { 2, 3 }, { dim = 1 })
add("unsqueeze", "between", { 2, 3 }, { dim = 2 })
add("unsqueeze", "behind", { 2, 3 }, { dim = 3 })
add("unsqueeze", "from the end", { 2, 3 }, { dim = -3 })
add("unsqueeze", "a photo", { 3, 4, 5 }, { dim = 1 })
add("unsqueeze", "photos", { 2, 3, 4, 5 }, { dim = -1 })
add("unsqueeze", "a scalar", {}, { dim = 1 })

local x = { shape = { 2, 3 } }
list.bad = {
   { op = "squeeze", inputs = { x = x }, attrs = { dims = { 3 } }, message = "squeeze: argument 'dims': expected dimensions" },
   { op = "unsqueeze", inputs = { x = x }, attrs = { dim = 4 }, message = "expected 1 to 3 %(or %-1 to %-3%)" },
   { op = "unsqueeze", inputs = { x = x }, attrs = { dim = 0 }, message = "found 0" },
   { op = "unsqueeze", inputs = { x = x }, message = "argument 'dim' is missing" },
   { op = "unsqueeze", inputs = { x = { shape = { 1, 1, 1, 1, 1, 1, 1, 1 } } }, attrs = { dim = 1 },
      message = "the most there can be" },
}
return list
