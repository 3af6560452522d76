-- Cases of the ops that take each element of the result from one place: flip, roll, tile, expand, pad.
local list = {}

local function add(op, name, input, attrs, more)
   local case = { op = op, name = name, inputs = { x = input.shape and input or { shape = input } }, attrs = attrs }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

local LARGE = { numeric = false }
local PICTURES = { 2, 3, 4, 5 }

-- ---- flip ----

add("flip", "vector", { 33 }, { dims = { 1 } })
add("flip", "one entry", { 1 }, { dims = { 1 } })
add("flip", "rank 3, two of them", { 2, 3, 4 }, { dims = { 1, -1 } })
for dim = 1, 4 do add("flip", "picture, dimension " .. dim, PICTURES, { dims = { dim } }) end
add("flip", "pictures turned by half", { 2, 4, 3, 5 }, { dims = { 3, 4 } })
add("flip", "rank 8", { 2, 1, 2, 1, 2, 1, 2, 3 }, { dims = { 8, 3, 1 } })
add("flip", "large", { 3, 70, 130 }, { dims = { 3 } }, LARGE)
add("flip", "many channels", { 2, 40, 5, 7 }, { dims = { 4 } }, LARGE)
for _, dtype in ipairs { "i64", "u8" } do
   add("flip", dtype, { shape = { 3, 5 }, dtype = dtype, low = 0, high = 99 }, { dims = { 2 } })
end

-- ---- roll ----

add("roll", "vector", { 31 }, { shifts = { 3 }, dims = { 1 } })
add("roll", "back, further than all", { 2, 5 }, { shifts = { -7 }, dims = { 2 } })
add("roll", "by nothing", { 2, 5 }, { shifts = { 0 }, dims = { 2 } })
add("roll", "as one row", { 2, 3, 4 }, { shifts = { 5 } })
add("roll", "pictures as one row", { 2, 3, 2, 4 }, { shifts = { -5 } })
add("roll", "two dimensions of pictures", PICTURES, { shifts = { 1, -2 }, dims = { 3, -1 } })
for dim = 1, 2 do add("roll", "picture, dimension " .. dim, PICTURES, { shifts = { 2 }, dims = { dim } }) end
add("roll", "large", { 2, 16, 30, 33 }, { shifts = { 7, 9 }, dims = { 3, 4 } }, LARGE)
add("roll", "i64", { shape = { 3, 5 }, dtype = "i64", low = -9, high = 9 }, { shifts = { 2 }, dims = { 2 } })

-- ---- tile ----

add("tile", "vector", { 3 }, { times = { 4 } })
add("tile", "matrix", { 2, 3 }, { times = { 3, 2 } })
add("tile", "once", { 2, 3 }, { times = { 1, 1 } })
add("tile", "new dimensions", { 2, 3 }, { times = { 2, 3, 1, 2 } })
add("tile", "the last dimension alone", { 2, 3 }, { times = { 2 } })
add("tile", "pictures", { 2, 3, 2, 2 }, { times = { 2, 3, 1, 2 } })
add("tile", "pictures to rank 5", { 1, 3, 2, 2 }, { times = { 2, 1, 2, 1, 1 } })
add("tile", "rank 3 to pictures", { 3, 2, 2 }, { times = { 2, 1, 2, 2 } })
add("tile", "one number", { 1 }, { times = { 2000 } }, LARGE)
add("tile", "a scalar", {}, { times = { 2, 3 } })
add("tile", "large", { 33, 3, 40 }, { times = { 2, 5, 9 } }, LARGE)
add("tile", "u8", { shape = { 2, 3 }, dtype = "u8", low = 0, high = 255 }, { times = { 2, 5 } })

-- ---- expand ----

add("expand", "rows", { 1, 3 }, { shape = { 4, -1 } })
add("expand", "columns", { 3, 1 }, { shape = { 3, 5 } })
add("expand", "new dimensions", { 3, 1 }, { shape = { 2, 2, 3, 4 } })
add("expand", "as it was", { 2, 3, 2, 2 }, { shape = { 2, 3, 2, 2 } })
add("expand", "channels", { 1, 3, 1, 1 }, { shape = { 2, 3, 4, 5 } })
add("expand", "pixels", { 2, 1, 3, 4 }, { shape = { 2, 5, 3, 4 } })
add("expand", "rank 3 to pictures", { 3, 4, 1 }, { shape = { 2, 3, 4, 2 } })
add("expand", "large", { 1, 300 }, { shape = { 200, 300 } }, LARGE)
add("expand", "i64", { shape = { 1, 3 }, dtype = "i64", low = -9, high = 9 }, { shape = { 2, 3 } })

-- ---- pad ----

local HALF_SUMS = { half_fallback = true } -- what was repeated is added up in float32

add("pad", "matrix, mirrored", { 2, 5 }, { pads = { 1, 2 }, mode = "reflect" }, HALF_SUMS) -- of a kernel of its own
add("pad", "vector", { 5 }, { pads = { 1, 2 } })
add("pad", "rows and columns, with a value", { 2, 3 }, { pads = { 1, 0, 2, 3 }, value = 1.5 })
add("pad", "pictures", PICTURES, { pads = { 1, 2, 3, 0 } })
add("pad", "channels", PICTURES, { pads = { 0, 0, 0, 0, 2, 1 }, value = -2 })
add("pad", "batch", PICTURES, { pads = { 1, 0, 0, 1, 0, 1, 1, 1 } })
add("pad", "cropped", PICTURES, { pads = { -1, -2, 1, -1 } })
add("pad", "all cut off, and more than that", { 4 }, { pads = { -4, 6 }, value = 3 })
add("pad", "rank 5", { 2, 2, 3, 2, 3 }, { pads = { 1, 1, 0, 2, 1, 0 } })
add("pad", "nothing", { 2, 3 }, { pads = { 0, 0 } })
add("pad", "large", { 2, 3, 70, 90 }, { pads = { 2, 3, 4, 5 } }, LARGE)
add("pad", "u8", { shape = { 2, 3, 4, 5 }, dtype = "u8", low = 0, high = 255 }, { pads = { 1, 2, 3, 0 }, value = 255 })
add("pad", "i64", { shape = { 3 }, dtype = "i64", low = -9, high = 9 }, { pads = { 1, 2 }, value = -7 })
for _, mode in ipairs { "reflect", "replicate", "circular" } do
   local function repeats(name, shape, pads, more)
      add("pad", mode .. ", " .. name, shape, { pads = pads, mode = mode }, more or HALF_SUMS)
   end
   repeats("rows", { 1, 2, 4 }, { 2, 3 })
   repeats("pictures", { 2, 3, 4, 5 }, { 1, 3, 2, 3 })
   repeats("pictures of many channels", { 2, 33, 3, 4 }, { 1, 1, 2, 0 }, { numeric = false, half_fallback = true })
   repeats("one side cropped", { 2, 2, 4, 6 }, { -2, 3, 1, -1 })
   repeats("three dimensions", { 1, 2, 3, 4, 3 }, { 1, 2, 0, 1, 2, 1 })
   repeats("channels and batch", { 3, 4, 2, 2 }, { 0, 0, 0, 0, 3, 0, 1, 2 }, { golden = false, half_fallback = true })
   repeats("large", { 4, 16, 21, 33 }, { 4, 4, 3, 3 }, { numeric = false, half_fallback = true })
end
add("pad", "replicate, further than all", { 2, 2, 3 }, { pads = { 7, 9 }, mode = "replicate" }, HALF_SUMS)
add("pad", "circular, a whole time", { 1, 2, 3 }, { pads = { 3, 3 }, mode = "circular" }, HALF_SUMS)

local x = { shape = { 2, 3 } }
local function bad(op, attrs, message)
   return { op = op, inputs = { x = x }, attrs = attrs, message = message }
end

list.bad = {
   bad("flip", nil, "flip: argument 'dims' is missing"),
   bad("flip", { dims = { 3 } }, "expected dimensions of shape %(2, 3%) %(1 to 2%), found 3"),
   bad("flip", { dims = { 0 } }, "found 0"),
   bad("flip", { dims = { 1, -2 } }, "dimension 1 is named twice"),
   bad("flip", { dims = "x" }, "expected whole numbers, or a table of them"),
   bad("roll", { shifts = { 1, 2 } }, "argument 'dims' is missing"),
   bad("roll", { shifts = { 1, 2 }, dims = 1 }, "expected as many 'shifts' as 'dims', found 2 and 1"),
   bad("roll", { shifts = {}, dims = 1 }, "expected at least one number"),
   bad("roll", { shifts = 1, dims = 5 }, "expected dimensions of shape"),
   bad("tile", { times = { 2, 0 } }, "expected numbers of at least 1, found 0"),
   bad("tile", { times = {} }, "expected at least one number"),
   bad("tile", { times = { 1 << 62, 1 << 62 } }, "too many"),
   bad("expand", { shape = { 2, 4 } }, "shape %(2, 3%) does not stretch to %(2, 4%): 3 against 4 in dimension 2"),
   bad("expand", { shape = { 3 } }, "expected at least 2 numbers"),
   bad("expand", { shape = { -1, 2, 3 } }, "does not stretch"),
   bad("pad", { pads = 1 }, "expected {before, after}"),
   bad("pad", { pads = {} }, "expected {before, after}"),
   bad("pad", { pads = { 1, 1, 1, 1, 1, 1 } }, "at most 4 numbers"),
   bad("pad", { pads = { -2, -1 } }, "%-2 and %-1 leave nothing of dimension 2 of shape %(2, 3%)"),
   bad("pad", { pads = { math.mininteger, 1 } }, "too many"),
   bad("pad", { pads = { 3, 0 }, mode = "reflect" }, "adds at most 2 to dimension 2 of shape %(2, 3%), found 3"),
   bad("pad", { pads = { 0, 4 }, mode = "circular" }, "adds at most 3"),
   bad("pad", { pads = { 0, 1 }, mode = "mirror" }, "expected one of constant|reflect|replicate|circular"),
   bad("pad", { pads = { 0, 1 }, mode = "reflect", value = 1 }, "for mode constant only"),
   { op = "pad", inputs = { x = { shape = { 2 }, dtype = "u8", low = 0, high = 1 } }, attrs = { pads = { 0, 1 }, value = 0.5 },
      message = "a number that u8 holds, found 0.5" },
   { op = "pad", inputs = { x = { shape = { 2 }, dtype = "i64", low = 0, high = 1 } },
      attrs = { pads = { 0, 1 }, value = 9007199254740993 }, message = "'value': expected less than 2^53" },
}
return list
