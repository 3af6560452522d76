-- How often multinomial draws what, and that it draws the same again.
local scute = require "scute"

-- Five standard deviations of `n` draws of probability p.
local function near(count, n, p)
   local off = math.abs(count - n * p)
   assert.is_true(off <= 5 * math.sqrt(n * p * (1 - p)), ("%d of %d, expected %g"):format(count, n, n * p))
end

local DEVICES = { "cpu", "ref" }

describe("multinomial", function()
   it("draws with replacement as the weights say", function()
      for _, device in ipairs(DEVICES) do
         scute.manual_seed(5)
         local n = 20000
         local x = scute.tensor({ 0, 1, 0, 3, 4, 0 }, { device = device })
         local counts = x:multinomial(n, true):bincount(nil, 6):values()
         assert.same({ 0, 0, 0 }, { counts[1], counts[3], counts[6] })
         near(counts[2], n, 1 / 8)
         near(counts[4], n, 3 / 8)
         near(counts[5], n, 4 / 8)
      end
   end)

   it("draws without replacement one after the other", function()
      for _, device in ipairs(DEVICES) do
         scute.manual_seed(6)
         local n, first, second = 20000, { 0, 0, 0, 0 }, { 0, 0, 0, 0 }
         local rows = scute.tensor({ { 2, 0, 1, 1 } }, { device = device }):index_select(1, scute.ones(n,
            { dtype = "i64", device = device }))
         for _, row in ipairs(rows:multinomial(2):totable()) do
            assert.are_not.equal(row[1], row[2])
            first[row[1]], second[row[2]] = first[row[1]] + 1, second[row[2]] + 1
         end
         near(first[1], n, 1 / 2)
         near(first[3], n, 1 / 4)
         assert.equal(0, first[2] + second[2])
         near(second[1], n, 1 / 4 * 2 / 3 * 2) -- after one of the others, of which two thirds are left
      end
   end)

   it("never draws what has no weight, also where the others have hardly any", function()
      for _, device in ipairs(DEVICES) do
         for _, replacement in ipairs { true, false } do
            local x = scute.tensor({ 0, 1e-310, 0, 1e-310, 0 }, { dtype = "f64", device = device })
            local found = x:multinomial(2, replacement):values()
            for _, k in ipairs(found) do assert(k == 2 or k == 4) end
         end
      end
   end)

   it("draws the same again from the same seed, on each device, and something else next time", function()
      local x = scute.rand(3, 500)
      for _, replacement in ipairs { true, false } do
         local seen
         for _, device in ipairs(DEVICES) do
            scute.manual_seed(8)
            local found = x:to(device):multinomial(50, replacement):values()
            assert.same(seen or found, found)
            seen = found
            assert.are_not.same(found, x:to(device):multinomial(50, replacement):values())
         end
      end
   end)

   it("names the weight that is wrong", function()
      local function says(expected, ...)
         local ok, message = pcall(scute.multinomial, ...)
         assert.is_false(ok)
         assert.matches(expected, message, 1, true)
      end
      says("expected weights from 0, found nan at position 2 of row 1", scute.tensor { 1, 0 / 0 }, 1)
      says("expected weights from 0, found inf at position 3 of row 2", scute.tensor { { 1, 1, 1 }, { 1, 1, 1 / 0 } }, 1)
      says("expected weights from 0, found -2 at position 1 of row 2", scute.tensor { { 1, 1 }, { -2, 1 } }, 1)
      says("the weights of row 2 are all 0", scute.tensor { { 1, 1 }, { 0, -0.0 } }, 1, true)
      says("'num_samples': expected at most 1, for so many weights of row 2 are above 0, found 2",
         scute.tensor { { 1, 1 }, { 0, 1 } }, 2)
      says("the sum of row 1 is too large", scute.tensor({ 1e308, 1e308 }, { dtype = "f64" }), 1)
   end)
end)
