-- What case tables cannot say of the ops of shapes: special numbers, lists of parts, memory, layers.
local scute = require "scute"

local NAN, INF = 0 / 0, math.huge

-- Equal to the bit: -0 is not 0, and NaN is NaN.
local function same(expected, t)
   local found = t:values()
   assert.equal(#expected, #found)
   for i, value in ipairs(expected) do
      assert.equal(("%g %s"):format(value, value ~= value), ("%g %s"):format(found[i], found[i] ~= found[i]), "at " .. i)
   end
end

local function numbers(n, ...)
   return scute.arange(1, n):reshape(...)
end

describe("ops that move entries", function()
   it("leave NaN, infinities and -0 as they are, in every dtype", function()
      for _, device in ipairs { "cpu", "ref" } do
         for _, dtype in ipairs { "f32", "f64", "f16", "bf16" } do
            local x = scute.tensor({ NAN, -INF, -0.0, 2 }, { dtype = dtype, device = device })
            same({ 2, -0.0, -INF, NAN }, x:flip(1))
            same({ 2, NAN, -INF, -0.0 }, x:roll(1))
            same({ NAN, -INF, -0.0, 2, NAN, -INF, -0.0, 2 }, x:tile(2))
            same({ -INF, NAN, -INF, -0.0, 2, -0.0 }, x:pad({ 1, 1 }, "reflect"))
            same({ NAN, NAN, -INF, -0.0, 2, NAN }, x:pad({ 1, 1 }, nil, NAN))
            same({ -0.0, NAN, NAN }, x:gather(1, scute.tensor({ 3, 1, 1 }, { dtype = "i64", device = device })))
            same({ NAN, -INF, -0.0, 2, NAN, -INF, -0.0, 2 }, scute.stack { x, x })
            same({ NAN, -INF, -0.0, 2 }, x:unsqueeze(2):expand(4, 1):squeeze())
            assert.equal(dtype, x:flip(1).dtype)
         end
      end
   end)

   it("add up what goes to one entry in the order of the dimension", function()
      local index = scute.tensor({ 1, 1, 1, 2 }, { dtype = "i64" })
      for _, device in ipairs { "cpu", "ref" } do
         local x = scute.zeros(2, { device = device })
         local src = scute.tensor({ 1e8, -1e8, 1, NAN }, { device = device })
         same({ 1, NAN }, x:scatter_add(1, index:to(device), src))
         local late = scute.tensor({ 1, 1e8, -1e8, 0 }, { device = device })
         same({ 0, 0 }, x:scatter_add(1, index:to(device), late))
      end
   end)
end)

describe("split and chunk", function()
   it("give parts in order, the last one smaller", function()
      local x = numbers(10, 2, 5)
      local parts = x:split(2, 2)
      assert.same({ { 2, 2 }, { 2, 2 }, { 2, 1 } }, { parts[1].shape, parts[2].shape, parts[3].shape })
      same({ 5, 10 }, parts[3])
      same(x:values(), scute.concat(parts, 2))
      local a, b = table.unpack(x:split({ 1, 4 }, -1))
      same({ 1, 6 }, a)
      assert.same({ 2, 4 }, b.shape)
      assert.same({ { 1, 5 }, { 2, 3 } }, { x:split(1, { dim = 1 })[2].shape, scute.chunk(x, 2, { dim = 2 })[1].shape })
      same({ 1, 6 }, x:split({ 1, 4 }, { dim = -1 })[1])
      assert.equal(3, #x:chunk(4, 2)) -- as PyTorch: parts of two
      assert.equal(2, #scute.chunk(x, 9))
      assert.equal(3, #x:split(2, 2.0))
      assert.equal(2, #x:split({ 1, 4 }, { dim = 2 }))
      assert.equal(3, #x:chunk(4, { dim = 2 }))
   end)

   it("have the gradient of what was done with each part", function()
      local x = numbers(6, 3, 2):requires_grad_()
      local parts = x:split { size = { 1, 2 } }
      local loss = parts[1]:sum() * 2 + parts[2]:sum() * 3
      loss:backward()
      same({ 2, 2, 3, 3, 3, 3 }, x.grad)
   end)

   it("have a backward that moves each part's gradient only, however many parts there are", function()
      local function bytes(n)
         local x, total, sum = scute.ones(n, 8):requires_grad_(), 0, 0
         for i, part in ipairs(x:split(1)) do sum = sum + part:sum() * i + x[-i]:mean() end
         for _, row in ipairs(scute.profile(function() sum:backward() end)) do total = total + (row.bytes or 0) end
         return total
      end
      assert.is_true(bytes(128) < 2.5 * bytes(64))
   end)

   it("add gradients up where ranges overlap, beside those that are held and of earlier backwards", function()
      for _, dtype in ipairs { "f32", "f64", "bf16" } do
         for dim = 1, 4 do
            local x = scute.ones({ 4, 4, 4, 4 }, { dtype = dtype }):requires_grad_()
            local expected = scute.zeros(x.shape, { dtype = dtype })
            local function add(from, to, step, factor)
               local ones = scute.ones({ 4, 4, 4, 4 }, { dtype = dtype }):requires_grad_();
               (ones:slice(dim, from, to, step):sum() * factor):backward()
               expected = expected + ones.grad
               return x:slice(dim, from, to, step):sum() * factor
            end
            local loss = add(1, 4, 1, 1) + add(2, 3, 1, 2) + add(1, 4, 2, 4) + add(-1, -1, 1, 8)
            loss:backward { retain = true }
            same(expected:values(), x.grad)
            local held = x.grad
            loss:backward()
            same(expected:values(), held)
            same((expected * 2):values(), x.grad)
         end
      end
   end)

   it("say what is wrong with the sizes, and do nothing then", function()
      local x = numbers(6, 2, 3)
      for code, why in pairs { ["x:split(0)"] = "expected whole numbers of at least 1, found 0",
         ["x:split({ 1, 1 }, 2)"] = "the sizes make 2 together, dimension 2 of shape %(2, 3%) has 3",
         ["x:split({ 1, 0 }, 1)"] = "found 0", ["x:split()"] = "split: argument 'size' is missing",
         ["x:split(1, { dims = 1 })"] = "unknown option 'dims'; did you mean 'dim'?",
         ["x:sum():split(1)"] = "split: argument 'dim': a scalar has no dimensions, found 1",
         ["x:sum():sum(1)"] = "sum: argument 'dim': a scalar has no dimensions, found 1",
         ["x:split(1, 3)"] = "expected a dimension from 1 to 2 %(or %-1 to %-2%), found 3",
         ["x:split { sizes = 1 }"] = "unknown option 'sizes'; did you mean 'size'?",
         ["x:split(1, 1.5)"] = "expected a dimension, found 1.5",
         ["x:split { 1, 2, dim = 2 }"] = "found 'dim' in it; .* of its own: split%({ ... }, { dim = ... }%)",
         ["x:split({ 1, 2 }, { size = 1 })"] = "argument 'size' is given twice",
         ["x:split({ size = 1 }, 2)"] = "expected all arguments in the table of names, { size = , dim = }, found 2 behind it",
         ["x:chunk { 1, 1 }"] = "chunk: argument 'chunks': expected whole numbers of at least 1, found a table",
         ["scute.chunk(2, x)"] = "argument 'x': expected a tensor, found 2", ["x:split(1, 1, 1)"] = "too many arguments",
         ["x.detach()"] = "argument 'self': expected a tensor, found nothing" } do
         local typed = assert(load("local scute, x = ...; return " .. code))
         assert.error_matches(function() typed(scute, x) end, why)
      end
   end)
end)

describe("a list", function()
   it("has no names in it, which would be passed over", function()
      local x = scute.ones(1, 3)
      local own = "; what has a name is in a table of its own: "
      for code, why in pairs {
         ['x:pad { 1, 1, mode = "reflect" }'] = "pad: argument 'pads': expected a list, found 'mode' in it" .. own ..
            "pad({ ... }, { mode = ... })",
         ["scute.stack { x, x, dim = 2 }"] = "stack: argument 'tensors': expected a list, found 'dim' in it",
         ["scute.concat { x, x, dim = 2 }"] = own .. "concat({ ... }, { dim = ... })",
         ["x:reshape { 3, 1, copy = true }"] = "found 'copy' in it" } do
         local typed = assert(load("local scute, x = ...; return " .. code))
         assert.error_matches(function() typed(scute, x) end, why, 1, true)
      end
      assert.same({ 1, 6 }, scute.concat({ x, x }, { dim = 2 }).shape)
      assert.same({ 1, 5 }, x:pad({ 1, 1 }, { mode = "reflect" }).shape)
   end)
end)

describe("memory", function()
   local function taken(f)
      collectgarbage()
      collectgarbage()
      scute.flush()
      local before = scute.memory("cpu").live
      local result = f()
      local bytes = scute.memory("cpu").live - before
      result:free()
      return bytes
   end

   it("is not taken for what only has another shape", function()
      local x = scute.zeros(64, 1, 64)
      for name, f in pairs { squeeze = function() return x:squeeze(2) end,
         unsqueeze = function() return x:squeeze():unsqueeze(2) end, expand = function() return x:expand(64, 1, 64) end } do
         assert.equal(0, taken(f), name)
      end
   end)
end)

describe("nn.Pad2d", function()
   it("is what the op is", function()
      local nn, x = scute.nn, scute.randn(2, 3, 4, 5)
      same(x:pad({ 1, 1, 1, 1 }):values(), nn.Pad2d(1)(x))
      same(x:pad({ 1, 2, 0, 3 }, "reflect"):values(), nn.Pad2d { { 1, 2, 0, 3 }, mode = "reflect" }(x))
      same(x:pad({ 1, 2, 0, 3 }, "constant", 0.5):values(), nn.Pad2d { padding = { 1, 2, 0, 3 }, value = 0.5 }(x))
      assert.matches("^Pad2d%(padding=%(2, 2, 2, 2%), mode=circular%)", tostring(nn.Pad2d { 2, mode = "circular" }))
      assert.error_matches(function() nn.Pad2d { { 1, 2 } } end, "expected a whole number or {left, right, top, bottom}")
      assert.error_matches(function() nn.Pad2d { 1, mode = "reflect", value = 1 } end, "value: expected none in mode reflect")
   end)
end)

describe("other words", function()
   it("find the ops of shapes", function()
      local x = scute.zeros(2)
      for word, op in pairs { repeat_ = "tile", expand_dims = "unsqueeze", broadcast_to = "expand", fliplr = "flip",
         unbind = "split", take_along_dim = "gather", scatter_add_ = "scatter_add", onehot = "one_hot" } do
         assert.error_matches(function() return x[word] end, ("did you mean '%s'"):format(op))
      end
      assert.error_matches(function() return scute.cat end, "did you mean 'scute.concat'")
      assert.error_matches(function() return scute.nn.ReflectionPad2d end, "did you mean 'scute.nn.Pad2d'")
   end)
end)
