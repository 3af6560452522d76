-- What case tables cannot say of reductions: NaN and infinities, results of one element, halves, words of PyTorch.
local scute = require "scute"
local same = dofile "tests/lua/same_values.lua"

local NAN, INF = 0 / 0, math.huge

-- f of a tensor of these rows, and of the same standing on end, on every backend.
local function each_way(rows, f)
   for _, device in ipairs { "cpu", "ref" } do
      local x = scute.tensor(rows, { device = device })
      f(x:clone():requires_grad_(), 2, function(t) return t end)
      f(x:transpose(1, 2):detach():requires_grad_(), 1, function(t) return t:transpose(1, 2) end)
   end
end

describe("std and var", function()
   it("of one element are NaN, unless not corrected", function()
      each_way({ { 3 }, { -2 } }, function(x, dim)
         same({ NAN, NAN }, x:std(dim))
         same({ 0, 0 }, x:var(dim, 0))
         x:std(dim, 0):sum():backward()
         same({ 0, 0 }, x.grad)
      end)
   end)

   it("are NaN of what is not finite, and infinite where more is taken off than there is", function()
      each_way({ { 1, NAN, 2 }, { INF, 1, 2 }, { 1, 2, -INF } }, function(x, dim)
         same({ NAN, NAN, NAN }, x:var(dim))
         same({ NAN, NAN, NAN }, x:std(dim, 0))
      end)
      same({ INF }, scute.tensor({ 1, 2, 4 }):var(1, 5))
   end)

   it("do not suffer from a large mean or an outlier that comes first", function()
      local rows = { {}, { 1e6 } }
      for i = 1, 4000 do
         rows[1][i] = 1e5 + i % 2
         rows[2][i] = i == 1 and 1e6 or i % 2
      end
      each_way(rows, function(x, dim)
         local exact = x:detach():to "f64":var(dim):values()
         for i, found in ipairs(x:var(dim):values()) do assert.is_true(math.abs(found / exact[i] - 1) < 1e-6) end
      end)
   end)
end)

describe("norm", function()
   it("has the gradient 0 at 0, and shares it among equal magnitudes", function()
      for _, p in ipairs { 0.5, 1, 1.5, 2, 3, INF } do
         local x = scute.zeros(3):requires_grad_()
         x:norm(p):backward()
         same({ 0, 0, 0 }, x.grad)
      end
      each_way({ { 2, -2, 1 } }, function(x, dim, rows)
         x:norm(INF, dim):backward(scute.ones(1, { device = x.device }))
         same({ 0.5, -0.5, 0 }, rows(x.grad))
      end)
   end)

   it("keeps NaN, and squares that float32 has not", function()
      for _, p in ipairs { 1, 2, 3, INF, -INF } do
         each_way({ { 1, NAN, INF } }, function(x, dim) same({ NAN }, x:norm(p, dim)) end)
      end
      local y = scute.tensor({ 3e30, 4e30 }):norm():item()
      assert.is_true(math.abs(y / 5e30 - 1) < 1e-6)
      same({ 2 }, scute.tensor({ 0, NAN, -3 }):norm(0))
   end)
end)

describe("logsumexp", function()
   it("goes through infinities as PyTorch does", function()
      each_way({ { -INF, -INF, -INF }, { 1000, -INF, 1000 }, { INF, 1, 900 }, { NAN, INF, 1 } }, function(x, dim, rows)
         same({ -INF, 1000 + math.log(2), INF, NAN }, x:detach():to "f64":logsumexp(dim))
         x:logsumexp(dim):sum():backward()
         same({ NAN, NAN, NAN, 0.5, 0, 0.5, NAN, 0, 0, NAN, NAN, NAN }, rows(x.grad))
      end)
   end)
end)

describe("any and all", function()
   it("take NaN for true", function()
      each_way({ { 0, 0, NAN }, { 0, -0.0, 0 }, { 1, NAN, 2 } }, function(x, dim)
         same({ 1, 0, 1 }, x:any(dim))
         same({ 0, 0, 1 }, x:all(dim))
      end)
   end)
end)

describe("cumsum and prod", function()
   it("end at the ends of i64, and keep NaN", function()
      local top = math.maxinteger
      local x = scute.tensor({ top, 2, -3 }, { dtype = "i64" })
      assert.same({ top, top, top - 1 }, x:cumsum(1):values())
      assert.same({ math.mininteger }, x:prod():values())
      same({ 1, NAN, NAN }, scute.tensor({ 1, NAN, 2 }):cumsum(1))
      same({ NAN }, scute.tensor({ 0, INF }):prod())
   end)
end)

describe("every reduction", function()
   it("takes several dimensions as one after the other", function()
      local x = scute.randn(2, 3, 4, 5, { dtype = "f64" })
      for _, op in ipairs { "sum", "max", "min", "logsumexp", "prod" } do
         for _, dims in ipairs { { 1, 2 }, { 2, 3 }, { 1, 3 }, { -1, 1 }, { 4, 2, 1 } } do
            local each = x
            for _, dim in ipairs(dims) do each = scute[op](each, dim, true) end
            same(each:values(), scute[op](x, { dim = dims, keepdim = true }))
         end
      end
   end)

   it("refuses names among the dimensions, which nobody would read", function()
      local x = scute.ones(2, 3)
      assert.error_matches(function() x:sum { 1, keepdim = true } end,
         "sum: argument 'dim': expected a list, found 'keepdim' in it; .*: sum%({ ... }, { keepdim = ... }%)")
   end)

   it("of halves under autocast computes in f32", function()
      scute.autocast("bf16", function()
         local x = scute.randn(4, 300, { dtype = "bf16" })
         for _, op in ipairs { "std", "var", "norm", "logsumexp", "prod" } do assert.equal("f32", scute[op](x).dtype) end
         assert.equal("f32", x:cumsum(2).dtype)
      end)
   end)
end)
