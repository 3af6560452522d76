-- Numbers at which backends part: NaN, infinities, equal ones, the ends of ranges, halves that overflow, and class numbers
-- and indices that are wrong. Each result on the GPU must be that of ref, to the last bit where no tolerance is given.
-- Usage: scute tests/cuda/special.lua [DEVICE]
local scute = require "scute"

local device = arg[1] or "cuda"
local tally = dofile "tests/tally.lua"
local check = tally.check
local nan, inf = 0 / 0, math.huge

local function text_of(values)
   local parts = {}
   for i, value in ipairs(values) do parts[i] = ("%.9g"):format(value):gsub("%-nan", "nan") end
   return table.concat(parts, " ")
end

-- f(device) -> a tensor; the same on both sides
local function same(name, f)
   local ok, found = pcall(function() return text_of(f(device):to("cpu"):values()) end)
   local expected = text_of(f("ref"):to("cpu"):values())
   check(ok and found == expected, name, ("found %s, expected %s"):format(found, expected))
end

local function tensor(values, where, dtype, shape)
   local t = scute.tensor(values, { device = where, dtype = dtype or "f32" })
   return shape and t:reshape(shape) or t
end

local odd = { nan, inf, -inf, 0.0, -0.0, 1, -1, 6, 6.5, nan, 7, 3e38 }

for _, op in ipairs { "neg", "abs", "relu", "relu6" } do
   for _, dtype in ipairs { "f32", "f64", "f16", "bf16" } do
      same(("%s, %s"):format(op, dtype), function(where) return scute[op](tensor(odd, where, dtype)) end)
   end
end

local function pairs_of(values)
   local a, b = {}, {}
   for _, x in ipairs(values) do
      for _, y in ipairs(values) do a[#a + 1], b[#b + 1] = x, y end
   end
   return a, b
end

local left, right = pairs_of(odd)
for _, op in ipairs { "maximum", "minimum", "add", "mul", "eq", "ne", "lt", "le", "gt", "ge" } do
   same(op .. " of odd numbers", function(where) return scute[op](tensor(left, where), tensor(right, where)) end)
end

local ends = { math.maxinteger, math.mininteger, math.maxinteger - 1, -1, 0, 1, 2, 1 << 53, (1 << 53) + 1, 3037000500 }
local whole_left, whole_right = pairs_of(ends)
for _, op in ipairs { "add", "sub", "mul", "maximum", "minimum", "eq", "lt", "ge" } do
   same(op .. " at the ends of i64", function(where)
      return scute[op](tensor(whole_left, where, "i64"), tensor(whole_right, where, "i64"))
   end)
end
local bytes_left, bytes_right = pairs_of { 0, 1, 2, 100, 200, 255 }
for _, op in ipairs { "add", "sub", "mul", "maximum" } do
   same(op .. " at the ends of u8", function(where)
      return scute[op](tensor(bytes_left, where, "u8"), tensor(bytes_right, where, "u8"))
   end)
end
for _, op in ipairs { "neg", "abs", "relu", "sum", "max", "argmin" } do
   same(op .. " of i64", function(where) return scute[op](tensor(ends, where, "i64")) end)
end

-- ---- conversions ----

local convertible = { nan, inf, -inf, 0.5, -0.5, 254.9, 255.5, -3.7, 1e20, -1e20, 65519, 65520, 1e-8, 6e-8, 2.98e-8,
   1.00048828125, 1.00146484375, 3.38953138925153547590470800371487866880e38, 2^53 }
for _, from in ipairs { "f32", "f64", "f16", "bf16" } do
   for _, to in ipairs { "f32", "f64", "f16", "bf16", "i64", "u8" } do
      same(("%s to %s"):format(from, to), function(where) return tensor(convertible, where, from):to(to) end)
   end
end
for _, to in ipairs { "f32", "f64", "f16", "bf16", "u8" } do
   same("i64 to " .. to, function(where) return tensor(ends, where, "i64"):to(to) end)
   same("u8 to " .. to, function(where) return tensor({ 0, 1, 127, 128, 255 }, where, "u8"):to(to) end)
end

-- ---- order: NaN, infinities, -0, equal ones; results one after the other ----

local function one_after_the_other(...)
   local parts = {}
   for i, t in ipairs { ... } do parts[i] = t:reshape(-1):to "f64" end
   return scute.concat(parts)
end

for _, dtype in ipairs { "f32", "f64", "f16", "bf16" } do
   for name, f in pairs {
      sort = function(x) return x:sort() end, ["sort descending"] = function(x) return x:sort { descending = true } end,
      argsort = function(x) return x:argsort() end, topk = function(x) return x:topk(5) end,
      ["topk of the smallest"] = function(x) return x:topk { k = 5, largest = false } end,
      median = function(x) return x:median(1) end, ["median of everything"] = function(x) return x:median() end,
      unique = function(x) return x:unique(true, true) end,
   } do
      same(("%s of odd numbers, %s"):format(name, dtype), function(where)
         local numbers = dtype == "f16" and { nan, inf, -inf, 0.0, -0.0, 1, -1, 6, 6.5, nan, 7, 3e4 } or odd
         return one_after_the_other(f(tensor(numbers, where, dtype)))
      end)
   end
end
for _, op in ipairs { "sort", "argsort", "median", "unique" } do
   same(op .. " at the ends of i64", function(where) return (scute[op](tensor(ends, where, "i64"))) end)
   same(op .. " of many, equal and far apart", function(where)
      local values = { inf, nan, -inf }
      for i = 4, 9000 do values[i] = i % 7 end
      return one_after_the_other(scute[op](tensor(values, where)))
   end)
end

-- ---- the first of equal ones, and NaN, which wins ----

local rows = { 1, 3, 3, 2, nan, 5, nan, 1, -inf, -inf, -inf, -inf, inf, nan, inf, inf, 0.0, -0.0, 0, -0.0 }
for _, op in ipairs { "max", "min", "argmax", "argmin" } do
   for _, dim in ipairs { 1, 2 } do
      same(("%s over dimension %d"):format(op, dim), function(where)
         return scute[op](tensor(rows, where, "f32", { 5, 4 }), dim)
      end)
   end
   same(op .. " of halves, eight at a time", function(where)
      local both = table.move(rows, 1, 20, 21, table.move(rows, 1, 20, 1, {}))
      return scute.concat { scute[op](tensor(both, where, "bf16", { 5, 8 }), 1):to "f32",
         scute[op](tensor(both, where, "bf16", { 5, 8 }), 2):to "f32" }
   end)
   same(op .. " of many, equal and far apart", function(where)
      local values = {}
      for i = 1, 40000 do values[i] = (i == 17 or i == 39999) and 9 or (i == 300 or i == 20001) and -9 or i % 7 end
      return scute[op](tensor(values, where))
   end)
end
same("gradient of max", function(where)
   local x = tensor({ 1, 3, 3, 2, 0, 5, 5, 5 }, where, "f32", { 2, 4 }):requires_grad_()
   scute.max(x, 2):sum():backward()
   return x.grad
end)

local picture = { 1, 1, nan, 2, 2, 0, nan, 1, 1, 3, 3, -inf, -inf, 2, 5, 5 }
for _, dtype in ipairs { "f32", "f16" } do
   same("max_pool2d, " .. dtype, function(where)
      local x = tensor(picture, where, dtype, { 1, 1, 4, 4 }):requires_grad_()
      local y = scute.max_pool2d(x, 3, { stride = 1, padding = 1 })
      y:backward(tensor(picture, where, dtype, { 1, 1, 4, 4 }):relu())
      return scute.concat { y:reshape(-1):detach(), x.grad:reshape(-1) }
   end)
end

for _, op in ipairs { "softmax", "log_softmax" } do
   same(op .. " of infinities", function(where)
      return scute[op](tensor({ -inf, 0, -inf, -inf, nan, 1, -inf, -inf, 800, -800, -inf, -inf }, where, "f64", { 3, 4 }))
   end)
end

-- The same rows, standing on end.
for _, op in ipairs { "softmax", "log_softmax" } do
   same(op .. " of infinities that do not lie side by side", function(where)
      local rows_of = { -inf, 0, -inf, -inf, nan, 1, -inf, -inf, 800, -800, -inf, -inf, inf, 1, -inf, 2, -inf, -inf, -inf,
         -inf }
      return scute[op](tensor(rows_of, where, "f64", { 5, 4 }):transpose(1, 2), 1)
   end)
end

-- Reductions of the same rows, lying and standing, with their gradients.
local reductions = { var = {}, std = {}, prod = {}, logsumexp = {}, cumsum = {}, any = {}, all = {} }
for _, p in ipairs { 0, 1, 2, 3, inf, -inf } do reductions["norm, p = " .. p] = { p = p } end
for name, options in pairs(reductions) do
   local op = name:match "^%a+"
   for _, dim in ipairs { 1, 2 } do
      same(("%s of infinities over dimension %d"):format(name, dim), function(where)
         local rows_of = { -inf, 0, -inf, -inf, nan, 1, -inf, inf, 800, -800, 800, 2, 0, 0, -0.0, 0, -inf, -inf, -inf, -inf,
            inf, 1, 900, 2, 3, -3, 3, 0 }
         local x = tensor(rows_of, where, "f64", { 7, 4 })
         x = (dim == 1 and x:transpose(1, 2) or x):detach():requires_grad_()
         local y = scute[op](x, { dim = dim, p = options.p })
         if not y.requires_grad then return y end
         y:sum():backward()
         return scute.concat { y:detach():reshape(-1), x.grad:reshape(-1) }
      end)
   end
end
local many = {}
for i = 1, 70000 do many[i] = i % 7 - 3 end
for _, op in ipairs { "cumsum", "sum", "prod", "any", "all" } do
   same(op .. " of many whole numbers", function(where)
      return scute[op](tensor(many, where, "i64"), 1):reshape(-1)
   end)
end
same("norm of numbers whose squares overflow", function(where) return scute.norm(tensor({ 3e30, 4e30, 0 }, where)) end)

-- Rows so long that they take two passes, sixteen bytes at a time: 0 twice and nothing else, and what spoils that.
for name, spoils in pairs { ["nothing else"] = -inf, ["an infinity"] = inf, ["a NaN"] = nan } do
   same("softmax of a long row with " .. name, function(where)
      local values = {}
      for i = 1, 65600 do values[i] = (i == 6 or i == 65000) and 0 or i == 1234 and spoils or -inf end
      local y = scute.softmax(tensor(values, where))
      return scute.concat { y:slice(1, 1, 8), y:slice(1, 1230, 1238), y:slice(1, 64993, 65008) }
   end)
end

-- ---- the error of SiLU: the bounds of kernels/cuda/activation.cuh, for every float32 at which it is asked ----

-- Of list a, the entry that is the furthest off f(x) in terms of what is allowed there, and by how much.
local function worst(xs, found, f, allowed)
   local most, at = -1, nil
   for i, x in ipairs(xs) do
      local y = f(x)
      local share = math.abs(found[i] - y) / allowed(y)
      if share > most or share ~= share then most, at = share, x end
   end
   return most, ("%.3g of what is allowed, at %.9g"):format(most, at)
end

local function silu(x) return x / (1 + math.exp(-x)) end
local function silu_derivative(x)
   local s = 1 / (1 + math.exp(-x))
   return s * (1 + x * (1 - s))
end
local function silu_room(y) return 2 ^ -21 * math.max(math.abs(y), 0.5) end
local function derivative_room() return 2 ^ -20 end

local grid = {}
for i = -6000, 6000 do grid[#grid + 1] = i / 64 end
for e = -40, 120 do grid[#grid + 1], grid[#grid + 2] = 2.0 ^ e, -2.0 ^ e end

-- batch_norm of statistics that change nothing is the activation alone
local ways = { unary = scute.silu }
function ways.batch_norm(x)
   local one = scute.ones(1, { device = device })
   return scute.batch_norm(x:reshape(#grid, 1), { running_mean = one * 0, running_var = one, eps = 0, training = false,
      act = "silu" })
end
for name, way in pairs(ways) do
   local x = tensor(grid, device):requires_grad_()
   local y = way(x)
   y:sum():backward()
   local most, text = worst(grid, y:detach():values(), silu, silu_room)
   check(most <= 1, "the error of silu, " .. name, text)
   most, text = worst(grid, x.grad:values(), silu_derivative, derivative_room)
   check(most <= 1, "the error of silu's derivative, " .. name, text)
end

-- ---- products in TF32 ----

-- Its three digits would do for no distance.
do
   local points = {}
   for i = 1, 60 do points[i] = math.sin(i) end
   local function distances(rounds)
      scute.tf32(rounds)
      local x = tensor(points, device, "f32", { 6, 10 })
      local found = text_of(scute.cdist(x, x):values())
      scute.tf32(false)
      return found
   end
   local strict, rounded = distances(false), distances(true)
   check(rounded == strict, "cdist where products may round to TF32", ("found %s, expected %s"):format(rounded, strict))
end

-- ---- numbers that are out of range ----

for _, wrong in ipairs { 0, -1, 5, math.maxinteger, math.mininteger } do
   local logits = tensor({ 1, 2, 3, 4, 4, 3, 2, 1 }, device, "f32", { 2, 4 }):requires_grad_()
   local targets = scute.tensor({ wrong, 2 }, { device = device, dtype = "i64" })
   local losses = scute.cross_entropy(logits, targets, { reduction = "none" })
   local values = losses:values()
   check(values[1] ~= values[1] and values[2] == values[2], "class " .. wrong, "the loss must be NaN and the other not")
   losses:sum():backward()
   local g = logits.grad:values()
   check(g[1] ~= g[1] and g[5] == g[5], "gradient of class " .. wrong, text_of(g))

   local picked = scute.index_select(tensor({ 1, 2, 3, 4 }, device), 1, targets):values()
   check(picked[1] ~= picked[1] and picked[2] == 2, "index " .. wrong, text_of(picked))
end

-- ---- loss scaling ----

for _, bad in ipairs { 1, inf, -inf, nan } do
   for _, dtype in ipairs { "f32", "f64" } do
      same(("unscale_ with %s, %s"):format(bad, dtype), function(where)
         local grads, found = {}, tensor({ 7 }, where, dtype)
         for i = 1, 200 do grads[i] = scute.full({ i }, i == 150 and bad or 3, { device = where, dtype = dtype }) end
         grads[201] = scute.full({ 40000 }, 8, { device = where, dtype = dtype })
         scute.unscale_(grads, tensor({ 4 }, where, dtype), found)
         return scute.concat { found, grads[150], scute.slice(grads[201], 1, 40000, 40000),
            scute.list_norm({ grads[1], grads[201] }):reshape(1) }
      end)
   end
end
same("list_norm of numbers whose squares overflow", function(where)
   return scute.list_norm { tensor({ 3e30, 0 }, where), tensor({ 4e30 }, where) }
end)
for _, norm in ipairs { 4, nan, inf } do
   same("list_clip by a norm of " .. norm, function(where)
      local t = tensor({ 1, 2, 3 }, where)
      scute.list_clip { tensors = { t }, norm = tensor({ norm }, where), limit = 4.5 }
      return t
   end)
end
same("list_clamp keeps NaN", function(where)
   local t = tensor(odd, where)
   scute.list_clamp({ t }, 2)
   return t
end)

-- ---- more blocks than a grid is high ----

same("squeeze_excitation of 65600 photos", function(where)
   local function ones(...) return scute.full({ ... }, 1, { device = where, dtype = "f64" }) end
   local weight = ones(1, 1, 1, 1):requires_grad_()
   scute.squeeze_excitation { x = ones(65600, 1, 1, 1), weight1 = weight, bias1 = ones(1), weight2 = ones(1, 1, 1, 1),
      bias2 = ones(1) }:sum():backward()
   return (weight.grad * 1e-4):to "f32"
end)

-- ---- shapes: entries are moved as they are, and added up in one order ----

for _, dtype in ipairs { "f32", "f64", "f16", "bf16" } do
   for name, f in pairs {
      flip = function(x) return x:flip(1) end, roll = function(x) return x:roll(5, 1) end,
      tile = function(x) return x:tile(2, 3) end, expand = function(x) return x:unsqueeze(2):expand(-1, 3) end,
      stack = function(x) return scute.stack({ x, x }, 2) end, pad = function(x) return x:pad({ 3, -2 }, nil, nan) end,
      mirrored = function(x) return x:pad({ 3, 2 }, "reflect") end,
      circular = function(x) return x:reshape(1, 3, 2, 2):pad({ 1, 1, 2, 0 }, "circular") end,
      gather = function(x) return x:gather(1, scute.tensor({ 12, 1, 5, 5 }, { dtype = "i64", device = x.device })) end,
   } do
      same(("%s of odd numbers, %s"):format(name, dtype), function(where) return f(tensor(odd, where, dtype)) end)
   end
end

local ADDED = { u8 = { 200, 100, 3, 4 }, i64 = { math.maxinteger, 7, 3, -4 } }
for _, dtype in ipairs { "f32", "f64", "i64", "u8" } do
   for _, lines in ipairs { 1, 1500 } do -- an entry, and a line, of a thread
      same(("scatter_add, %s, %d lines"):format(dtype, lines), function(where)
         local function repeated(values, kind) return tensor(values, where, kind, { 1, #values }):tile(lines, 1) end
         local src = repeated(ADDED[dtype] or { 1e8, -1e8, 1, 0.3 }, dtype)
         return repeated({ 1, 2 }, dtype):scatter_add(2, repeated({ 2, 2, 2, 1 }, "i64"), src)
      end)
   end
end

-- So many that they are sorted first.
local MANY = 10007 -- a prime, and its square above what is compared one by one

local function spread(where, n, factor, range)
   local list = {}
   for i = 1, n do list[i] = i * factor % MANY % range + 1 end
   return tensor(list, where, "i64")
end

local function weights(where, n, dtype)
   return ((tensor({ 0 }, where):expand(n) + spread(where, n, 7919, 1000):to "f32") * 0.37):to(dtype)
end

for _, range in ipairs { MANY, 3 } do
   for _, dtype in ipairs { "f32", "f64", "i64", "u8" } do
      same(("scatter_add to %d of many, %s"):format(range, dtype), function(where)
         return scute.ones(MANY, { device = where, dtype = dtype }):scatter_add(1, spread(where, MANY, 3001, range),
            weights(where, MANY, dtype))
      end)
      same(("scatter_add to %d of many between others, %s"):format(range, dtype), function(where)
         local n = MANY - 7
         return scute.ones(2, MANY, 3, { device = where, dtype = dtype }):scatter_add(2,
            spread(where, 6 * n, 3001, range):reshape(2, n, 3), weights(where, 6 * n, dtype):reshape(2, n, 3))
      end)
   end
   for _, dtype in ipairs { "f32", "f64", "f16", "bf16" } do
      same(("bincount of many up to %d, %s"):format(range, dtype), function(where)
         return spread(where, MANY, 3001, range):bincount(weights(where, MANY, dtype), MANY)
      end)
   end
end
same("the gradient of gather from many", function(where)
   local x = weights(where, MANY, "f32"):requires_grad_()
   local y = x:gather(1, spread(where, MANY, 3001, 77)) * weights(where, MANY, "f32")
   y:sum():backward()
   return x.grad
end)
for _, numbers in ipairs { { 0, MANY }, { 1, MANY + 1 }, { 1, MANY } } do
   local index = scute.concat({ tensor(numbers, device, "i64"), spread(device, MANY - 2, 3001, MANY) }, 1)
   local found = scute.zeros(MANY, { device = device }):scatter_add(1, index, scute.ones(MANY, { device = device })):values()
   local is_wrong = numbers[1] < 1 or numbers[2] > MANY
   check((found[1] ~= found[1]) == is_wrong and found[MANY] >= 1, "scatter_add to many answers a wrong index with a NaN",
      found[1])
end

-- A wrong number, of which a GPU is not waited for.
do
   local function numbers(list) return tensor(list, device, "i64") end
   local found = text_of(tensor({ 1, 2, 3 }, device):gather(1, numbers { 3, 4, 0, 1 }):values())
   check(found == "3 nan nan 1", "gather answers wrong indices with NaN", found)
   for _, lines in ipairs { 1, 1500 } do
      local x = tensor({ 1, 2, 3 }, device, "f32", { 1, 3 }):tile(lines, 1)
      local index = tensor({ 3, 4 }, device, "i64", { 1, 2 }):tile(lines, 1)
      found = text_of(x:scatter_add(2, index, tensor({ 5, 6 }, device, "f32", { 1, 2 }):tile(lines, 1))[lines]:values())
      check(found == "nan 2 8", "scatter_add answers a wrong index with a NaN in its line", found)
   end
   found = text_of(scute.one_hot(numbers { 2, 3 }, 2, "f32"):values())
   check(found == "0 1 nan nan", "one_hot answers a wrong number with a row of NaN", found)
   check(text_of(scute.one_hot(numbers { 2, 3 }):values()) == "0 1 0 0 0 1", "one_hot finds the largest number on a GPU")
end

tally.finish()
