-- Cases of stochastic_depth. PyTorch draws other numbers, so that only what is not random has golden numbers; that samples
-- are left out whole, and how often, is checked in tests/lua/blocks_spec.lua.
local function case(name, shape, residual, attrs, golden)
   return { op = "stochastic_depth", name = name, attrs = attrs, golden = golden,
      inputs = { x = { shape = shape }, residual = residual and { shape = shape } or nil } }
end

local list = {
   case("evaluating", { 4, 5 }, false, { p = 0.5, training = false }),
   case("evaluating, with a residual", { 2, 3, 4, 5 }, true, { p = 0.5, training = false }),
   case("probability 0", { 2, 3, 4, 5 }, true, { p = 0 }),
   case("probability 1", { 3, 7 }, true, { p = 1 }),
   case("probability 1, no residual", { 3, 2, 2, 2 }, false, { p = 1 }),
   case("half", { 9, 3, 2, 2 }, false, { p = 0.5 }, false),
   case("a fifth, with a residual", { 11, 3, 2, 2 }, true, { p = 0.2 }, false),
   case("one number a sample", { 17 }, true, { p = 0.3 }, false),
}
local large = case("several blocks", { 3, 4, 80, 81 }, true, { p = 0.4 }, false)
large.numeric = false
list[#list + 1] = large

for _, residual in ipairs { false, true } do
   local keyed = case("keys of samples" .. (residual and ", with a residual" or ""), { 9, 3, 2, 2 }, residual, { p = 0.5 }, false)
   keyed.inputs.keys = { shape = { 9 }, dtype = "i64", low = -1000, high = 1000 }
   list[#list + 1] = keyed
end

list.bad = {
   { op = "stochastic_depth", inputs = { x = { shape = { 2 } } }, attrs = { p = -0.5 },
      message = "'p': expected 0 to 1, found %-0.5" },
   { op = "stochastic_depth", inputs = { x = { shape = {} } }, attrs = { p = 0.5 },
      message = "expected a dimension of samples" },
   { op = "stochastic_depth", inputs = { x = { shape = { 2, 3 } }, residual = { shape = { 3, 2 } } }, attrs = { p = 0.5 },
      message = "'residual': expected f32 %(2, 3%) as x, found f32 %(3, 2%)" },
   { op = "stochastic_depth", attrs = { p = 0.5 },
      inputs = { x = { shape = { 2, 3 } }, keys = { shape = { 1 }, dtype = "i64", low = 1, high = 2 } },
      message = "'keys': expected i64 with a number for each row of x %(2, 3%), found i64 %(1%)" },
}
return list
