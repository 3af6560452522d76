-- Cases of multinomial. PyTorch draws other numbers; how often each is drawn is in tests/lua/draw_spec.lua.
local list = {}

local function add(name, shape, attrs)
   list[#list + 1] = { op = "multinomial", name = name, attrs = attrs, golden = false,
      inputs = { x = { shape = shape, scale = 0.5, shift = 0.5 } } }
end

for _, n in ipairs { 1, 2, 3, 31, 33, 255, 257, 1025, 5003 } do
   add(n .. " with replacement", { 2, n }, { num_samples = 7, replacement = true })
   add(n .. " without", { 2, n }, { num_samples = math.min(n, 7) })
   add("all of " .. n, { n }, { num_samples = n })
end
add("many rows", { 300, 5 }, { num_samples = 3 })
add("many rows with replacement", { 300, 5 }, { num_samples = 30, replacement = true })

local x = { shape = { 2, 3 }, low = 1, high = 2 }
local function refuse(input, attrs, message)
   list.bad[#list.bad + 1] = { op = "multinomial", inputs = { x = input }, attrs = attrs, message = message }
end
list.bad = {}
refuse(x, {}, "'num_samples' is missing")
refuse(x, { num_samples = 0 }, "'num_samples': expected at least 1, found 0")
refuse(x, { num_samples = 4 }, "'num_samples': expected at most 3.*found 4; with replacement there may be more")
refuse({ shape = { 2 }, dtype = "i64", low = 1, high = 2 }, { num_samples = 1 }, "expected a floating")
refuse({ shape = {} }, { num_samples = 1 }, "expected %(C%) or %(N, C%), found %(%)")
refuse({ shape = { 1, 2, 3 } }, { num_samples = 1 }, "expected %(C%) or %(N, C%), found %(1, 2, 3%)")
refuse({ shape = { 2, 3 }, low = -1, high = -1 }, { num_samples = 1 },
   "expected weights from 0, found %-1 at position 1 of row 1")
refuse({ shape = { 2, 3 }, low = 0, high = 0 }, { num_samples = 1 }, "the weights of row 1 are all 0")
return list
