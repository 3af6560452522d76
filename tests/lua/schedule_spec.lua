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
      assert.error_matches(function() schedule.warmup_cosine { warmup = -1 } end,
         "option 'warmup': expected a number of at least 0, found %-1")
      assert.error_matches(function() schedule.warmup_cosine { minimum = 0 / 0 } end,
         "option 'minimum': expected a number of at least 0 and of at most 1")
   end)
end)

describe("schedule.constant", function()
   it("stays at 1", function()
      assert.same({ 1, 1, 1, 1 }, factors(schedule.constant(), 2, 2))
   end)
end)

describe("schedules", function()
   local golden = require "cjson".decode(assert(io.open "tests/golden/parity/schedules.json"):read "a")
   local makers = {
      step = schedule.step { every = 3, gamma = 0.5 },
      multistep = schedule.multistep { at = { 2, 5, 7 }, gamma = 0.3 },
      exponential = schedule.exponential(0.9),
      cosine = schedule.cosine { minimum = 0.05 },
      warmup = schedule.warmup(6),
      linear = schedule.linear { minimum = 0.25 },
      cosine_restarts = schedule.cosine_restarts { first = 3, factor = 2, minimum = 0.1 },
      one_cycle = schedule.one_cycle(),
   }
   for name, made in pairs(makers) do
      it("are PyTorch's, a step an epoch: " .. name, function()
         local found = made:values { epochs = #golden[name], steps_per_epoch = 1 }
         assert.equal(#golden[name], #found)
         for i, expected in ipairs(golden[name]) do near(expected, found[i]) end
      end)
   end

   it("are PyTorch's: plateau, also from a saved state", function()
      local function made() return schedule.plateau { gamma = 0.5, patience = 1, cooldown = 1 } end
      local plateau = made()
      for i, loss in ipairs(golden.losses) do
         near(golden.plateau[i], plateau.factor { step = i - 1, steps_per_epoch = 1, epochs = 18 })
         plateau.observe { val_loss = loss }
         local again = made()
         again.load(plateau.save())
         plateau = again
      end
      assert.is_true(golden.plateau[18] < 0.3)
   end)

   it("know which figures are better when higher: all but losses, or as they are told", function()
      local function factor_after(values, given, is_lower)
         given.patience, given.gamma = 0, 0.5
         local plateau = schedule.plateau(given)
         for _, value in ipairs(values) do plateau.observe({ [given.metric] = value }, is_lower) end
         return plateau.factor { step = 0, steps_per_epoch = 1, epochs = 9 }
      end
      for _, name in ipairs { "val_accuracy", "balanced", "f1" } do
         assert.equal(1, factor_after({ 0.1, 0.2, 0.3 }, { metric = name }))
         assert.equal(0.25, factor_after({ 0.3, 0.2, 0.1 }, { metric = name }))
      end
      assert.equal(1, factor_after({ 3, 2, 1 }, { metric = "train_loss" }))
      assert.equal(1, factor_after({ 3, 2, 1 }, { metric = "cost" }, function(name) return name == "cost" end))
      assert.equal(1, factor_after({ 3, 2, 1 }, { metric = "balanced", direction = "min" }))
   end)

   it("join without a jump, whatever follows what", function()
      local joined = schedule.warmup(5):then_(schedule.cosine(25))
      local whole = schedule.warmup_cosine { warmup = 5, epochs = 30 }
      local a = joined:values { epochs = 30, steps_per_epoch = 7 }
      for i, value in ipairs(whole:values { epochs = 30, steps_per_epoch = 7 }) do near(value, a[i]) end
      local longer = joined:values { epochs = 40, steps_per_epoch = 7 }
      for i = 210, 280 do assert.equal(0, longer[i]) end
      local three = schedule.warmup(2):then_(schedule.cosine { epochs = 4, minimum = 0.2 }):then_(schedule.exponential(0.5))
      local list = three:values { epochs = 10, steps_per_epoch = 20 }
      for i = 2, #list do assert.is_true(math.abs(list[i] - list[i - 1]) < 0.05, i) end
      near(0.2, list[120])
   end)

   it("takes a plateau behind another one, whatever it has come to", function()
      local chain = schedule.warmup(1):then_(schedule.plateau { patience = 0, gamma = 0.1, metric = "val_loss" })
      local function factor(epoch) return chain.factor { step = 4 * epoch, steps_per_epoch = 4, epochs = 9 } end
      assert.equal(1, factor(2))
      for _ = 1, 2 do chain.observe { val_loss = 1 } end
      assert.is_true(math.abs(factor(3) - 0.1) < 1e-12)
      chain.reset()
      assert.equal(1, factor(4))
   end)

   it("do not join where what follows would be scaled to beyond the full rate", function()
      local joined = schedule.warmup(1):then_(schedule.one_cycle())
      assert.error_matches(function() joined:values { epochs = 4, steps_per_epoch = 5 } end,
         "'one_cycle' begins at 0.04 of the rate and 'warmup' before it ends at 1; put it first")
      local lower = schedule.constant(1):then_(schedule.exponential(0.1)):values { epochs = 3, steps_per_epoch = 4 }
      for _, factor in ipairs(lower) do assert.is_true(factor <= 1) end
   end)

   it("end exactly at their minimum", function()
      for _, minimum in ipairs { 0, 0.1, 1 / 3 } do
         for _, made in ipairs { schedule.cosine { minimum = minimum }, schedule.linear { minimum = minimum },
            schedule.one_cycle { minimum = minimum }, schedule.warmup(2):then_(schedule.cosine { minimum = minimum }) } do
            local list = made:values { epochs = 3, steps_per_epoch = 13 }
            assert.equal(minimum, list[39])
            assert.is_true(list[38] > minimum)
         end
      end
   end)

   it("take a function of one's own, and the course's formula with its warning", function()
      local mine = schedule.custom(function(step, epoch) return step == 3 and 0.5 or 1 / epoch end)
      assert.same({ 1, 1, 0.5, 0.5, 1 / 3, 1 / 3 }, mine:values { epochs = 3, steps_per_epoch = 2 })
      assert.error_matches(function() schedule.custom(function() return -1 end):values { epochs = 1, steps_per_epoch = 1 } end,
         "gave %-1 in step 1")
      local warned
      local console = require "scute.base.console"
      local before = console.warn
      console.warn = function(format, ...) warned = format:format(...) end
      local course = schedule.course(2, 4)
      console.warn = before
      assert.matches("first epoch trains at a rate of zero", warned)
      local list = course:values { epochs = 4, steps_per_epoch = 1 }
      for i, expected in ipairs { 0, 0.5, 1, 0.5 } do near(expected, list[i]) end
      assert.error_matches(function() schedule.course(3, 3) end, "divide by zero")
   end)

   it("are what a text says they are", function()
      for text, made in pairs { cosine = schedule.cosine(),
         ["step,every=3, gamma = 0.5"] = schedule.step { every = 3, gamma = 0.5 },
         ["multistep,at=2+5"] = schedule.multistep { at = { 2, 5 } }, ["warmup_cosine,warmup=2"] = schedule.warmup_cosine(2),
         ["plateau,metric=val_accuracy"] = schedule.plateau { metric = "val_accuracy" } } do
         local parsed, run = schedule.parse(text), { epochs = 8, steps_per_epoch = 3 }
         assert.equal(made:describe(), parsed:describe())
         assert.same(made:values(run), parsed:values(run))
      end
      for text, message in pairs { cosin = "unknown schedule 'cosin'; did you mean 'cosine'?", [""] = "unknown schedule ''",
         ["step,evrey=3"] = "step: unknown setting 'evrey'; did you mean 'every'?",
         ["step,every=0"] = "step: every: expected a number above 0", ["step,3"] = "expected settings as in step,every=3",
         ["multistep,at=3+x"] = "multistep: at: expected epochs as in 30%+60",
         parse = "unknown schedule 'parse'" } do
         assert.error_matches(function() schedule.parse(text) end, message)
      end
   end)

   it("are planned anew for what a run is lengthened by where they stretch over it, and else go on", function()
      local span = { step = 40, skipped = 0 } -- after 10 epochs of 4 steps, up to 20
      local function at(s, step) return s.factor { step = step, steps_per_epoch = 4, epochs = 20, span = span } end
      for _, made in ipairs { schedule.cosine(), schedule.cosine(20), schedule.linear(), schedule.one_cycle(),
         schedule.warmup(2):then_(schedule.cosine()), schedule.warmup(2):then_(schedule.cosine(18)),
         schedule.warmup_cosine { warmup = 2, epochs = 20 } } do
         local name = made.name
         local fresh = name:find "warmup" and schedule.warmup_cosine(2) or name == "cosine" and schedule.cosine()
            or schedule[name]()
         for step = 40, 79 do
            near(fresh.factor { step = step - 40, steps_per_epoch = 4, epochs = 10 }, at(made, step))
         end
      end
      for _, made in ipairs { schedule.step(8), schedule.exponential(), schedule.constant(), schedule.cosine(5),
         schedule.custom(function(step) return step end), schedule.cosine_restarts(7) } do
         for step = 40, 79 do
            near(made.factor { step = step, steps_per_epoch = 4, epochs = 20 }, at(made, step))
         end
      end
   end)

   it("take a table of one's own, with a state where it follows the run", function()
      local seen = {}
      local mine = schedule.custom { name = "root", factor = function(step, epoch, run)
         seen[#seen + 1] = ("%d %d %d %d"):format(step, epoch, run.epochs, run.steps_per_epoch)
         return 1 / math.sqrt(step)
      end, describe = function() return "of the step" end }
      near(1 / math.sqrt(3), mine:values { epochs = 2, steps_per_epoch = 2 }[3])
      assert.same({ "1 1 2 2", "2 1 2 2", "3 2 2 2", "4 2 2 2" }, seen)
      assert.same({ "root", "root of the step" }, { mine.name, mine:describe() })
      assert.matches("^schedule root of the step$", tostring(mine))
      local rate = 1
      local follows = { factor = function() return rate end, observe = function(row) rate = row.val_loss end,
         save = function() return { rate = rate } end, load = function(saved) rate = saved.rate end,
         reset = function() rate = 1 end }
      local chain = schedule.warmup(1):then_(schedule.custom(follows))
      chain.observe { val_loss = 0.5 }
      near(0.5, chain.factor { step = 9, steps_per_epoch = 4, epochs = 9 })
      assert.same({ rate = 0.5 }, chain.save())
      chain.reset()
      near(1, chain.factor { step = 9, steps_per_epoch = 4, epochs = 9 })
   end)

   it("are drawn, a function or a table of one's own too, which counts from 1", function()
      local asked = {}
      local function f(step, epoch)
         asked[#asked + 1] = ("%d.%d"):format(epoch, step)
         return 1 / step
      end
      for _, own in ipairs { f, { factor = f } } do
         asked = {}
         require("scute").plot.schedule(own, { epochs = 2, steps_per_epoch = 2 })
         assert.equal("1.1 1.2 2.3 2.4", table.concat(asked, " "):sub(1, 15))
      end
   end)

   it("refuse a table of one's own that lacks something", function()
      local function f() return 1 end
      for message, given in pairs {
         ["schedule: a function 'factor' is missing, as in { factor ="] = { observe = f },
         ["schedule 'mine': factor: expected a function, found 3"] = { name = "mine", factor = 3 },
         ["schedule: there is no function 'obseve'; did you mean 'observe'?"] = { factor = f, obseve = f },
         ["schedule: it has 'save' and no 'load'; a run that goes on needs both"] = { factor = f, save = f },
         ["schedule: it has 'observe' and no 'save' and 'load', without which a run cannot"] = { factor = f, observe = f },
         ["schedule: name: expected a string, found 3"] = { factor = f, name = 3 },
      } do
         local ok, why = pcall(function() return (schedule.custom(given)) end)
         assert.is_false(ok)
         assert.matches("^tests/lua/schedule_spec.lua:%d+: ", why)
         assert.is_truthy(why:find(message, 1, true), why)
      end
      assert.error_matches(function()
         schedule.custom { name = "mine", factor = function(step) return step < 3 and 1 or nil end }:values { epochs = 2,
            steps_per_epoch = 2 }
      end, "^schedule 'mine': factor gave nil in step 3 %(epoch 2%), expected a number of at least 0$")
   end)

   it("tell each other apart by what they were made with, the length of the whole run aside", function()
      assert.equal(schedule.cosine(20):describe(20), schedule.cosine(10):describe(10))
      assert.equal(schedule.warmup(2):then_(schedule.cosine(18)):describe(20),
         schedule.warmup(2):then_(schedule.cosine(8)):describe(10))
      assert.is_not.equal(schedule.cosine(20):describe(20), schedule.cosine { minimum = 0.1 }:describe(20))
      assert.is_not.equal(schedule.cosine(5):describe(20), schedule.cosine(6):describe(20))
   end)

   it("refuse what makes no sense", function()
      assert.error_matches(function() schedule.cosine { minimum = 2 } end,
         "option 'minimum': expected a number of at least 0 and of at most 1, found 2")
      assert.error_matches(function() schedule.step { evrey = 3 } end, "did you mean 'every'")
      assert.error_matches(function() schedule.multistep {} end, "a list of epochs")
      assert.error_matches(function() schedule.cosine():then_(schedule.constant()) end, "lasts for the whole run")
      assert.error_matches(function() schedule.warmup(1):then_(3) end, "expected a schedule")
      assert.error_matches(function() schedule.warmup "x" end, "option 'epochs': expected a number of at least 0, found 'x'")
      assert.error_matches(function() schedule.multistep { at = { 1, "a" } } end,
         "option 'at': expected a list of epochs of at least 0, found a table")
      assert.error_matches(function() schedule.plateau { metric = 3 } end, "option 'metric': expected a text, found 3")
      assert.error_matches(function() schedule.custom(3) end, "a function f%(step, epoch%), found 3")
      assert.error_matches(function() schedule.course(1) end, "option 'total' is missing")
      assert.error_matches(function() schedule.cosine():values() end, "expected epochs = a whole number .*, found nil")
      assert.error_matches(function() schedule.cosine():values { epochs = 2, steps_per_epoch = 0 } end, "steps_per_epoch.*0")
   end)
end)
