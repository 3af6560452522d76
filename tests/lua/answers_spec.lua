-- What train.fit returns about each photo that validated.
local scute = require "scute"
local evaluate, metrics, train = scute.evaluate, scute.metrics, scute.train
local short_run = dofile "tests/lua/short_run.lua"
local goes_on = dofile "tests/lua/goes_on.lua"
local scratch = dofile "tests/lua/scratch.lua"

local root

local function make(change)
   return short_run(root, { epochs = 3, batch_size = 16, rate = 0.03 }, change)
end

setup(function() root = scratch.make(true) end) -- with a file that is no photo
teardown(function() scratch.remove(root) end)

describe("answers", function()
   it("are those of the best epoch, as looking again gives them", function()
      local model, set, o = make()()
      local result = train.fit(model, set, o)
      local seen = scute.score(model, set.val, { want = { "guesses", "logits", "losses" } })
      local again = evaluate.photos(model, set.val, set.classes, { workers = 1 })
      assert.equal(#seen.indices, #result.answers)
      assert.same(seen.logits:totable(), result.answers.logits:totable())
      for i, index in ipairs(seen.indices) do
         local answer = result.answers[i]
         assert.same(again[i], answer)
         assert.equal(set.val.paths[index], answer.path)
         assert.equal(seen.guesses[i], answer.predicted)
         assert.near(seen.losses[i], answer.loss, 1e-6) -- float32
      end
      assert.matches("^records of 6 photos: accuracy ", tostring(result.answers))
   end)

   it("are what statistics take", function()
      local model, set, o = make()()
      local result = train.fit(model, set, o)
      local summary = evaluate.summary(result.answers, set.classes, { resamples = 100 })
      assert.equal(result.best.val_accuracy, summary.accuracy)
      assert.same(result.confusion:cells(), summary.confusion:cells())
      assert.near(result.best.val_loss, summary.log_loss, 1e-6) -- float32
      assert.equal(1, metrics.mcnemar(result.answers, result.answers).p)
   end)

   it("survive a run that is broken off after its best epoch", function()
      local change = { best_by = "loss", schedule = function(_, epoch) return epoch == 1 and 1 or 1000 end, batch_size = 8 }
      local _, _, whole, resumed = goes_on.both(make(change), root .. "/out", 4)
      assert.equal(1, resumed.best.epoch)
      assert.equal(6, #resumed.answers)
      for i, answer in ipairs(whole.answers) do assert.same(answer, resumed.answers[i]) end
   end)
end)

describe("metrics.mcnemar", function()
   -- n photos of which `right` says which were right.
   local function answered(right)
      local list = {}
      for i = 1, #right do
         list[i] = { path = "p" .. i, truth = 1, predicted = right:sub(i, i) == "x" and 1 or 2 }
      end
      return list
   end

   it("tells whether two models differ by more than chance", function()
      local found = metrics.mcnemar(answered "xxxxxxxx--x", answered "x--------x-")
      assert.same({ 8, 1, 11 }, { found.only_first, found.only_second, found.photos })
      assert.near(2 * (1 + 9) / 2 ^ 9, found.p, 1e-12) -- 2 P(X <= 1), X of 9 coins
      assert.equal(1, metrics.mcnemar(answered "x-", answered "-x").p)
      assert.is_true(metrics.mcnemar(answered(("x"):rep(900)), answered(("-"):rep(900))).p < 1e-250)
      assert.matches("first alone right: 8, second alone: 1, of 11 photos; p = 0.039", tostring(found), 1, true)
   end)

   it("pairs by photo, whatever the order, and refuses other photos", function()
      local a, b = answered "xx-", answered "-x-"
      b[1], b[2] = b[2], b[1]
      assert.same({ 1, 0 }, { metrics.mcnemar(a, b).only_first, metrics.mcnemar(a, b).only_second })
      b[1].path = "other"
      assert.error_matches(function() metrics.mcnemar(a, b) end, "'other' is among the second answers only")
      assert.error_matches(function() metrics.mcnemar(a, answered "x") end, "about the same photos, found 3 and 1")
      assert.error_matches(function() metrics.mcnemar(a) end, "expected two lists of answers")
      b = answered "xx-"
      b[2].truth = 2
      assert.error_matches(function() metrics.mcnemar(a, b) end, "'p2' is of class 1 for the first and of 2 for the second")
   end)
end)
