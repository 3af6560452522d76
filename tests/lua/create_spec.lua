-- Tensors out of nothing: eye, linspace, randint, randperm.
local scute = require "scute"

local function rows(t)
   return t:totable()
end

-- What a call says that is refused.
local function says(expected, f, ...)
   local ok, message = pcall(f, ...)
   assert.is_false(ok, expected)
   assert.matches(expected, message, 1, true)
end

describe("a table of numbers", function()
   it("has no options among them, which nobody would read", function()
      says("zeros: argument 'shape': expected a list, found 'dtype' in it", scute.zeros, { 2, 3, dtype = "f64" })
      says("tensor({ ... }, { dtype = ... })", scute.tensor, { 1, 2, dtype = "i64" })
      assert.same({ 2 }, scute.tensor(table.pack(1, 2)).shape)
   end)
end)

describe("eye", function()
   it("has ones where row and column are the same", function()
      assert.same({ { 1, 0 }, { 0, 1 } }, rows(scute.eye(2)))
      assert.same({ { 1, 0, 0 }, { 0, 1, 0 } }, rows(scute.eye(2, 3)))
      assert.same({ { 1 }, { 0 }, { 0 } }, rows(scute.eye(3, 1)))
      for _, dtype in ipairs { "f32", "f64", "f16", "bf16", "i64", "u8" } do
         assert.same({ 1, 0, 0, 0, 1, 0 }, scute.eye(2, 3, { dtype = dtype }):to("f32"):values())
      end
      local e = scute.eye(2, { dtype = "u8", device = "ref" })
      assert.same({ "u8", "ref" }, { e.dtype, e.device })
      assert.is_true(scute.eye(2, { requires_grad = true }).requires_grad)
   end)

   it("names the argument that is wrong", function()
      says("eye: argument 'n': expected a whole number, found nothing", scute.eye)
      says("eye: argument 'n': expected at least 1, found 0", scute.eye, 0)
      says("eye: argument 'columns': expected a whole number, found 1.5", scute.eye, 2, 1.5)
      says("eye: too many arguments: expected at most 2 and a table of options, found 4", scute.eye, 2, 3, 4)
      says("eye: unknown option 'dtyp'", scute.eye, 2, { dtyp = "f32" })
   end)
end)

describe("linspace", function()
   it("has both ends exactly, and equal steps", function()
      assert.same({ 0, 0.25, 0.5, 0.75, 1 }, rows(scute.linspace(0, 1, 5)))
      assert.same({ 3, 1, -1 }, rows(scute.linspace(3, -1, 3)))
      assert.same({ 7 }, rows(scute.linspace(7, 9, 1)))
      assert.same({ 0, 3, 6, 10 }, rows(scute.linspace(0, 10, 4, { dtype = "i64" })))
      for _, n in ipairs { 2, 3, 10, 101 } do
         local values = rows(scute.linspace(0.1, 0.7, n, { dtype = "f64" }))
         assert.same({ 0.1, 0.7, n }, { values[1], values[n], #values })
      end
      assert.same({ -1e308, 0, 1e308 }, rows(scute.linspace(-1e308, 1e308, 3, { dtype = "f64" })))
      assert.same({ 0, 255 }, rows(scute.linspace(0, 255, 2, { dtype = "u8" })))
   end)

   it("names the argument that is wrong", function()
      says("linspace: argument 'first': expected a finite number, found nothing", scute.linspace)
      says("linspace: argument 'last': expected a finite number, found", scute.linspace, 0, 0 / 0, 3)
      says("linspace: argument 'steps': expected a whole number, found nothing", scute.linspace, 0, 1)
      says("linspace: argument 'steps': expected at least 1, found 0", scute.linspace, 0, 1, 0)
      says("linspace: too many arguments", scute.linspace, 0, 1, 3, 4)
      says("linspace: argument 'first': expected a number that u8 holds, found -3", scute.linspace, -3, 5, 3, { dtype = "u8" })
      says("linspace: argument 'last': expected a number that u8 holds, found 256", scute.linspace, 0, 256, 3, { dtype = "u8" })
      says("linspace: argument 'last': expected a number that f16 holds", scute.linspace, 0, 1e6, 3, { dtype = "f16" })
      says("linspace: argument 'first': expected a number that f32 holds", scute.linspace, -1e39, 0, 3)
   end)
end)

describe("randint", function()
   it("draws from low up to and with high, or from 1", function()
      scute.manual_seed(3)
      local seen = {}
      for _, value in ipairs(scute.randint(-1, 1, 100):values()) do seen[value] = true end
      assert.same({ [-1] = true, [0] = true, [1] = true }, seen)
      for _, value in ipairs(scute.randint(2, { 5, 20 }):values()) do assert(value == 1 or value == 2) end
      assert.same({ 5, 5 }, rows(scute.randint(5, 5, 2)))
      assert.same({ math.mininteger }, rows(scute.randint(math.mininteger, math.mininteger, 1)))
   end)

   it("takes a shape as numbers or as a table, and options", function()
      assert.same({ 2, 3 }, scute.randint(1, 9, 2, 3).shape)
      assert.same({ 2, 3 }, scute.randint(1, 9, { 2, 3 }).shape)
      local t = scute.randint(9, { 2, 3 }, { dtype = "f32", device = "ref" })
      assert.same({ "f32", "ref", 2 }, { t.dtype, t.device, t.rank })
      assert.equal("i64", scute.randint(1, 9, 2).dtype)
   end)

   it("repeats itself with the seed, whatever the shape", function()
      scute.manual_seed(4)
      local first, second = scute.randint(1, 1000, 6):values(), scute.randint(1, 1000, 6):values()
      assert.are_not.same(first, second)
      scute.manual_seed(4)
      assert.same(first, scute.randint(1, 1000, 2, 3):values())
      assert.same(second, scute.randint(1, 1000, 3, 2):values())
   end)

   it("names the argument that is wrong", function()
      says("randint: argument 'high': expected a whole number, found nothing", scute.randint, 5)
      says("randint: argument 'low': expected a whole number, found 0.5", scute.randint, 0.5, 2, 3)
      says("randint: expected a 'low' of at most 'high', found 3 and 2", scute.randint, 3, 2, 5)
      says("randint: a shape is one table, or the numbers themselves", scute.randint, 9, { 2 }, 2)
      says("u8 holds the whole numbers from 0 to 255, not all from 1 to 256", scute.randint, 1, 256, 2, { dtype = "u8" })
      says("f16 holds the whole numbers from -2048 to 2048", scute.randint, 1, 2049, 2, { dtype = "f16" })
   end)
end)

describe("randperm", function()
   it("takes a dtype and a device", function()
      local t = scute.randperm(5, { dtype = "f32", device = "ref" })
      assert.same({ "f32", "ref" }, { t.dtype, t.device })
      local sorted = t:sort()
      assert.same({ 1, 2, 3, 4, 5 }, rows(sorted))
   end)

   it("names the argument that is wrong", function()
      says("randperm: argument 'n': expected a whole number, found nothing", scute.randperm)
      says("randperm: argument 'n': expected at least 1, found -1", scute.randperm, -1)
      says("randperm: too many arguments", scute.randperm, 3, 4)
      says("u8 holds the whole numbers from 0 to 255, not all from 1 to 300", scute.randperm, 300, { dtype = "u8" })
   end)
end)
