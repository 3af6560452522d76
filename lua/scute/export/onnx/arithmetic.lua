-- Element by element: functions of one tensor, arithmetic, comparisons, choices, other dtypes.
local dtypes = require "scute.export.onnx.dtypes"
local wide = require "scute.export.onnx.wide"

local arithmetic = {}

-- ---- of one tensor ----

local function unary(kind)
   return function(g, _, names) return g:node(kind, { names[1] }) end
end

for op, kind in pairs { abs = "Abs", neg = "Neg", sign = "Sign", sin = "Sin", cos = "Cos", erf = "Erf", sqrt = "Sqrt" } do
   arithmetic[op] = unary(kind)
end

arithmetic.exp, arithmetic.log = wide(unary "Exp"), wide(unary "Log")

-- Whole numbers stay as they are.
for op, kind in pairs { floor = "Floor", ceil = "Ceil", round = "Round" } do
   arithmetic[op] = function(g, node, names)
      return dtypes.is_float(node.from[1].dtype) and g:node(kind, { names[1] }) or names[1]
   end
end

-- log(1 + x) is x * log(u) / (u - 1) with u = 1 + x as it is rounded, and x where u is 1: what is lost of a small x cancels out
-- (Kahan). What x is infinite for stays infinite.
arithmetic.log1p = wide(function(g, node, names)
   local x, one = names[1], g:number(1, node.to[1].dtype)
   local u = g:node("Add", { x, one })
   local log, rest = g:node("Log", { u }), g:node("Sub", { u, one })
   local is_one = g:node("Equal", { rest, g:number(0, node.to[1].dtype) })
   local divisor = g:node("Where", { is_one, one, rest })
   local corrected = g:node("Mul", { log, g:node("Div", { x, divisor }) })
   local is_infinite = g:node("IsInf", { u })
   return g:node("Where", { is_one, x, g:node("Where", { is_infinite, log, corrected }) })
end)

function arithmetic.clamp(g, node, names)
   local min, max, dtype = node.attrs.min, node.attrs.max, node.to[1].dtype
   if not dtypes.is_float(dtype) then min, max = math.ceil(min), math.floor(max) end
   local computed = dtypes.computed(dtype)
   local function bound(x)
      return x > -math.huge and x < math.huge and g:number(x, computed) or nil
   end
   local low, high, x = bound(min), bound(max), dtypes.input(g, node, names, 1, computed)
   if not low and not high then return names[1] end
   return dtypes.stored(g, g:node("Clip", { x, low or false, high }), dtype)
end

-- ---- of two ----

local function operands(g, node, names, dtype)
   return dtypes.input(g, node, names, 1, dtype), dtypes.input(g, node, names, 2, dtype)
end

local function binary(write)
   return function(g, node, names)
      local dtype = node.to[1].dtype
      local computed = dtypes.computed(dtype)
      local a, b = operands(g, node, names, computed)
      return dtypes.stored(g, write(g, a, b, computed), dtype)
   end
end

local function plain(kind)
   return binary(function(g, a, b) return g:node(kind, { a, b }) end)
end

for op, kind in pairs { add = "Add", sub = "Sub", mul = "Mul", div = "Div", maximum = "Max", minimum = "Min" } do
   arithmetic[op] = plain(kind)
end

arithmetic.pow = wide(plain "Pow")

-- With the sign of b. ONNX has that for whole numbers; of others the rest has the sign of a, exactly.
local function remainder(g, a, b, dtype)
   if not dtypes.is_float(dtype) then return g:node("Mod", { a, b }) end
   local rest, zero = g:node("Mod", { a, b }, { fmod = 1 }), g:number(0, dtype)
   local apart = g:node("Less", { g:node("Mul", { g:node("Sign", { rest }), g:node("Sign", { b }) }), zero })
   return g:node("Where", { apart, g:node("Add", { rest, b }), rest })
end

arithmetic.remainder = binary(remainder)

local function is_infinite(g, x, dtype)
   return g:node("Equal", { g:node("Abs", { x }), g:number(math.huge, dtype) })
end

-- What is left once the rest is gone divides without one, up to rounding. An infinite number has no rest, and none is left by 0
-- or an infinite one.
arithmetic.floor_divide = binary(function(g, a, b, dtype)
   local without_rest = g:node("Div", { g:node("Sub", { a, remainder(g, a, b, dtype) }), b })
   if not dtypes.is_float(dtype) then return without_rest end
   local infinite = g:node("Or", { is_infinite(g, a, dtype), is_infinite(g, b, dtype) })
   local has_none = g:node("Or", { infinite, g:node("Equal", { b, g:number(0, dtype) }) })
   return g:node("Where", { has_none, g:node("Floor", { g:node("Div", { a, b }) }), g:node("Round", { without_rest }) })
end)

-- ---- comparisons and choices ----

for op, kind in pairs { eq = "Equal", lt = "Less", le = "LessOrEqual", gt = "Greater", ge = "GreaterOrEqual" } do
   arithmetic[op] = function(g, node, names)
      local a, b = operands(g, node, names, dtypes.computed(dtypes.promoted(node, 1)))
      return dtypes.from_truth(g, g:node(kind, { a, b }))
   end
end

function arithmetic.ne(g, node, names)
   local a, b = operands(g, node, names, dtypes.computed(dtypes.promoted(node, 1)))
   return dtypes.from_truth(g, g:node("Not", { g:node("Equal", { a, b }) }))
end

function arithmetic.where(g, node, names)
   local dtype = node.to[1].dtype
   return g:node("Where", { dtypes.truth(g, names[1], "u8"), dtypes.input(g, node, names, 2, dtype),
      dtypes.input(g, node, names, 3, dtype) })
end

-- ---- dtypes ----

-- What a byte does not hold ends at 0 or 255.
arithmetic["to"] = function(g, node, names)
   local from, to = node.from[1].dtype, node.to[1].dtype
   if to ~= "u8" or from == "u8" then return dtypes.convert(g, names[1], from, to) end
   if from == "i64" then return dtypes.stored(g, names[1], to) end
   return g:cast(g:node("Clip", { names[1], g:number(0, from), g:number(255, from) }), to)
end

return arithmetic
