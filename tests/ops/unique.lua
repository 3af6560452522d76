-- Cases of unique. NaN and -0 are in tests/lua/order_spec.lua.
local list = {}

local function add(name, x, attrs) list[#list + 1] = { op = "unique", name = name, inputs = { x = x }, attrs = attrs } end

local ALL = { return_inverse = true, return_counts = true }

for _, dtype in ipairs { "i64", "u8" } do
   local function whole(shape, high) return { shape = shape, dtype = dtype, low = 1, high = high } end
   add(dtype, whole({ 40 }, 9), {})
   add(dtype .. " with inverse", whole({ 5, 8 }, 9), { return_inverse = true })
   add(dtype .. " with counts", whole({ 5, 8 }, 9), { return_counts = true })
   add(dtype .. " of a picture", whole({ 2, 3, 4, 5 }, 30), ALL)
   add(dtype .. ", a scalar", whole({}, 9), ALL)
   add(dtype .. ", one value", whole({ 100 }, 1), ALL)
   for _, n in ipairs { 2, 3, 31, 33, 49, 1025, 5003 } do add(dtype .. ", " .. n, whole({ n }, 200), ALL) end
end
add("i64, many values", { shape = { 5003 }, dtype = "i64", low = -99999, high = 99999 }, ALL)
add("fractions", { shape = { 3, 1025 } }, ALL)

list.bad = {
   { op = "unique", inputs = { x = { shape = { 2 } } }, attrs = { return_counts = 1 }, message = "expected true or false" },
   { op = "unique", inputs = { x = { shape = { 2 } } }, attrs = { inverse = true },
      message = "unknown argument 'inverse'.*'return_inverse'" },
}
return list
