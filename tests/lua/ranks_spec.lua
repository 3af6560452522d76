-- Which of several processes holds up the others.
local straggler = require("scute.train.ranks").straggler

-- list: { photos, seconds } of each process.
local function of(...)
   local list = {}
   for i, entry in ipairs { ... } do list[i] = { photos = entry[1], seconds = entry[2] } end
   return straggler(list)
end

describe("a straggler", function()
   it("takes longer than the median of the others by a clear margin", function()
      assert.same({ 2, 2, 10 }, { of({ 100, 10 }, { 100, 20 }) })
      assert.same({ 1, 3, 16 }, { of({ 64, 48 }, { 64, 16 }, { 64, 15 }, { 64, 17 }) })
      assert.equal(3, (of({ 100, 10 }, { 100, 10 }, { 100, 15.1 })))
      assert.is_nil(of({ 100, 10 }, { 100, 10 }, { 100, 14.9 }))
      assert.is_nil(of({ 100, 10 }, { 100, 10 }))
   end)

   it("is the slowest one, of equals the first", function()
      assert.equal(2, (of({ 100, 20 }, { 100, 30 }, { 100, 10 }, { 100, 10 }, { 100, 10 })))
      assert.equal(2, (of({ 100, 10 }, { 100, 20 }, { 100, 20 }, { 100, 10 }, { 100, 10 })))
      assert.is_nil(of({ 100, 20 }, { 100, 20 }, { 100, 20 }, { 100, 10 })) -- most are slow: one is fast
   end)

   it("costs seconds, not moments", function()
      assert.is_nil(of({ 100, 1 }, { 100, 3.9 }))
      assert.equal(2, (of({ 100, 1 }, { 100, 4 })))
      assert.is_nil(of({ 100, 0 }, { 100, 2 }))
   end)

   it("is not who has more photos, nor who has fewer", function()
      assert.is_nil(of({ 100, 10 }, { 200, 20 }))
      assert.is_nil(of({ 100, 10 }, { 200, 29 }))
      assert.equal(2, (of({ 100, 10 }, { 200, 31 })))
      assert.is_nil(of({ 100, 10 }, { 10, 10 })) -- what every step costs
   end)

   it("needs others that have photos", function()
      assert.is_nil(of({ 100, 10 }))
      assert.is_nil(of())
      assert.is_nil(of({ 100, 10 }, { 0, 0.1 }))
      assert.is_nil(of({ 0, 50 }, { 100, 10 }, { 100, 10 }))
      assert.is_nil(of({ 0, 1 }, { 0, 50 }))
   end)
end)
