-- Which runs of a search go on (see scute.experiment.halving), decided from records alone.
local sorted_keys = require "scute.base.sorted_keys"
local halving = require "scute.experiment.halving"

-- A plan of `count` variants and `folds` runs of each.
local function plan_of(count, folds, epochs, change)
   local plan = { variants = {}, budget = "epochs=" .. epochs, metric = "accuracy" }
   local runs = {}
   for v = 1, count do plan.variants[v] = { name = "v" .. v } end
   for fold = 1, folds do
      for v = 1, count do runs[#runs + 1] = { variant = "v" .. v, run = "fold" .. fold } end
   end
   for name, value in pairs(change or {}) do plan[name] = value end
   return plan, runs
end

-- Trains what a search asks for, where figure(v, fold, epoch) is what a run reaches. fails(variant, run): whether a run fails;
-- unranked: the variants that get no rank, as a set; loss: as figure (default: what the figure lacks). Returns epochs by
-- variant and run, those that were stopped, and in how many rounds.
local function search(plan, runs, figure, fails, unranked, loss)
   local records, failures, done, rounds = {}, {}, {}, 0
   local function find(list, run)
      for _, record in ipairs(list) do
         if record.run == run then return record end
      end
   end
   while true do
      local next_ones = halving.next(plan, runs, records, failures, unranked)
      if not next_ones then return done, halving.stopped(plan, runs, records, failures, unranked), rounds end
      rounds = rounds + 1
      assert.is_true(rounds < 20)
      for _, entry in ipairs(next_ones) do
         local name, run = entry.run.variant, entry.run.run
         records[name] = records[name] or {}
         local record = find(records[name], run)
         assert.equal(record ~= nil, entry.goes_on)
         if fails and fails(name, run) then
            failures[#failures + 1] = { variant = name, run = run, message = "it failed" }
         else
            if not record then
               record = { run = run, curve = {}, epochs = 0 }
               table.insert(records[name], record)
            end
            local last = entry.pause or tonumber(plan.budget:match "%d+")
            for epoch = record.epochs + 1, last do
               local v = tonumber(name:match "%d+")
               record.curve[epoch] = { epoch = epoch, val_accuracy = figure(v, run, epoch),
                  val_loss = loss and loss(v, run, epoch) or 1 - figure(v, run, epoch) }
            end
            record.epochs, record.state = last, entry.pause and "paused" or "finished"
            done[name .. run] = last
         end
      end
   end
end

local function total(done)
   local sum = 0
   for _, epochs in pairs(done) do sum = sum + epochs end
   return sum
end

describe("halving.rungs", function()
   it("keep half of the variants for twice the epochs", function()
      assert.same({ { 1, 2, 5 }, { 6, 3, 2 } }, { halving.rungs(12, 10) })
      assert.same({ { 4, 8, 16, 32 }, { 8, 4, 2, 1 } }, { halving.rungs(16, 64) })
   end)

   it("are as few as small searches allow", function()
      assert.same({ { 1 }, { 1 } }, { halving.rungs(2, 2) })
      assert.same({ {}, {} }, { halving.rungs(12, 1) })
      assert.same({ {}, {} }, { halving.rungs(1, 10) })
   end)
end)

describe("a search by halving", function()
   it("takes at most 35 % of the grid of 12 variants, five folds and ten epochs", function()
      local plan, runs = plan_of(12, 5, 10)
      local done = search(plan, runs, function(v) return v / 20 end)
      assert.is_true(total(done) / (12 * 5 * 10) <= 0.35)
   end)

   it("finishes the best and says of the others where they were stopped", function()
      local plan, runs = plan_of(12, 2, 10)
      local done, stopped = search(plan, runs, function(v, run, epoch)
         return (v + epoch) / 40 + (run == "fold1" and 0.01 or 0)
      end)
      assert.same({ 10, 10, 5, 2, 1 }, { done.v12fold1, done.v11fold2, done.v10fold1, done.v8fold1, done.v6fold1 })
      assert.equal("stopped after epoch 1: 0.18, 7th of 12", stopped.v6.words)
      assert.equal("stopped after epoch 5: 0.38, 3rd of 3", stopped.v10.words)
      assert.is_nil(stopped.v12)
   end)

   it("knows a metric of which less is better", function()
      local plan, runs = plan_of(6, 1, 9, { metric = "loss", lower = true })
      local done = search(plan, runs, function(v) return v / 10 end)
      assert.same({ 9, 2 }, { done.v6fold1, done.v1fold1 })
   end)

   it("lets the loss decide where figures are equal", function()
      -- Three runs whose accuracies are the same in another order, so that their sums differ in the last digit.
      local of_run = { fold1 = 1, fold2 = 2, fold3 = 3 }
      local function figure(v, run) return ({ 0.1, 0.2, 0.7 })[(of_run[run] + v) % 3 + 1] end
      local plan, runs = plan_of(3, 3, 2)
      local done, stopped = search(plan, runs, figure, nil, nil, function(v) return ({ 0.4, 0.3, 7e-17 })[v] end)
      assert.same({ 1, 2, 2 }, { done.v1fold1, done.v2fold1, done.v3fold1 })
      assert.matches("3rd of 3$", stopped.v1.words)
   end)

   it("counts the loss of the best epoch", function()
      local plan, runs = plan_of(2, 1, 9)
      local losses = { { 0.1, 0.9, 0.8, 0.7 }, { 0.2, 0.9, 0.6, 0.5 } }
      local done = search(plan, runs, function(_, _, epoch) return epoch > 1 and 1 or 0.5 end, nil, nil, function(v, _, epoch)
         return losses[v][epoch] or 1
      end)
      assert.same({ 4, 9 }, { done.v1fold1, done.v2fold1 })
   end)

   it("takes the first of the plan where variants are equal", function()
      local plan, runs = plan_of(2, 2, 2)
      local done, stopped = search(plan, runs, function() return 0.5 end)
      assert.same({ 2, 2, 1, 1 }, { done.v1fold1, done.v1fold2, done.v2fold1, done.v2fold2 })
      assert.equal("stopped after epoch 1: 0.5, 2nd of 2", stopped.v2.words)
   end)

   it("takes the best figure so far, not the last", function()
      local plan, runs = plan_of(2, 1, 9)
      local done = search(plan, runs, function(v, _, epoch) return v == 2 and epoch == 2 and 0.9 or 0.5 end)
      assert.same({ 4, 9 }, { done.v1fold1, done.v2fold1 })
   end)

   it("goes on without variants of which a run failed", function()
      local plan, runs = plan_of(4, 2, 9)
      local done, stopped = search(plan, runs, function(v) return v / 10 end, function(name, run)
         return name == "v4" and run == "fold2"
      end)
      assert.same({ 9, 4, 2, 2 }, { done.v3fold1, done.v2fold1, done.v1fold1, done.v4fold1 })
      assert.same({ true, nil }, { stopped.v1 ~= nil, stopped.v4 })
   end)

   it("keeps no variant that gets no rank in the place of one that may be chosen", function()
      local plan, runs = plan_of(4, 1, 4)
      local done, stopped = search(plan, runs, function(v) return v / 10 end, nil, { v4 = true, v3 = true })
      assert.same({ 1, 1, 2, 4 }, { done.v4fold1, done.v3fold1, done.v1fold1, done.v2fold1 })
      assert.equal("stopped after epoch 1: 0.4, 3rd of 4", stopped.v4.words)
   end)

   it("goes on with a variant of which only a test failed", function()
      local plan, runs = plan_of(2, 1, 2)
      local records, failures = {}, { { variant = "v1", run = "fold1", kind = "test", message = "no memory" } }
      for v, figure in ipairs { 0.9, 0.8 } do
         records["v" .. v] = { { run = "fold1", state = v == 1 and "finished" or "paused", epochs = 3 - v,
            curve = { { epoch = 1, val_accuracy = figure } } } }
      end
      assert.is_nil(halving.next(plan, runs, records, failures))
      assert.same({ "v2" }, sorted_keys(halving.stopped(plan, runs, records, failures)))
   end)

   it("chooses in each outer fold by that alone", function()
      local plan, runs = plan_of(3, 2, 9)
      for i, run in ipairs(runs) do
         runs[i] = { variant = run.variant, run = run.run .. ".1", fold = tonumber(run.run:match "%d+"), inner = 1 }
      end
      local done, stopped = search(plan, runs, function(v, run) return run:find "^fold1" and v / 10 or 1 - v / 10 end)
      assert.same({ 9, 4, 4, 9 }, { done["v3fold1.1"], done["v1fold1.1"], done["v3fold2.1"], done["v1fold2.1"] })
      assert.same({ 4, "stopped early in 1 of 2 outer folds" }, { stopped.v1.epoch, stopped.v1.words })
      assert.is_nil(stopped.v2)
   end)

   it("trains all variants to the end where there is one epoch", function()
      local plan, runs = plan_of(3, 1, 1)
      local done, stopped, rounds = search(plan, runs, function() return 0.5 end)
      assert.same({ 3, 1 }, { total(done), rounds })
      assert.is_nil(next(stopped))
   end)

   it("decides anew where a variant was added", function()
      local plan, runs = plan_of(2, 1, 3)
      local records = {
         v1 = { { run = "fold1", state = "finished", epochs = 3, curve = { { epoch = 1, val_accuracy = 0.6 } } } },
         v2 = { { run = "fold1", state = "paused", epochs = 1, curve = { { epoch = 1, val_accuracy = 0.5 } } } } }
      assert.is_nil(halving.next(plan, runs, records))
      plan.variants[3], runs[3] = { name = "v3" }, { variant = "v3", run = "fold1" }
      assert.same({ { run = runs[3], pause = 1, goes_on = false } }, halving.next(plan, runs, records))
      plan.variants[4], runs[4] = { name = "v4" }, { variant = "v4", run = "fold1" }
      for _, name in ipairs { "v3", "v4" } do
         records[name] = { { run = "fold1", state = "paused", epochs = 1, curve = { { epoch = 1, val_accuracy = 0.7 } } } }
      end
      assert.equal("stopped after epoch 1: 0.6, 3rd of 4; it had gone on to epoch 3 before",
         halving.stopped(plan, runs, records).v1.words)
   end)
end)
