-- Cases of comparisons. Whole numbers, so that equality occurs.
local list = {}
local whole = { low = -2, high = 2 }

local function spec(shape, dtype)
   return { shape = shape, dtype = dtype, low = whole.low, high = whole.high }
end

for _, op in ipairs { "eq", "ne", "lt", "le", "gt", "ge" } do
   list[#list + 1] = { op = op, name = "equal shapes", inputs = { a = spec { 4, 9 }, b = spec { 4, 9 } }, grad = {} }
   list[#list + 1] = { op = op, name = "a number", inputs = { a = spec { 30 }, b = 1 }, grad = {} }
   list[#list + 1] = { op = op, name = "by channel", inputs = { a = spec { 2, 3, 4, 5 }, b = spec { 3, 1, 1 } }, grad = {} }
end
list[#list + 1] = { op = "eq", name = "i64", inputs = { a = spec({ 20 }, "i64"), b = spec({ 20 }, "i64") }, fallback = true }

list.bad = {
   { op = "lt", inputs = { a = spec { 2, 3 }, b = spec { 3, 2 } }, message = "do not broadcast" },
}
return list
