-- Cases of normalize_photos.
local list = {}

local MEAN = { scale = 0.1, shift = 0.45 }
local STD = { scale = 0.02, shift = 0.22 }

-- more: what the case has besides
local function add(name, shape, attrs, more)
   local of = { shape[2] }
   local case = { op = "normalize_photos", name = name, attrs = attrs, half = false,
      inputs = { x = { shape = shape, dtype = "u8", low = 0, high = 255 },
         mean = { shape = of, scale = MEAN.scale, shift = MEAN.shift },
         std = { shape = of, scale = STD.scale, shift = STD.shift } } }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

add("a batch", { 2, 3, 5, 4 })
add("an odd number of bytes", { 1, 3, 7, 3 })
add("gray", { 3, 1, 4, 5 })
add("five channels", { 2, 5, 3, 3 })
add("more channels than have tables", { 1, 17, 3, 3 }, nil, { fallback = true })
add("many pixels", { 2, 3, 80, 70 })
-- Rounded to half width on both sides, from numbers that differ in their last bits: by one unit of the largest.
add("to f16", { 2, 3, 5, 4 }, { dtype = "f16" }, { golden = false, tolerance = 2 ^ -10 })
add("to bf16", { 2, 3, 5, 5 }, { dtype = "bf16" }, { golden = false, tolerance = 2 ^ -7 })
add("many pixels to bf16", { 2, 3, 80, 70 }, { dtype = "bf16" }, { golden = false, tolerance = 2 ^ -7 })

local x = { shape = { 2, 3, 4, 4 }, dtype = "u8", low = 0, high = 255 }
local three = { shape = { 3 }, shift = 2 }

local function bad(inputs, attrs, message)
   list.bad = list.bad or {}
   table.insert(list.bad, { op = "normalize_photos", inputs = inputs, attrs = attrs, message = message })
end

bad({ x = { shape = { 2, 3, 4, 4 } }, mean = three, std = three }, nil, "'x': expected u8, found f32")
bad({ x = { shape = { 3, 4 }, dtype = "u8", low = 0, high = 9 }, mean = three, std = three }, nil, "expected 4 dimensions")
bad({ x = x, mean = { shape = { 4 } }, std = three }, nil, "'mean': expected f32 or f64 %(3%), found f32 %(4%)")
bad({ x = x, mean = { shape = { 3 }, dtype = "f16" }, std = three }, nil, "'mean': expected f32 or f64 %(3%), found f16")
bad({ x = x, mean = three, std = { shape = { 3 }, dtype = "f64" } }, nil,
   "'std': expected the dtype of mean and %(3%), found f64 %(3%)")
bad({ x = x, mean = three, std = { shape = { 1, 3 } } }, nil, "'std': expected the dtype of mean and %(3%)")
bad({ x = x, mean = three, std = three }, { dtype = "i64" }, "'dtype': expected f32 %(that of mean%), f16 or bf16, found i64")
bad({ x = x, mean = three, std = three }, { dtype = "f64" }, "'dtype': expected f32")
return list
