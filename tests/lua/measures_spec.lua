-- Metrics of a run: what they get, where their numbers go, what is chosen by them, and what is refused.
local scute = require "scute"
local optim, train, data = scute.optim, scute.train, scute.data
local cjson = require "cjson"
local checkpoint = require "scute.train.checkpoint"
local figures = require "scute.train.figures"
local named = require "scute.metrics.named"
local scratch = dofile "tests/lua/scratch.lua"
local Small = dofile "tests/lua/small.lua"

local root

local function fit(options)
   scute.manual_seed(1)
   local set = data.open(root .. "/photos", { seed = 0 })
   local model = Small(set.classes):freeze "backbone"
   local o = { optimizer = optim.adamw(model:groups { lr = 0.03 }), epochs = 3, batch_size = 8, workers = 1, seed = 3 }
   for name, value in pairs(options) do o[name] = value end
   return train.fit(model, set, o), model, set
end

local function failure(options)
   local ok, why = pcall(fit, options)
   assert.is_false(ok)
   return tostring(why)
end

local function read(path)
   local file <close> = assert(io.open(path, "rb"))
   return file:read "a"
end

-- A metric that gives the numbers of a list, one an epoch; it is tried once before the first.
local function course(values)
   local calls = 0
   return function()
      calls = calls + 1
      return calls == 1 and 0 or values[calls - 1]
   end
end

setup(function() root = scratch.make() end)
teardown(function() scratch.remove(root) end)
before_each(function() os.execute(("rm -rf '%s/out'"):format(root)) end)

describe("metrics of train.fit", function()
   it("get what the model says of each photo", function()
      local seen
      local result, model, set = fit { epochs = 1, metrics = { share = function(s)
         seen = { truth = s.truth, predicted = s.predicted, paths = s.paths, classes = s.classes, logits = s.logits:values(),
            sums = s.probabilities:sum(2):values(), accuracy = s.confusion:accuracy() }
         local right = 0
         for i, class in ipairs(s.truth) do right = right + (s.predicted[i] == class and 1 or 0) end
         return right / #s.truth
      end } }
      local scored = scute.score(model, set.val, { want = { "guesses", "logits" } })
      assert.same(scored.y, seen.truth)
      assert.same(scored.guesses, seen.predicted)
      assert.same(set.val.paths, seen.paths)
      assert.same(set.classes, seen.classes)
      for i, value in ipairs(scored.logits:values()) do assert.is_true(math.abs(value - seen.logits[i]) < 1e-5) end -- float32
      for _, sum in ipairs(seen.sums) do assert.is_true(math.abs(sum - 1) < 1e-5) end
      assert.equal(result.history[1].val_accuracy, result.history[1].share)
      assert.equal(result.history[1].val_accuracy, seen.accuracy)
   end)

   it("are in the history, in files and pictures, and of the averaged weights too", function()
      local result = fit { output_dir = root .. "/out", metrics = { "f1", "balanced", cost = { f = function(s)
         return 10 * (1 - s.confusion:accuracy())
      end, lower = true } }, ema = 0.5, tensorboard = true }
      local row = result.history[2]
      assert.equal(10 * (1 - row.val_accuracy), row.cost)
      assert.equal(10 * (1 - row.ema_val_accuracy), row.ema_cost)
      local text = read(result.folder .. "/history.csv")
      assert.matches("val_accuracy,ema_val_loss,ema_val_accuracy,balanced,ema_balanced,cost,ema_cost,f1,ema_f1\n", text)
      local saved = scute.plot.read_history(result.folder .. "/history.csv")
      assert.is_true(math.abs(saved[2].cost - row.cost) < 1e-7)
      local run = cjson.decode(read(result.folder .. "/run.json"))
      assert.is_true(math.abs(run.result.metrics.f1 - result.best.f1) < 1e-12)
      assert.is_number(run.result.ema_metrics.cost)
      assert.matches('"metrics":{"balanced":[%d.]+,"cost":[%d.]+,"f1":[%d.]+},"ema_metrics":{',
         read(result.folder .. "/events.jsonl"))
      assert.matches("epoch +rate +loss +accuracy +val loss +val accuracy +cost +f1 +averaged\n", tostring(result))
      local plain = scute.plot.curves({ { epoch = 1, val_loss = 1, val_accuracy = 1 } })
      assert.equal(2 * 290, scute.plot.curves(saved).height - plain.height - 290) -- two rows of panels more, and the rates'
      local page = read(result.folder .. "/report.html")
      assert.is_truthy(page:find "<th>cost</th><td>[%d.]+</td>")
      local found
      for name in io.popen(("ls '%s'"):format(result.folder)):lines() do
         if name:find "tfevents" then found = read(result.folder .. "/" .. name) end
      end
      for _, tag in ipairs { "val/cost", "ema/cost", "val/f1" } do assert.is_truthy(found:find(tag, 1, true), tag) end
   end)

   it("choose the best epoch, in their direction", function()
      local values = { 2, 1, 3 }
      for lower, epoch in pairs { [false] = 3, [true] = 2 } do
         local result = fit { metrics = { mine = { f = course(values), lower = lower } }, best_by = "mine" }
         assert.equal(epoch, result.best.epoch)
         assert.equal(values[epoch], result.best.mine)
      end
      local numbers = { 2, 7, 1, 9, 3, 8 } -- of the weights and of their averages
      local result = fit { metrics = { mine = { f = course(numbers), lower = true } }, best_by = "mine", ema = 0.5 }
      assert.equal(2, result.best.epoch)
      assert.equal(1, result.best_ema.epoch)
   end)

   it("stop a run early, and are watched by a plateau, in their direction", function()
      local result = fit { epochs = 6, metrics = { mine = { f = course { 3, 2, 2, 2, 2, 2 }, lower = true } },
         early_stop = { metric = "mine", patience = 2 } }
      assert.equal(4, #result.history)
      assert.matches("mine was 2 in epoch 2", result.stopped)
      assert.is_true(figures.is_lower_better({ metrics = { { name = "cost", lower = true } } }, "ema_cost"))
      for direction, rate in pairs { min = 0.5, max = 1 } do
         local schedule = scute.schedule.plateau { metric = "mine", patience = 0, gamma = 0.5, direction = direction }
         result = fit { metrics = { mine = course { 1, 2, 3 } }, schedule = schedule }
         assert.is_true(math.abs(result.history[2].rates.fc / 0.03 - 1) < 1e-9)
         assert.is_true(math.abs(result.history[3].rates.fc / 0.03 - rate) < 1e-9)
      end
      local upwards = scute.schedule.plateau { metric = "mine", patience = 0 }
      result = fit { metrics = { mine = course { 1, 2, 3 } }, schedule = upwards }
      assert.is_true(math.abs(result.history[3].rates.fc / 0.03 - 1) < 1e-9) -- higher is better of a metric
   end)

   it("are of the direction that is said, whatever their name", function()
      for lower, epoch in pairs { [false] = 3, [true] = 2 } do
         local result = fit { metrics = { focal_loss = { f = course { 2, 1, 3 }, lower = lower } }, best_by = "focal_loss" }
         assert.equal(epoch, result.best.epoch)
      end
   end)

   it("need not be given where a name says them", function()
      local result = fit { epochs = 1, best_by = "f1", early_stop = { metric = "top2", patience = 3 },
         schedule = scute.schedule.plateau { metric = "recall" } }
      assert.equal(1, result.history[1].top2)
      assert.is_number(result.best.f1)
      assert.is_number(result.best.recall)
   end)

   it("go on after a kill, and not with others", function()
      local function options(more)
         local o = { metrics = { "f1", gap = { f = function(s) return s.confusion:accuracy() + s.logits:abs():mean():item() end,
            lower = true } }, best_by = "gap", save_steps = 1, freeze = true }
         o.freeze = nil
         for name, value in pairs(more) do o[name] = value end
         return o
      end
      local whole = fit(options {})
      local output = root .. "/out"
      assert.matches("pulled the plug", failure(options { output_dir = output, hooks = { { on_step_begin = function(run)
         if run.step ~= 4 then return end
         checkpoint.save(run, true)
         error("pulled the plug", 0)
      end } } }))
      assert.matches("metrics is f1 here and f1, gap %(less is better%) there", failure(options { output_dir = output,
         resume = "auto", metrics = { "f1" }, best_by = "accuracy" }))
      local resumed = fit(options { output_dir = output, resume = "auto" })
      assert.equal(whole.best.epoch, resumed.best.epoch)
      for i, row in ipairs(whole.history) do
         assert.equal(row.gap, resumed.history[i].gap)
         assert.equal(row.f1, resumed.history[i].f1)
      end
   end)

   it("are refused before anything is written where something is missing", function()
      local function one() return 1 end
      for message, o in pairs {
         ["metrics: 'f1': expected a function, or { f = function, lower = true } where less is better, found 3"] = {
            metrics = { f1 = 3 } },
         ["metrics: 'cost': there is no 'lowr'; did you mean 'lower'?"] = { metrics = { cost = { f = one, lowr = true } } },
         ["metrics: 'cost': expected a function"] = { metrics = { cost = { lower = true } } },
         ["metrics: 'cost': lower: expected true or false, found no"] = { metrics = { cost = { f = one, lower = "no" } } },
         ["metrics: 'focal_loss': is less better? Say focal_loss = { f = f, lower = true }, or lower = false"] = {
            metrics = { focal_loss = one }, best_by = "focal_loss" },
         ["metrics: 'TopError': is less better?"] = { metrics = { TopError = { f = one } } },
         ["metrics: there is no metric 'f2'; did you mean 'f1'?"] = { metrics = { "f2" } },
         ["option 'metrics': there is no metric 'f3'; did you mean 'f1'?"] = { metrics = "recall,f3" },
         ["metrics: a row of the history has a field 'val_loss' already"] = { metrics = { val_loss = one } },
         ["metrics: a row of the history has a field 'worst' already"] = { metrics = { worst = one } },
         ["metrics: expected a name of letters, digits and _ for each, as in { f1 = f }, found a b"] = {
            metrics = { ["a b"] = one } },
         ["metrics: 'f1' is given twice"] = { metrics = { "f1", f1 = one } },
         ["option 'metrics': expected a table of functions by name"] = { metrics = one },
         ["best_by: there is no figure 'cosst'; did you mean 'cost'?"] = { metrics = { cost = one }, best_by = "cosst" },
         ["best_by: there is no figure 'mine'; expected one of accuracy, balanced, loss; metrics = { name = f } gives"] = {
            best_by = "mine" },
         ["early_stop: option 'metric': there is no figure 'val_los'; did you mean 'val_loss'?"] = {
            early_stop = { metric = "val_los" } },
         ["early_stop: option 'metric': there is no figure 'ema_val_loss'; did you mean 'val_loss'?"] = {
            early_stop = { metric = "ema_val_loss" } },
         ["schedule.plateau: option 'metric': there is no figure 'cots'; did you mean 'cost'?"] = { metrics = { cost = one },
            schedule = scute.schedule.plateau { metric = "cots" } },
         ["metrics: 'cost' gave nil where it was tried on answers that are all right, expected a number"] = {
            metrics = { cost = function() end } },
         ["metrics: 'cost' failed where it was tried on answers that are all right: tests/lua/measures_spec.lua:"] = {
            metrics = { cost = function(s) return #s.thruth end } },
         ["metrics: what a metric gets has no 'thruth'; did you mean 'truth'?"] = { metrics = { cost = function(s)
            return #s.thruth
         end } },
      } do
         o.output_dir = root .. "/out"
         local why = failure(o)
         assert.is_truthy(why:find(message, 1, true), ("%s\nin place of %s"):format(why, message))
      end
      assert.is_nil(io.open(root .. "/out/small"))
   end)

   it("end the run where one is no number, by name and epoch, with what was good so far", function()
      for text, value in pairs { ["gave %-?nan"] = 0 / 0, ["gave inf"] = math.huge, ["gave x"] = "x", ["gave nil"] = false } do
         local why = failure { output_dir = root .. "/out", metrics = { mine = course { 1, value or nil } } }
         assert.matches("metrics: 'mine' " .. text .. " in epoch 2, expected a finite number", why)
      end
      local calls = 0
      local why = failure { output_dir = root .. "/out", save_steps = 1, metrics = { mine = function()
         calls = calls + 1
         return calls == 4 and error "no more" or 1
      end } }
      assert.matches("metrics: 'mine' failed in epoch 3: tests/lua/measures_spec.lua:%d+: no more; once it is mended", why)
      assert.matches("\n2,6,[^\n]*,1\n$", read(root .. "/out/small/history.csv"))
      assert.is_truthy(io.open(root .. "/out/small/best.safetensors"))
      assert.equal("failed", cjson.decode(read(root .. "/out/small/run.json")).state)
   end)

   it("are in the bar, of the last epoch", function()
      local shown = {}
      local result = fit { metrics = { mine = course { 0.5, 1234.5 } }, epochs = 2, hooks = { { on_fit_begin = function(run)
         run.meter = { clear = function() end, show = function(_, moment)
            if moment.metrics then shown[#shown + 1] = table.concat(moment.metrics, ", ") end -- not of features
         end }
      end } } }
      assert.same({ "", "", "", "mine 0.500", "mine 0.500", "mine 0.500" }, shown)
      assert.equal(1234.5, result.history[2].mine)
   end)

   it("leave alone a run that has none", function()
      local one, two = fit {}, fit { metrics = { "f1" } }
      for i, row in ipairs(one.history) do assert.equal(row.train_loss, two.history[i].train_loss) end
      assert.matches("val accuracy\n", tostring(one))
   end)
end)

describe("metrics that a name says", function()
   local confusion = scute.metrics.confusion(3):add({ 1, 1, 2, 3, 3, 3 }, { 1, 2, 2, 3, 3, 1 })
   local seen = { truth = { 3, 1, 2, 1 }, classes = { "a", "b", "c" }, confusion = confusion,
      logits = scute.tensor { { 1, 2, 3 }, { 1, 2, 3 }, { 2, 1, 1 }, { 5, 5, 4 } } }

   it("are what scikit-learn calls so", function()
      local averages = confusion:averages().macro
      for _, name in ipairs { "f1", "precision", "recall" } do assert.equal(averages[name], named.get(name)(seen)) end
      assert.equal(confusion:balanced_accuracy(), named.get "balanced"(seen))
      assert.equal(0.5, named.get "top1"(seen)) -- the third photo's best is a, the second's c; of equal ones the first
      assert.equal(0.75, named.get "top2"(seen))
      assert.equal(1, named.get "top3"(seen))
      local many = { truth = {}, classes = {}, logits = nil } -- more than are looked at together
      for i = 1, 400 do many.classes[i], many.truth[i] = "c" .. i, i end
      many.logits = scute.arange(1, 160000):reshape(400, 400)
      assert.equal(3 / 400, named.get "top3"(many))
      assert.is_nil(named.get "top0" or named.get "top" or named.get "accuracy" or named.get(3))
   end)

   it("are said on a command line", function()
      local cli = scute.cli
      local opt = cli.parse({ "--metrics", "f1,top2", "--best_by", "f1", "--data_dir", "x", "--quiet" }, "test", cli.common)
      local run = train.options(opt)
      assert.equal("f1,top2", run.metrics)
      assert.equal("f1", run.best_by)
      assert.equal("recall", figures.parse_best "recall")
      assert.error_matches(function() figures.parse_best "acuracy" end, "there is no figure 'acuracy'; did you mean 'accuracy'")
      local result = fit { metrics = "f1,top2", epochs = 1 }
      assert.equal(1, result.history[1].top2)
   end)

   it("that are none are printed without a sign", function()
      local measures, metric = require "scute.train.measures", require "scute.experiment.metric"
      for _, value in ipairs { 0 / 0, -(0 / 0) } do
         assert.equal("NaN", measures.text(value))
         for _, name in ipairs { "loss", "accuracy" } do
            assert.equal("NaN NaN", metric.of(name):text(value) .. " " .. metric.of(name):spread(value))
         end
      end
   end)
end)
