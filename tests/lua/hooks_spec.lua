-- The events of train.fit: when each comes, what it may change, and what is refused.
local scute = require "scute"
local optim, train, data = scute.optim, scute.train, scute.data
local hooks = require "scute.train.hooks"
local scratch = dofile "tests/lua/scratch.lua"
local Small = dofile "tests/lua/small.lua"

local root

local function fit(options)
   scute.manual_seed(1)
   local set = data.open(root .. "/photos", { seed = 0 })
   local model = Small(set.classes):freeze "backbone"
   options.optimizer = optim.sgd(model:groups { lr = 0.05 })
   options.workers, options.batch_size, options.epochs = 1, options.batch_size or 8, options.epochs or 2
   return train.fit(model, set, options), model
end

-- A hook that writes down every event with the epoch and the step.
local function recorder(list)
   local hook = {}
   for _, event in ipairs(hooks.EVENTS) do
      hook[event] = function(run) list[#list + 1] = ("%s %d %d"):format(event:sub(4), run.epoch, run.step) end
   end
   return hook
end

setup(function() root = scratch.make() end)
teardown(function() scratch.remove(root) end)

describe("hooks", function()
   it("are called in their order", function()
      local seen = {}
      fit { hooks = { recorder(seen) }, accumulate = 2, batch_size = 4 }
      -- 21 photos: windows of 4 + 4, 4 + 4 and 5
      assert.same({ "fit_begin 0 0",
         "epoch_begin 1 0",
         "step_begin 1 0", "backward_begin 1 0", "backward_begin 1 0", "backward_end 1 0", "step_end 1 1",
         "step_begin 1 1", "backward_begin 1 1", "backward_begin 1 1", "backward_end 1 1", "step_end 1 2",
         "step_begin 1 2", "backward_begin 1 2", "backward_end 1 2", "step_end 1 3", "epoch_end 1 3" },
         table.move(seen, 1, 17, 1, {}))
      assert.equal("epoch_begin 2 3", seen[18])
      assert.same({ "epoch_end 2 6", "fit_end 2 6" }, { seen[#seen - 1], seen[#seen] })
   end)

   it("find what the library's own have done", function()
      local found = {}
      local result, model = fit { schedule = scute.schedule.linear(), output_dir = root .. "/out", hooks = { {
         on_step_begin = function(run) found[#found + 1] = run.optimizer:get_lr() end,
         on_epoch_end = function(run)
            assert.equal(run.row, run.history[run.epoch])
            assert.is_true(run.best.val_accuracy >= run.row.val_accuracy)
         end,
         on_fit_end = function(run)
            assert.equal("finished", run.outcome)
            local best <close> = assert(io.open(run.folder .. "/best.safetensors"))
            assert.is_truthy(best)
            found.bias = run.model:get("fc").bias:values()
         end,
      } } }
      assert.equal(0.05, found[1])
      assert.equal(0, found[6])
      assert.same(model:get("fc").bias:values(), found.bias)
      assert.equal(2, #result.history)
   end)

   it("may scale the loss and its gradients, and clip what they like", function()
      local plain, scaled = {}, {}
      local _, a = fit { hooks = { { on_backward_end = function(run) plain[#plain + 1] = run.optimizer:grad_norm() end } } }
      local _, b = fit { hooks = { {
         on_backward_begin = function(run) run.loss = run.loss * 1024 end,
         on_backward_end = function(run)
            scaled[#scaled + 1] = run.optimizer:grad_norm()
            run.optimizer:scale_grad(1 / 1024)
         end,
      } } }
      assert.is_true(math.abs(scaled[1] / plain[1] - 1024) < 1e-2)
      assert.same(a:get("fc").weight:values(), b:get("fc").weight:values()) -- a power of two moves no digit
   end)

   it("add terms to the loss that count once in an update, however many pieces that has", function()
      local function sum_of_squares(options)
         options.hooks = { { on_backward_begin = function(run)
            local weight = run.model:get("fc").weight
            run.loss = run.loss + (weight * weight):sum()
         end } }
         local _, model = fit(options)
         local weight = model:get("fc").weight
         return scute.no_grad(function() return (weight * weight):sum():item() end)
      end
      local whole = sum_of_squares {}
      for _, options in ipairs { { batch_size = 4, accumulate = 2 }, { ordered = true } } do
         local pieces = sum_of_squares(options)
         assert.is_true(math.abs(pieces - whole) < 1e-5 * whole, pieces .. " " .. whole)
      end
   end)

   it("may leave an update out, which then counts for nothing", function()
      local rates, skipped, steps, ema = {}, nil, nil, {}
      local function odd_one(run) return run.step == 1 and run.skipped == 0 end
      local result = fit { schedule = function(step) return step end, ema = 0.5, hooks = { {
         on_step_begin = function(run) rates[#rates + 1] = math.floor(run.optimizer:get_lr() / 0.05 + 0.5) end,
         on_backward_end = function(run)
            if odd_one(run) then run.skip = "just so" end
         end,
         on_step_end = function(run)
            if run.last.skipped then skipped = run.last.skipped end
            steps = run.step
            ema[#ema + 1] = run.average.tensors["fc.bias"] and run.average.tensors["fc.bias"]:values()[1] or 0
         end,
      } } }
      assert.same({ 1, 2, 2, 3, 4, 5 }, rates)
      assert.equal("just so", skipped)
      assert.equal(5, steps)
      assert.equal(5, result.history[2].step)
      assert.equal(ema[1], ema[2])
      assert.is_not.equal(ema[2], ema[3])
   end)

   it("may unfreeze, before the epoch's features are computed", function()
      local cached = {}
      fit { hooks = { {
         on_epoch_begin = function(run)
            if run.epoch == 2 then run.model:unfreeze "layer4" end
         end,
         on_epoch_end = function(run) cached[run.epoch] = run.feed.cached end,
      } } }
      assert.same({ true, false }, cached)
   end)

   it("may unfreeze, and the best weights, the files and the checkpoints know of it", function()
      local first, second
      local spoil = { on_epoch_begin = function(run)
         if run.epoch == 2 then run.model:unfreeze "layer4" end
         if run.epoch == 3 then run.model:freeze "layer4" end
      end, on_epoch_end = function(run)
         if run.epoch == 1 then first = run.model:get("layer4.0").weight:values() end
         if run.epoch == 2 then second = run.model:get("layer4.0").weight:values() end
      end }
      local result, model = fit { epochs = 3, save_steps = 1, output_dir = root .. "/joined", hooks = { spoil } }
      assert.is_not.same(first, second)
      local expected = result.best.epoch == 1 and first or second
      assert.same(expected, model:get("layer4.0").weight:values())
      local file = scute.weights.load(result.folder .. "/checkpoint.safetensors")
      assert.same(second, file.tensors["model.layer4.0.weight"]:values())
      assert.same(expected, file.tensors["best.layer4.0.weight"]:values())
   end)

   it("learn of an error, which stays the one that is told", function()
      local outcome, failure
      local ok, why = pcall(fit, { hooks = { {
         on_step_end = function(run)
            if run.step == 2 then error("mine", 0) end
         end,
         on_fit_end = function(run)
            outcome, failure = run.outcome, run.failure
            error("and another", 0)
         end,
      } } })
      assert.is_false(ok)
      assert.equal("mine", why)
      assert.same({ "failed", "mine" }, { outcome, failure })
   end)

   it("are refused where they would never be called", function()
      local function refuses(list, text)
         local ok, why = pcall(fit, { hooks = list })
         assert.is_false(ok)
         assert.matches(text, why)
      end
      local function nothing() end
      refuses({ { on_step_ends = nothing } }, "hooks: number 1: there is no event 'on_step_ends'; did you mean 'on_step_end'?")
      refuses({ {}, { on_epoch_begins = nothing } }, "number 2: .* did you mean 'on_epoch_begin'?")
      refuses({ { before_breakfast = nothing } },
         "there is no event 'before_breakfast'; expected one of save, load, on_fit_begin, ")
      refuses({ { on_step_end = 3 } }, "on_step_end: expected a function, found 3")
      refuses({ on_step_end = nothing }, "expected a list of hooks")
      refuses({ nothing }, "number 1: expected a table of functions")
      refuses({ { save = nothing } }, "needs a name")
      refuses({ { name = "a.b", save = nothing } }, "a name without dots")
      refuses({ { name = "model", save = nothing } }, "the name 'model' is one of the library's own")
      refuses({ { name = "schedule", save = nothing } }, "the name 'schedule' is one of the library's own")
      refuses({ { name = "a", save = nothing }, { name = "a", load = nothing } }, "two have the name 'a'")
      refuses({ setmetatable({}, { __index = { on_epoch_ent = nothing, tell = nothing } }) }, "did you mean 'on_epoch_end'?")
      hooks.check { setmetatable({ count = 3 }, { __index = { on_epoch_end = nothing, tell = nothing } }) }
   end)
end)

describe("a loss of one's own", function()
   local function smooth(logits, y) return scute.cross_entropy(logits, y, { label_smoothing = 0.1 }) end

   it("trains as the library's own would, in windows and with mixup too", function()
      for _, more in ipairs { {}, { accumulate = 2 }, { mixup = 0.3 } } do
         local function with(options)
            for key, value in pairs(more) do options[key] = value end
            return fit(options)
         end
         local a, own = with { loss = smooth }
         local b, library = with { label_smoothing = 0.1 }
         assert.same(library:get("fc").weight:values(), own:get("fc").weight:values())
         assert.equal(b.history[2].train_loss, a.history[2].train_loss)
         assert.is_true(a.history[2].val_loss > b.history[2].val_loss) -- the smoothed one validates as well
      end
   end)

   it("may have a backward written in Lua", function()
      local function cross_entropy()
         return scute.func {
            name = "own cross entropy",
            forward = function(ctx, logits, y)
               ctx.n = y:numel()
               local right = scute.tensor(y:values(), { dtype = "i64" })
               ctx:save_for_backward(logits:softmax(2), right)
               return scute.cross_entropy(logits, right)
            end,
            backward = function(ctx, grad)
               local p, y = table.unpack(ctx.saved_tensors)
               local hot = {}
               for i, class in ipairs(y:values()) do
                  hot[i] = {}
                  for k = 1, p.shape[2] do hot[i][k] = k == class and 1 or 0 end
               end
               return (p - scute.tensor(hot)) * grad / ctx.n
            end,
         }
      end
      local _, own = fit { loss = cross_entropy() }
      local _, library = fit {}
      local a, b = own:get("fc").weight:values(), library:get("fc").weight:values()
      for i = 1, #a do assert.is_true(math.abs(a[i] - b[i]) < 1e-6) end -- float32, other roundings
   end)

   it("is refused where it is none", function()
      local function refuses(options, text)
         local ok, why = pcall(fit, options)
         assert.is_false(ok)
         assert.matches(text, why)
      end
      refuses({ loss = 3 }, "train.fit: option 'loss': expected a function f%(logits, y%), found 3")
      refuses({ loss = smooth, label_smoothing = 0.1 }, "label_smoothing is the cross entropy's")
      refuses({ loss = function(logits) return logits end }, "one element from the function, found shape %(8, 2%)")
      refuses({ loss = function() end }, "one element from the function, found nil")
   end)

   it("may depend on its batch in any way but by counting photos", function()
      local run = { set = { classes = { "a", "b" }, train = { paths = { "1", "2", "3" } } }, batch_size = 2, device = "cpu" }
      for _, power in ipairs { -1, -0.5, 0.5 } do
         run.criterion = function(logits, y) return logits:cross_entropy(y, { reduction = "sum" }) * y:numel() ^ power end
         require("scute.train.criterion").check(run)
      end
   end)

   it("is refused before anything is written where it has no gradient or could not go on", function()
      local written = false
      local function refuses(loss, text)
         local ok, why = pcall(fit, { loss = loss, hooks = { { on_fit_begin = function() written = true end } } })
         assert.is_false(ok)
         assert.matches(text, why)
      end
      refuses(function(logits, y) return scute.tensor(scute.cross_entropy(logits, y):item()) end,
         "loss: expected a tensor that depends on the logits, found one without a gradient")
      refuses(function(logits, y) return logits:cross_entropy(y, { reduction = "sum" }) end,
         "loss: expected the mean over the photos, found a sum: it is 5.54518 for a batch and 11.0904 for the same batch twice")
      refuses(function() return scute.no_such end, "hooks_spec.lua:%d+: scute.no_such: there is no such function")
      local function table_of(fields)
         return setmetatable(fields, { __call = function(_, logits, y) return scute.cross_entropy(logits, y) end })
      end
      refuses(table_of { save = function() end }, "loss: it has 'save' and no 'load'; a run that goes on needs both")
      refuses(table_of { save = function() return print end, load = print }, "loss: save: cannot save a function")
      refuses(table_of { describe = 3 }, "loss: describe: expected a function, found 3")
      assert.is_false(written)
   end)
end)

describe("names that are none", function()
   it("are refused where a hook uses them, and where the result and the set are read", function()
      local set = data.open(root .. "/photos", { seed = 0 })
      local function small(hook)
         local model = Small(set.classes)
         return train.fit(model, set, { optimizer = optim.sgd(model:groups { lr = 0.05 }), epochs = 1, workers = 1,
            hooks = { { on_epoch_end = hook } } })
      end
      local result = small(function(run)
         for why, f in pairs { ["run has no 'stop'; did you mean 'stopped'?"] = function() run.stop = "x" end,
            ["run has no 'epoc'; did you mean 'epoch'?"] = function() return run.epoc, 1 end } do
            assert.error_matches(f, why, nil, true)
         end
         run.xyz, run.note1, run.note2 = (run.xyz or 0) + 1, 2, 3
         assert.same({ 1, nil }, { run.xyz, run.folder })
      end)
      for why, f in pairs {
         ["the result of train.fit has no 'anwsers'; did you mean 'answers'?"] = function() return result.anwsers, 1 end,
         ["a row of the history has no 'epoc'; did you mean 'epoch'?"] = function() return result.best.epoc, 1 end,
         ["has no 'val_los'; did you mean 'val_loss'?"] = function() return result.history[1].val_los, 1 end,
         ["a data set has no 'vall'; did you mean 'val'?"] = function() return set.vall, 1 end,
         ["a data set has no 'classs'; did you mean 'classes'?"] = function() return set.classs, 1 end,
         ["a part of a data set has no 'lables'; did you mean 'labels'?"] = function() return set.train.lables, 1 end,
      } do
         assert.error_matches(f, why, nil, true)
      end
      assert.is_nil(result.stopped or result.interrupted or result.best_ema or rawget(result, "anwsers"))
      for _, name in ipairs { "epoch", "step" } do
         local why = ("hooks: run.%s is the loop's own: on_epoch_end left 7 there"):format(name)
         assert.error_matches(function() small(function(run) run[name] = 7 end) end, why, nil, true)
      end
   end)
end)
