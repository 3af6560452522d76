local scute = require "scute"

describe("printing a tensor", function()
   it("shows a scalar on one line", function()
      assert.equal("tensor f32 cpu (): 3.5000", tostring(scute.tensor(3.5)))
      assert.equal("tensor i64 cpu (): -7", tostring(scute.tensor(-7, { dtype = "i64" })))
   end)

   it("shows whole numbers without a fraction and others with four decimals", function()
      assert.equal("tensor f32 cpu (3)\n   1.  -2.  30.", tostring(scute.tensor { 1, -2, 30 }))
      assert.equal("tensor f64 ref (2)\n   0.5000  -1.2500",
         tostring(scute.tensor({ 0.5, -1.25 }, { dtype = "f64", device = "ref" })))
      assert.equal("tensor u8 cpu (2)\n    1  200", tostring(scute.tensor({ 1, 200 }, { dtype = "u8" })))
   end)

   it("uses an exponent where sizes differ a thousandfold", function()
      assert.equal("tensor f64 cpu (2)\n  1.0000e-05  2.5000e+00",
         tostring(scute.tensor({ 1e-5, 2.5 }, { dtype = "f64" })))
   end)

   it("shows what is not a number", function()
      assert.equal("tensor f32 cpu (4)\n     nan     inf    -inf  0.5000",
         tostring(scute.tensor { 0 / 0, 1 / 0, -1 / 0, 0.5 }))
   end)

   it("shows matrices by rows and higher ranks by slices", function()
      assert.equal("tensor i64 cpu (2, 2)\n  1  2\n  3  4", tostring(scute.tensor({ { 1, 2 }, { 3, 4 } }, { dtype = "i64" })))
      local t = scute.tensor({ { { 1, 2 }, { 3, 4 } }, { { 5, 6 }, { 7, 8 } } }, { dtype = "i64" })
      assert.equal("tensor i64 cpu (2, 2, 2)\n(1, :, :)\n  1  2\n  3  4\n(2, :, :)\n  5  6\n  7  8", tostring(t))
   end)

   it("summarises large ones by their edges", function()
      local t = scute.arange(1, 1200, { dtype = "i64" })
      assert.equal("tensor i64 cpu (1200)\n     1     2     3  ...  1198  1199  1200", tostring(t))
      local lines = {}
      for line in tostring(t:reshape(40, 30)):gmatch "[^\n]+" do lines[#lines + 1] = line end
      assert.equal(8, #lines)
      assert.equal("     1     2     3  ...    28    29    30", lines[2])
      assert.equal("  ...", lines[5])
      assert.equal("  1171  1172  1173  ...  1198  1199  1200", lines[8])
   end)

   it("summarises those of many slices on a screen", function()
      local function lines(...)
         return select(2, tostring(scute.zeros(...)):gsub("\n", "")) + 1
      end
      assert.equal(20, lines(128, 64, 3, 3)) -- the first and last slices of the first two dimensions
      assert.equal(36, lines(32, 3, 224, 224))
      assert.equal(34, lines(64, 28, 28)) -- two at either end
      assert.equal(26, lines(50, 3, 3)) -- three
      assert.equal(26, lines(16, 1, 3, 3)) -- all of it would be 65
      assert.equal(46, lines(15, 2, 2))
      assert.matches("%(1, 1, :, :%)\n.-\n%.%.%.\n%(1, 4, :, :%)\n.-\n%.%.%.\n%(8, 1, :, :%)",
         tostring(scute.zeros(8, 4, 3, 3)))
   end)

   it("says that a gradient is required, and that a tensor was freed", function()
      local t = scute.zeros(1, { requires_grad = true })
      assert.equal("tensor f32 cpu (1) requires_grad\n  0.", tostring(t))
      t:free()
      assert.equal("tensor (freed)", tostring(t))
   end)
end)

describe("a tensor's names", function()
   local t = scute.zeros(2, 3)

   it("suggests the nearest method", function()
      assert.error_matches(function() return t:reshpe(3, 2) end, "no method or property 'reshpe'; did you mean 'reshape'%?")
      assert.error_matches(function() return t.shap end, "did you mean 'shape'%?")
      assert.error_matches(function() return t:completely_unknown_name() end, "no method or property 'completely_unknown_name'")
      assert.is_nil(t.grad)
   end)

   it("suggests the nearest function", function()
      assert.error_matches(function() return scute.zero(3) end, "scute%.zero: .*did you mean 'scute%.zeros'%?")
      assert.error_matches(function() return scute.modles end, "did you mean 'scute%.models'%?")
   end)
end)

describe("a tensor's index", function()
   local t = scute.tensor { { 1, 2, 3 }, { 4, 5, 6 } }

   it("takes 2.0 for 2, as Lua's tables do", function()
      assert.same({ 4, 5, 6 }, t[2.0]:values())
      assert.equal(6, t[{ 2.0, 3 }])
   end)

   it("is named as it was given", function()
      assert.error_matches(function() return t[math.maxinteger] end, "index 9223372036854775807 is out of range")
      assert.error_matches(function() return t[1.5] end, "found 1%.5")
      assert.error_matches(function() return t[{ { 1, 2, 3 } }] end, "expected {from, to}, found 3 entries")
   end)
end)

describe("creation", function()
   it("without a shape gives a scalar", function()
      assert.equal(0, scute.zeros():item())
   end)

   it("takes options alone, for a scalar", function()
      local t = scute.ones { dtype = "f64", device = "ref" }
      assert.same({ "f64", "ref", 0, 1 }, { t.dtype, t.device, t.rank, t:item() })
      assert.error_matches(function() scute.zeros { dtyp = "f64" } end, "zeros: unknown option 'dtyp'")
      assert.equal(0, scute.zeros({}).rank)
   end)

   it("refuses a gradient for whole numbers", function()
      assert.error_matches(function() scute.zeros(2, { dtype = "i64", requires_grad = true }) end,
         "'requires_grad': expected a floating%-point dtype, found i64")
   end)

   it("keeps the sign of the largest whole number", function()
      assert.equal(math.maxinteger, scute.tensor(math.maxinteger, { dtype = "i64" }):item())
   end)
end)

describe("whole numbers", function()
   local big = 2 ^ 53 | 0 -- the next ones are no doubles
   local function whole(list) return scute.tensor(list, { dtype = "i64" }) end

   it("keep all their digits", function()
      local t = whole { big + 1, big + 3, -big - 1 }
      assert.same({ big + 1, big + 3, -big - 1 }, t:values())
      assert.equal(big + 3, t[2])
      assert.equal(big + 3, t:sum():item())
      assert.equal(big + 3, t:max():item())
      assert.equal(-big - 1, t:min():item())
      assert.equal(2, t:argmax():item())
      assert.same({ big + 2, big + 4, -big }, (t + 1):values())
      assert.same({ 0, 2, -2 * big - 2 }, (t - (big + 1)):values())
      assert.same({ 3 * big + 3, 3 * big + 9, -3 * big - 3 }, (t * 3):values())
      assert.same({ -big - 1, -big - 3, big + 1 }, (-t):values())
      assert.same({ big + 1, big + 3, big + 1 }, t:abs():values())
      assert.same({ big + 1, big + 3, 0 }, t:relu():values())
      assert.same({ 0, 1, 0 }, t:gt(big + 2):values())
      assert.same({ 1, 0, 0 }, t:eq(big + 1):values())
      assert.same({ big + 2, big + 3, big + 2 }, t:maximum(whole { big + 2 }):values())
      assert.same({ big + 1, big + 1 }, scute.full({ 2 }, big + 1, { dtype = "i64" }):values())
      assert.same({ big + 1, big + 1 }, scute.zeros(2, { dtype = "i64" }):fill_(big + 1):values())
   end)

   it("end at the ends of their range", function()
      local high, low = whole { math.maxinteger }, whole { math.mininteger }
      assert.same({ math.maxinteger }, (high + 1):values())
      assert.same({ math.mininteger }, (low - 1):values())
      assert.same({ math.mininteger }, (high * -2):values())
      assert.same({ math.maxinteger }, (-low):values())
      assert.same(math.maxinteger, whole({ math.maxinteger, 5 }):sum():item())
      local bytes = scute.tensor({ 200, 1 }, { dtype = "u8" })
      assert.same({ 255, 2 }, (bytes + bytes):values())
      assert.same({ 0, 0 }, (scute.tensor({ 1, 1 }, { dtype = "u8" }) - bytes):values())
   end)
end)

describe("halves", function()
   it("beside a number are computed in float32: it need not be a half itself", function()
      local t = scute.tensor({ 30000, -20000 }, { dtype = "f16" })
      local scaled = t * 1e-8
      assert.equal("f16", scaled.dtype)
      assert.is_true(math.abs(scaled[1] - 3e-4) < 1e-6 and math.abs(scaled[2] + 2e-4) < 1e-6)
      assert.equal(0, (t / 1e5):gt(1):sum():item())
   end)

   it("collect the gradient of what was stretched in float32", function()
      local n = 3000 -- a bf16 that counts in ones stays at 256
      local a = scute.zeros({ dtype = "bf16" }):requires_grad_()
      scute.where(scute.ones({ n }, { dtype = "u8" }), a, scute.zeros({ n }, { dtype = "bf16" })):sum():backward()
      assert.is_true(math.abs(a.grad:item() - n) <= n * 2 ^ -8)
   end)
end)

describe("a long sum on ref", function()
   it("of the gradient of what was stretched is made in double", function()
      local n = 1 << 20
      local tiny = scute.full({ n }, 1e-8, { device = "ref" })
      local a = scute.zeros({ device = "ref" }):requires_grad_()
      -- 1 + 1e-8 is 1 in float32
      scute.mul(a, scute.concat({ scute.ones({ 1 }, { device = "ref" }), tiny }, 1)):sum():backward()
      assert.is_true(math.abs(a.grad:item() - (1 + n * 1e-8)) < 1e-5)
   end)
end)

describe("a tensor that takes part in a recorded computation", function()
   it("is not written in place", function()
      local x = scute.tensor({ 1, 2 }, { requires_grad = true })
      local y = x * 3
      for _, t in ipairs { x, y } do
         for _, write in ipairs { function() t:fill_(0) end, function() t:copy_(scute.zeros(2)) end } do
            assert.error_matches(write, "takes part in a recorded computation; write inside scute.no_grad")
         end
      end
      assert.same({ 3, 6 }, y:values())
      scute.no_grad(function() x:fill_(5) end)
      assert.same({ 5, 5 }, x:values())
   end)
end)

describe("no_grad", function()
   it("wants a function", function()
      assert.error_matches(function() scute.no_grad(5) end, "no_grad: expected a function, found 5")
      local callable = setmetatable({}, { __call = function(_, a) return a + 1 end })
      assert.equal(2, scute.no_grad(callable, 1))
   end)
end)

describe("a new tensor", function()
   it("is made where garbage is all that is in the way", function()
      collectgarbage()
      scute.flush()
      local limit = scute.memory().live + 3000000
      finally(function()
         scute.memory_limit(0)
         collectgarbage "restart"
      end)
      scute.memory_limit(limit)
      collectgarbage "stop" -- nothing goes unless it is asked for
      for _ = 1, 4 do scute.zeros(300000) end
      for _ = 1, 4 do scute.tensor({ 1 }):to("f64"):to "f32" end
      local x = scute.ones(100000)
      for _ = 1, 8 do x:to "f64" end
      for _ = 1, 8 do local _ = x:reshape(1, 100000)[1] end
      assert.error_matches(function() scute.zeros(1000000) end, "out of memory on cpu: 4%d+ bytes wanted")
   end)

   it("is no part of another one from entries that are no numbers", function()
      assert.error_matches(function() return scute.ones(4, 4)[{ { "a", 1 } }] end,
         "index: expected {from, to} with whole numbers, found 'a'")
   end)

   it("of a conversion has the options that there are", function()
      local x <close> = scute.ones(2)
      assert.error_matches(function() x:to { dtpe = "f64" } end, "to: unknown option 'dtpe'; did you mean 'dtype'?")
      assert.error_matches(function() x:to "f63" end, "to: expected a dtype %(f32, .* found 'f63'")
      assert.error_matches(function() x:to("cuda:x") end, "device 'cuda:x'")
      local w = scute.ones(1):requires_grad_()
      assert.error_matches(function() (w * 2):backward { retian = true } end, "backward: unknown option 'retian'")
   end)
end)
