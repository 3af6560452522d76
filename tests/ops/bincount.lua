-- Cases of bincount.
local list = {}

local function add(name, x, attrs, weighted, more)
   local case = { op = "bincount", name = name, attrs = attrs, inputs = { x = x, weights = weighted and { shape = x.shape } } }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

for _, dtype in ipairs { "i64", "u8" } do
   for _, weighted in ipairs { false, true } do
      local of = weighted and ", weighted" or ""
      local function classes(high, ...) return { shape = { ... }, dtype = dtype, low = 1, high = high } end
      local converted = weighted and { half_fallback = true } or nil -- halves are added in f32
      add(dtype .. of, classes(5, 40), {}, weighted, converted)
      add(dtype .. " of a picture" .. of, classes(5, 2, 3, 4, 5), {}, weighted, converted)
      add(dtype .. " of one" .. of, classes(5, 1), {}, weighted, converted)
      add(dtype .. " with more classes" .. of, classes(5, 40), { minlength = 9 }, weighted, converted)
      add(dtype .. " with fewer classes" .. of, classes(5, 40), { minlength = 2 }, weighted, converted)
      add(dtype .. ", many" .. of, classes(200, 5003), {}, weighted, converted)
   end
end

local x = { shape = { 3 }, dtype = "i64", low = 1, high = 4 }
list.bad = {
   { op = "bincount", inputs = { x = { shape = { 3 } } }, message = "'x': expected i64 or u8, found f32; convert it" },
   { op = "bincount", inputs = { x = { shape = { 3 }, dtype = "i64", low = 0, high = 0 } },
      message = "'x': expected numbers from 1, found 0" },
   { op = "bincount", inputs = { x = { shape = { 3 }, dtype = "i64", low = -4, high = -4 } },
      message = "'x': expected numbers from 1, found %-4" },
   { op = "bincount", inputs = { x = x }, attrs = { minlength = -1 },
      message = "'minlength': expected at least 0, found %-1" },
   { op = "bincount", inputs = { x = x, weights = { shape = { 2 } } },
      message = "'weights': expected %(3%), the shape of 'x'" },
   { op = "bincount", inputs = { x = x, weights = x }, message = "'weights': expected a floating" },
}
return list
