-- Cases of concat.
local list = {}

local function add(name, shapes, attrs, more)
   local tensors = {}
   for i, shape in ipairs(shapes) do tensors[i] = { shape = shape } end
   local case = { op = "concat", name = name, inputs = { tensors = tensors }, attrs = attrs }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

add("vectors", { { 3 }, { 5 }, { 1 } }, {})
add("rows", { { 2, 4 }, { 3, 4 } }, { dim = 1 })
add("columns", { { 3, 2 }, { 3, 4 } }, { dim = -1 })
add("pictures", { { 2, 3, 4, 5 }, { 1, 3, 4, 5 } }, { dim = 1 })
add("channels", { { 2, 3, 4, 5 }, { 2, 1, 4, 5 }, { 2, 4, 4, 5 } }, { dim = 2 })
add("lines", { { 2, 3, 4, 5 }, { 2, 3, 2, 5 } }, { dim = 3 })
add("pixels", { { 2, 3, 4, 5 }, { 2, 3, 4, 1 } }, { dim = 4 })
add("one alone", { { 2, 3 } }, { dim = 2 })
list[#list + 1] = { op = "concat", name = "i64", attrs = {}, inputs = { tensors = {
   { shape = { 3 }, dtype = "i64", low = 1, high = 9 }, { shape = { 2 }, dtype = "i64", low = 1, high = 9 } } } }

list.bad = {
   { op = "concat", inputs = { tensors = { { shape = { 2, 3 } }, { shape = { 2, 4 } } } }, attrs = { dim = 1 },
      message = "number 2 has shape %(2, 4%), which differs from %(2, 3%) outside of dimension 1" },
   { op = "concat", inputs = { tensors = { { shape = { 2, 3 } }, { shape = { 2 } } } }, message = "number 2 has shape %(2%)" },
   { op = "concat", inputs = { tensors = { { shape = {} }, { shape = {} } } }, message = "no dimension to grow in" },
   { op = "concat", inputs = { tensors = { 1, 2 } }, message = "expected a tensor, found 1" },
   { op = "concat", args = {}, message = "argument 'tensors' is missing" },
}
return list
