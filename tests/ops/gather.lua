-- Cases of gather and scatter_add. Numbers repeat and some never occur.
local list = {}

-- What is summed up in half width is, in float32.
local function add(op, name, inputs, dim, more)
   local case = { op = op, name = name, inputs = inputs, attrs = { dim = dim }, half_fallback = op == "gather" }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

local function index(shape, high)
   return { shape = shape, dtype = "i64", low = 1, high = high }
end

local function gather(name, shape, dim, wanted, more)
   add("gather", name, { x = { shape = shape }, index = index(wanted, shape[dim < 0 and #shape + 1 + dim or dim]) }, dim, more)
end

local function scatter(name, shape, dim, wanted, src, more)
   add("scatter_add", name, { x = { shape = shape }, index = index(wanted, shape[dim]), src = { shape = src or wanted } }, dim,
      more)
end

local LARGE = { numeric = false }
local LARGE_HALF = { numeric = false, half_fallback = true }

gather("vector", { 6 }, 1, { 9 })
gather("one entry", { 1 }, 1, { 3 })
gather("rows", { 4, 5 }, 1, { 7, 5 })
gather("columns", { 4, 5 }, 2, { 3, 7 })
gather("one of each row", { 5, 7 }, -1, { 5, 1 })
for dim = 1, 4 do gather("picture, dimension " .. dim, { 3, 4, 5, 6 }, dim, { 2, 3, 4, 5 }) end
gather("rank 5", { 2, 3, 2, 2, 3 }, 2, { 2, 4, 1, 2, 2 })
gather("few long lines", { 3, 300 }, 2, { 3, 1025 }, LARGE_HALF)
gather("many lines", { 2000, 3 }, 2, { 1500, 4 }, LARGE_HALF)
gather("many columns", { 3, 2000 }, 1, { 5, 1100 }, LARGE_HALF)
for _, dtype in ipairs { "i64", "u8" } do
   list[#list + 1] = { op = "gather", name = dtype, attrs = { dim = 2 },
      inputs = { x = { shape = { 3, 5 }, dtype = dtype, low = 0, high = 99 }, index = index({ 3, 2 }, 5) } }
end

scatter("vector", { 4 }, 1, { 9 })
scatter("rows", { 4, 5 }, 1, { 7, 5 })
scatter("columns", { 4, 5 }, 2, { 4, 9 })
scatter("fewer lines", { 4, 5 }, 2, { 2, 9 })
scatter("of a larger source", { 4, 5 }, 2, { 2, 3 }, { 3, 6 }, { golden = false })
for dim = 1, 4 do scatter("picture, dimension " .. dim, { 3, 4, 5, 6 }, dim, { 2, 3, 4, 5 }) end
scatter("rank 5", { 2, 3, 2, 2, 3 }, 5, { 2, 2, 1, 2, 7 })
scatter("few long lines", { 3, 300 }, 2, { 3, 1025 }, nil, LARGE)
scatter("many lines", { 2000, 3 }, 2, { 1500, 4 }, nil, LARGE)
scatter("many columns", { 3, 2000 }, 1, { 5, 1100 }, nil, LARGE)
for _, dtype in ipairs { "i64", "u8" } do
   list[#list + 1] = { op = "scatter_add", name = dtype, attrs = { dim = 2 }, inputs = {
      x = { shape = { 3, 2 }, dtype = dtype, low = 0, high = 99 }, index = index({ 3, 4 }, 2),
      src = { shape = { 3, 4 }, dtype = dtype, low = 0, high = 99 } }, golden = dtype == "i64" and nil } -- ends at 255 here
end

local x = { shape = { 2, 3 } }
local function bad(op, inputs, message)
   inputs.x = x
   return { op = op, inputs = inputs, attrs = { dim = 2 }, message = message }
end

list.bad = {
   bad("gather", { index = { shape = { 2, 2 }, dtype = "i64", low = 4, high = 4 } },
      "'index': expected indices from 1 to 3, found 4 at position 1"),
   bad("gather", { index = { shape = { 2, 2 }, dtype = "i64", low = 0, high = 0 } }, "found 0 at position 1"),
   bad("gather", { index = { shape = { 2, 2 } } }, "expected i64, found f32"),
   bad("gather", { index = index({ 2 }, 1) }, "expected as many dimensions as 'x' has, 2, found shape %(2%)"),
   bad("gather", { index = index({ 3, 1 }, 1) }, "shape %(3, 1%) is larger in dimension 1 than 'x', whose shape is %(2, 3%)"),
   bad("gather", {}, "argument 'index' is missing"),
   bad("scatter_add", { index = index({ 2, 2 }, 1), src = { shape = { 2, 1 } } },
      "shape %(2, 2%) is larger in dimension 2 than 'src', whose shape is %(2, 1%)"),
   bad("scatter_add", { index = index({ 3, 1 }, 1), src = { shape = { 3, 1 } } }, "larger in dimension 1 than 'x'"),
   bad("scatter_add", { index = index({ 2, 2 }, 1), src = { shape = { 2, 2 }, dtype = "i64", low = 1, high = 2 } },
      "scatter_add: argument 'src': expected f32 as in x, found i64"),
   bad("scatter_add", { index = { shape = { 2, 2 }, dtype = "i64", low = 5, high = 5 }, src = x }, "from 1 to 3, found 5"),
   bad("scatter_add", { index = index({ 2, 2 }, 1), src = 1 }, "expected a tensor, found 1"),
}
return list
