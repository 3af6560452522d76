-- Cases of where.
local function condition(shape)
   return { shape = shape, dtype = "u8", low = 0, high = 1 }
end

local function case(name, where, a, b, more)
   local c = { op = "where", name = name, inputs = { condition = condition(where), a = a, b = b } }
   for key, value in pairs(more or {}) do c[key] = value end
   return c
end

local stretched = { fallback = true } -- the gradient of a stretched operand is left to ref

local list = {
   case("equal shapes", { 4, 5 }, { shape = { 4, 5 } }, { shape = { 4, 5 } }),
   case("pictures", { 2, 3, 4, 5 }, { shape = { 2, 3, 4, 5 } }, { shape = { 2, 3, 4, 5 } }),
   case("a number", { 4, 5 }, { shape = { 4, 5 } }, 0),
   case("a number first", { 4, 5 }, 0.5, { shape = { 4, 5 } }),
   case("a row", { 4, 5 }, { shape = { 5 } }, { shape = { 4, 1 } }, stretched),
   case("a condition by channel", { 3, 1, 1 }, { shape = { 2, 3, 4, 5 } }, { shape = { 2, 3, 4, 5 } }, stretched),
   case("i64", { 9 }, { shape = { 9 }, dtype = "i64", low = 1, high = 9 },
      { shape = { 9 }, dtype = "i64", low = -9, high = -1 }, { fallback = true }),
}

list.bad = {
   { op = "where", inputs = { condition = { shape = { 2 } }, a = { shape = { 2 } }, b = 0 },
      message = "expected u8, found f32" },
   { op = "where", inputs = { condition = condition { 2 }, a = { shape = { 3 } }, b = 0 }, message = "do not broadcast" },
}
return list
