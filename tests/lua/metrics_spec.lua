local scute = require "scute"
local metrics = require "scute.metrics"

describe("metrics.confusion", function()
   it("counts predictions by actual class, over several batches", function()
      local c = metrics.confusion(3)
      c:add({ 1, 2 }, { 1, 1 }):add({ 3, 3, 2 }, { 3, 2, 2 })
      assert.same({ { 1, 1, 0 }, { 0, 1, 1 }, { 0, 0, 1 } }, c:rows())
      assert.equal(5, c.total)
      assert.equal(2, c:support(1))
   end)

   it("takes tensors", function()
      local c = metrics.confusion { "a", "b" }
      c:add(scute.tensor({ 1, 2, 2 }, { dtype = "i64" }), scute.tensor({ 1, 2, 1 }, { dtype = "i64" }))
      assert.same({ { 1, 1 }, { 0, 1 } }, c:rows())
   end)

   it("weighs every photo the same in the accuracy, every class the same in the balanced one", function()
      local c = metrics.confusion(2)
      c:add({ 1, 1, 1, 1, 1, 1, 1, 1, 1 }, { 1, 1, 1, 1, 1, 1, 1, 1, 2 })
      assert.equal(8 / 9, c:accuracy())
      assert.equal(0.5, c:balanced_accuracy())
   end)

   it("leaves classes that did not occur out of the balanced accuracy", function()
      assert.equal(1, metrics.confusion(5):add({ 2 }, { 2 }):balanced_accuracy())
   end)

   it("is NaN where nothing was counted", function()
      local c = metrics.confusion(2)
      assert.is_true(c:accuracy() ~= c:accuracy())
      assert.is_true(c:balanced_accuracy() ~= c:balanced_accuracy())
   end)

   it("lists the largest mistakes first", function()
      local c = metrics.confusion(3)
      c:add({ 2, 2, 3, 1, 1 }, { 1, 1, 1, 3, 1 })
      assert.same({ { 1, 2, 2 }, { 1, 3, 1 } }, c:most_confused(2))
   end)

   it("merges folds", function()
      local a, b = metrics.confusion(2):add({ 1 }, { 1 }), metrics.confusion(2):add({ 1, 2 }, { 2, 2 })
      a:merge(b)
      assert.equal(3, a.total)
      assert.equal(2 / 3, a:accuracy())
      assert.error_matches(function() a:merge(metrics.confusion(3)) end, "do not merge")
   end)

   it("refuses class numbers out of range and lists of different length", function()
      local c = metrics.confusion(2)
      assert.error_matches(function() c:add({ 3 }, { 1 }) end, "expected predicted classes from 1 to 2, found 3")
      assert.error_matches(function() c:add({ 1 }, { 0 }) end, "expected actual classes")
      assert.error_matches(function() c:add(1, 2) end, "expected predicted classes as a list or a tensor, found 1")
      assert.error_matches(function() c:add({ 1, 2 }, { 1 }) end, "2 predictions for 1 photos")
      assert.error_matches(function() metrics.confusion(0) end, "expected a number of classes")
   end)
end)

describe("metrics.mean", function()
   it("weighs values by their samples", function()
      local m = metrics.mean():add(1, 32):add(4, 1)
      assert.equal(36 / 33, m:value())
   end)

   it("is NaN where nothing was added", function()
      local value = metrics.mean():value()
      assert.is_true(value ~= value)
   end)
end)

describe("metrics.interval", function()
   it("is Wilson's", function()
      for _, case in ipairs { { 0, 10, 0, 0.27753 }, { 10, 10, 0.72247, 1 }, { 5, 10, 0.23659, 0.76341 },
         { 38, 44, 0.73289, 0.93596 } } do
         local low, high = metrics.interval(case[1], case[2])
         assert.is_true(math.abs(low - case[3]) < 1e-4 and math.abs(high - case[4]) < 1e-4, low .. " " .. high)
      end
      local low = metrics.interval(0, 0)
      assert.is_true(low ~= low)
   end)

   it("gives and takes its counts without the zeros", function()
      local full = metrics.confusion(3000):add({ 1, 3000, 7 }, { 1, 2, 7 }):add({ 7 }, { 7 })
      local cells = full:cells()
      assert.same({ { 1, 1, 1 }, { 2, 3000, 1 }, { 7, 7, 2 } }, cells)
      local again = metrics.confusion(3000):add_cells(cells)
      assert.equal(4, again.total)
      assert.equal(full:accuracy(), again:accuracy())
   end)
end)
