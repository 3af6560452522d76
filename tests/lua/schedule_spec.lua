local schedule = require "scute.schedule"

local function factors(s, steps_per_epoch, epochs)
   local list = {}
   for step = 0, steps_per_epoch * epochs - 1 do
      list[#list + 1] = s.factor { step = step, steps_per_epoch = steps_per_epoch, epochs = epochs }
   end
   return list
end

local function near(expected, found)
   assert.is_true(math.abs(expected - found) < 1e-12, ("expected %.15g, found %.15g"):format(expected, found))
end

describe("schedule.warmup_cosine", function()
   it("rises by equal parts to the full rate and never starts at zero", function()
      local list = factors(schedule.warmup_cosine { warmup = 1, epochs = 5 }, 4, 5)
      for step, expected in ipairs { 0.25, 0.5, 0.75, 1 } do near(expected, list[step]) end
   end)

   it("is continuous at the join and ends exactly at the minimum", function()
      for _, minimum in ipairs { 0, 0.1 } do
         local list = factors(schedule.warmup_cosine { warmup = 2, epochs = 10, minimum = minimum }, 7, 10)
         assert.equal(70, #list)
         near(1, list[14])
         assert.is_true(list[15] < 1 and list[15] > 0.99)
         assert.equal(minimum, list[70])
         for i = 15, 70 do assert.is_true(list[i] < list[i - 1]) end
      end
   end)

   it("is half way down half way through", function()
      local list = factors(schedule.warmup_cosine { warmup = 0, epochs = 1 }, 101, 1)
      near(1, list[1])
      near(0.5, list[51])
      assert.equal(0, list[101])
   end)

   it("works where the warmup is as long as the run, or longer", function()
      for _, warmup in ipairs { 3, 30 } do
         local list = factors(schedule.warmup_cosine { warmup = warmup, epochs = 3 }, 2, 3)
         near(1, list[5])
         assert.equal(0, list[6])
      end
   end)

   it("gives a single step the full rate", function()
      assert.same({ 1 }, factors(schedule.warmup_cosine { epochs = 1 }, 1, 1))
   end)

   it("takes the run's epochs where none are given", function()
      assert.same(factors(schedule.warmup_cosine { epochs = 4 }, 3, 4), factors(schedule.warmup_cosine(), 3, 4))
   end)

   it("refuses what makes no sense", function()
      assert.error_matches(function() schedule.warmup_cosine { warmpu = 1 } end, "did you mean 'warmup'")
      assert.error_matches(function() schedule.warmup_cosine { warmup = -1 } end, "expected warmup from 0")
      assert.error_matches(function() schedule.warmup_cosine { minimum = 0 / 0 } end, "expected minimum from 0 to 1")
   end)
end)

describe("schedule.constant", function()
   it("stays at 1", function()
      assert.same({ 1, 1, 1, 1 }, factors(schedule.constant(), 2, 2))
   end)
end)
