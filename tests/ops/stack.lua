-- Cases of stack.
local list = {}

local function add(name, count, shape, attrs, more)
   local tensors = {}
   for i = 1, count do tensors[i] = { shape = shape } end
   local case = { op = "stack", name = name, inputs = { tensors = tensors }, attrs = attrs }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

add("vectors", 3, { 4 }, {})
add("columns", 3, { 4 }, { dim = 2 })
add("behind", 2, { 2, 3 }, { dim = -1 })
add("between", 2, { 2, 3 }, { dim = 2 })
add("one alone", 1, { 2, 3 }, {})
add("scalars", 3, {}, {})
for dim = 1, 4 do add("to pictures, dimension " .. dim, 2, { 3, 4, 5 }, { dim = dim }) end
add("pictures", 2, { 2, 3, 2, 4 }, { dim = 3 })
add("large pictures", 3, { 16, 33, 40 }, {}, { numeric = false })
add("many", 70, { 5, 3 }, { dim = 2 }, { numeric = false })
list[#list + 1] = { op = "stack", name = "u8", attrs = { dim = 2 }, inputs = { tensors = {
   { shape = { 3 }, dtype = "u8", low = 0, high = 9 }, { shape = { 3 }, dtype = "u8", low = 0, high = 9 } } } }

local function bad(a, b, dim, message)
   return { op = "stack", inputs = { tensors = { { shape = a }, { shape = b } } }, attrs = { dim = dim }, message = message }
end

list.bad = {
   bad({ 2, 3 }, { 3, 2 }, 1, "number 2 has shape %(3, 2%), the first one %(2, 3%)"),
   bad({ 2, 3 }, { 2, 3 }, 4, "expected 1 to 3 %(or %-1 to %-3%) for shape %(2, 3%), found 4"),
   bad({ 2, 3 }, { 2, 3 }, 0, "found 0"),
   bad({ 1, 1, 1, 1, 1, 1, 1, 1 }, { 1, 1, 1, 1, 1, 1, 1, 1 }, 1, "the most there can be"),
   { op = "stack", args = {}, message = "argument 'tensors' is missing" },
}
return list
