-- Cases of arithmetic on two operands: every way in which shapes and memory orders can meet.
local list = {}

local function spec(shape, more)
   local s = { shape = shape }
   for key, value in pairs(more or {}) do s[key] = value end
   return s
end

local function add(op, name, a, b, more)
   local case = { op = op, name = name, inputs = { a = a, b = b } }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

-- What keeps each function away from where it has no derivative or no value.
local ranges = {
   add = {}, sub = {}, mul = {}, maximum = {}, minimum = {},
   floor_divide = { a = { scale = 9 }, b = { scale = 0.5, shift = 1.5 } },
   remainder = { a = { scale = 9 }, b = { scale = 0.5, shift = 1.5 } },
   div = { b = { scale = 0.5, shift = 1.5 } },
   pow = { a = { scale = 0.5, shift = 1 }, b = { scale = 2 } },
}

for _, op in ipairs { "add", "sub", "mul", "div", "floor_divide", "remainder", "pow", "maximum", "minimum" } do
   local a, b = ranges[op].a, ranges[op].b
   add(op, "equal shapes", spec({ 5, 7 }, a), spec({ 5, 7 }, b))
   add(op, "a number on the right", spec({ 3, 4 }, a), 1.5)
   add(op, "a number on the left", 1.5, spec({ 3, 4 }, b))
   add(op, "a row", spec({ 6, 5 }, a), spec({ 5 }, b))
   add(op, "both are stretched", spec({ 4, 1, 3 }, a), spec({ 5, 1 }, b))
end

for _, op in ipairs { "add", "mul" } do
   add(op, "equal pictures", spec { 2, 3, 4, 5 }, spec { 2, 3, 4, 5 })
   add(op, "one value a channel", spec { 2, 3, 4, 5 }, spec { 1, 3, 1, 1 })
   add(op, "one value a channel and picture", spec { 3, 7, 4, 5 }, spec { 3, 7, 1, 1 })
   add(op, "one value a pixel", spec { 2, 3, 4, 5 }, spec { 2, 1, 4, 5 })
   add(op, "one picture for all", spec { 2, 3, 4, 5 }, spec { 3, 4, 5 })
   add(op, "a column of each picture", spec { 2, 3, 4, 5 }, spec { 4, 1 })
   add(op, "the left one is stretched", spec { 1, 3, 1, 1 }, spec { 2, 3, 4, 5 })
   add(op, "a scalar tensor", spec { 3, 4 }, spec {})
   add(op, "scalars", spec {}, spec {})
   add(op, "rank 5", spec { 2, 1, 3, 2, 2 }, spec { 2, 1, 2, 1 })
   add(op, "only the right one learns", spec { 4, 3 }, spec { 3 }, { grad = { "b" } })
   add(op, "several blocks", spec { 5, 9001 }, spec { 9001 }, { numeric = false })
   add(op, "several blocks by channel", spec { 4, 64, 12, 12 }, spec { 4, 64, 1, 1 }, { numeric = false })
   add(op, "i64", spec({ 6 }, { dtype = "i64", low = -9, high = 9 }), spec({ 6 }, { dtype = "i64", low = -9, high = 9 }),
      { fallback = true })
end
add("maximum", "with zero", spec { 40 }, 0)
for _, op in ipairs { "floor_divide", "remainder" } do
   add(op, "by negative numbers", spec({ 40 }, { scale = 9 }), spec({ 40 }, { scale = 0.5, shift = -1.5 }))
   add(op, "i64", spec({ 40 }, { dtype = "i64", low = -9, high = 9 }), 4, { fallback = true })
   add(op, "i64, by negative ones", spec({ 40 }, { dtype = "i64", low = -9, high = 9 }), -4, { fallback = true })
   add(op, "u8", spec({ 40 }, { dtype = "u8", low = 0, high = 255 }), spec({ 40 }, { dtype = "u8", low = 1, high = 9 }),
      { fallback = true })
end
add("pow", "squares of negative numbers", spec { 20 }, 2)
add("mul", "u8 with f32", spec({ 7 }, { dtype = "u8", low = 0, high = 9 }), spec { 7 })

list.bad = {
   { op = "add", inputs = { a = spec { 2, 3 }, b = spec { 2, 4 } }, message = "%(2, 3%) and %(2, 4%) do not broadcast" },
   { op = "add", inputs = { a = spec { 2 }, b = "x" }, message = "argument 'b': expected a tensor or a number, found 'x'" },
   { op = "add", inputs = { a = spec { 2 } }, message = "argument 'b' is missing" },
   { op = "remainder", inputs = { a = spec({ 2 }, { dtype = "i64", low = 1, high = 2 }), b = 0 }, message = "divided by 0" },
   { op = "floor_divide", inputs = { a = spec({ 2 }, { dtype = "u8", low = 1, high = 2 }),
      b = spec({ 2 }, { dtype = "u8", low = 0, high = 0 }) },
      message = "argument 'b': a whole number is divided by 0" },
   { op = "div", inputs = { a = spec({ 2 }, { dtype = "i64", low = 1, high = 2 }), b = 2 }, message = "floating" },
   { op = "mul", inputs = { a = spec { 2 }, b = 2 }, attrs = { c = 1 }, message = "unknown argument 'c'" },
}
return list
