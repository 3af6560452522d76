-- Ctrl-C in train.fit and train.lr_find at the prompt: what there is so far comes back, and a run goes on to the same bits.
local scute = require "scute"
local optim, train, data = scute.optim, scute.train, scute.data
local console = require "scute.base.console"
local evaluate = require "scute.repl.evaluate"
local session = require "scute.base.session"
local photos = dofile "tests/cli/photos.lua"
local Small = dofile "tests/lua/small.lua"

local root

-- A Ctrl-C, as this process gets it from a terminal.
local function press()
   io.popen "kill -INT $PPID; sleep 0.01":close()
end

-- The hook that presses Ctrl-C at the end of an update.
local function pressing(at)
   return { on_step_end = function(run)
      if run.step == at then press() end
   end }
end

local KINDS = {
   plain = { freeze = false },
   frozen = { augment = "none" }, -- cached features
   unfreezing = { unfreeze = "head,layer4@2", freeze = false },
   averaged = { ema = 0.9, early_stop = 3, mixup = 0.2, accumulate = 2 },
}

local function prepare(kind, given)
   scute.manual_seed(1)
   local set = data.open(root .. "/photos", { seed = 0 })
   local model = Small(set.classes)
   if KINDS[kind].freeze ~= false then model:freeze "backbone" end
   local o = { optimizer = optim.adamw(model:groups { lr = 0.002 }), epochs = 3, batch_size = 4, workers = 1, seed = 3,
      schedule = scute.schedule.warmup_cosine { warmup = 1 }, augment = "light" }
   for name, value in pairs(KINDS[kind]) do
      if name ~= "freeze" then o[name] = value end
   end
   for name, value in pairs(given or {}) do o[name] = value end
   return model, set, o
end

-- What f(...) gives where it is typed.
local function typed(f, ...)
   local given = table.pack(...)
   rawset(_G, "typed", function() return f(table.unpack(given, 1, given.n)) end)
   assert(evaluate.chunk("typed = typed()", "=input"))
   local result = _G.typed
   rawset(_G, "typed", nil)
   return result
end

-- What a run came to, as one text: the numbers of all epochs and the bits of the weights.
local function told(result, model)
   local state, list, lines = model:state_dict(), {}, {}
   for i, name in ipairs(state.names) do list[i] = state.tensors[name] end
   for i, row in ipairs(result.history) do
      lines[i] = ("%d %d %.17g %.17g %.17g"):format(row.epoch, row.step, row.train_loss, row.val_loss, row.val_accuracy)
   end
   lines[#lines + 1] = ("best %d, weights %s"):format(result.best.epoch, scute.checksum(list))
   return table.concat(lines, "\n")
end

setup(function()
   console.quiet = true
   root = os.tmpname()
   os.remove(root)
   photos.set(root .. "/photos", { blue = 14, red = 13 })
end)

teardown(function()
   console.quiet = false
   os.execute(("rm -rf '%s'"):format(root))
end)

before_each(function() session.waits = true end)

after_each(function()
   session.waits = false
   scute.interrupt_over()
   os.execute(("rm -rf '%s/out'"):format(root))
end)

describe("Ctrl-C in train.fit at the prompt", function()
   it("gives the result so far, and nothing is pending", function()
      local model, set, o = prepare "frozen"
      o.hooks = { pressing(8) }
      local result = typed(train.fit, model, set, o)
      assert.is_nil(scute.interrupted())
      assert.is_true(result.interrupted)
      assert.equal("interrupted in epoch 2 after step 8", result.stopped)
      assert.equal(1, #result.history)
      assert.equal(1, result.best.epoch)
      assert.same({ 1, 2 }, model:eval()(scute.zeros(1, 3, 16, 16)).shape)
   end)

   it("goes on to the same bits with resume(), without an output folder", function()
      for kind in pairs(KINDS) do
         local model, set, o = prepare(kind)
         local straight = told(train.fit(model, set, o), model)
         model, set, o = prepare(kind)
         o.hooks = { pressing(kind == "averaged" and 2 or 5) }
         local result = typed(train.fit, model, set, o)
         scute.randn(5) -- whatever is typed meanwhile
         local resumed = result:resume()
         assert.is_nil(resumed.interrupted)
         assert.equal(straight, told(resumed, model), kind)
      end
   end)

   it("goes on again and again, and twice from the same moment", function()
      local model, set, o = prepare "unfreezing"
      local straight = told(train.fit(model, set, o), model)
      model, set, o = prepare "unfreezing"
      local presses = { [2] = true, [7] = true }
      o.hooks = { { on_step_end = function(run)
         if presses[run.step] then press() end
         presses[run.step] = nil
      end } }
      local first = typed(train.fit, model, set, o)
      local second = typed(first.resume, first)
      assert.is_true(second.interrupted)
      assert.equal(straight, told(second:resume(), model))
      assert.equal(straight, told(second:resume(), model))
      local ok, why = pcall(first.resume, first) -- of which layer4 was as it came, and now is not
      assert.is_false(ok)
      assert.matches("the weights that do not train are others", tostring(why), 1, true)
   end)

   it("goes on where it was interrupted before the first step, and between epochs", function()
      for _, at in ipairs { 0, 5 } do
         local model, set, o = prepare "frozen"
         local straight = told(train.fit(model, set, o), model)
         model, set, o = prepare "frozen"
         local pressed
         o.hooks = { { on_epoch_begin = function(run)
            if run.step == at and not pressed then
               pressed = true
               press()
            end
         end } }
         local result = typed(train.fit, model, set, o)
         assert.is_true(result.interrupted)
         assert.equal(straight, told(result:resume(), model))
      end
   end)

   it("goes on in its folder", function()
      local model, set, o = prepare("frozen", { output_dir = root .. "/out" })
      local straight = told(train.fit(model, set, o), model)
      os.execute(("rm -rf '%s/out'"):format(root))
      model, set, o = prepare("frozen", { output_dir = root .. "/out" })
      o.hooks = { pressing(8) }
      local result = typed(train.fit, model, set, o)
      assert.equal(straight, told(result:resume(), model))
      local file <close> = io.open(root .. "/out/small/history.csv")
      assert.equal(4, select(2, file:read "a":gsub("\n", "")))
   end)

   it("does not go on in a folder that another run has taken", function()
      local model, set, o = prepare("frozen", { output_dir = root .. "/out" })
      o.hooks = { pressing(8) }
      local result = typed(train.fit, model, set, o)
      o.hooks = nil
      train.fit(model, set, o)
      local ok, why = pcall(result.resume, result)
      assert.is_false(ok)
      assert.matches("no longer holds what this run wrote", tostring(why), 1, true)
      assert.equal(3, #result:resume { output_dir = root .. "/other" }.history)
   end)

   it("goes on for more epochs", function()
      local model, set, o = prepare("plain", { schedule = "constant" })
      o.hooks = { pressing(5) }
      local result = typed(train.fit, model, set, o)
      assert.equal(4, #result:resume { epochs = 4 }.history)
      local ok, why = pcall(result.resume, result, { epochs = 2 })
      assert.is_false(ok)
      assert.matches("a run can be lengthened, not shortened", tostring(why), 1, true)
   end)

   it("ends a function that was typed, which expects the whole, and keeps the result as _", function()
      local model, set, o = prepare "frozen"
      o.hooks = { pressing(8) }
      rawset(_G, "typed", function() return #train.fit(model, set, o).history end)
      assert.is_false(evaluate.chunk("typed = typed()", "=input"))
      scute.interrupt_over()
      assert.equal(1, #_G._.history)
      assert.equal(3, #_G._:resume().history)
      rawset(_G, "typed", nil)
   end)

   it("ends a script, whose error has the result", function()
      session.waits = false
      local model, set, o = prepare "frozen"
      o.hooks = { pressing(8) }
      local ok, why = pcall(train.fit, model, set, o)
      assert.is_false(ok)
      assert.equal(130, why.exit)
      assert.equal(1, #why.result.history)
   end)

   it("has nothing to go on with at its end", function()
      local result = train.fit(prepare "frozen")
      assert.error_matches(function() result:resume() end,
         "this run is at its end%. For more epochs call train.fit again: .* epochs")
      assert.error_matches(function() result:resume "x" end, "expected a table of options, found x")
   end)
end)

describe("Ctrl-C in train.lr_find", function()
   local function press_at(step, o)
      local met = 0
      o.loss = function(logits, y)
         met = met + 1
         if met == step then press() end
         return scute.cross_entropy(logits, y)
      end
      return o
   end

   it("gives the curve so far at the prompt", function()
      local model, set, o = prepare "plain"
      local result = typed(train.lr_find, model, set, press_at(4, o))
      assert.equal(4, #result.points)
      assert.is_true(result.interrupted)
      assert.is_nil(scute.interrupted())
   end)

   it("ends a script", function()
      session.waits = false
      local model, set, o = prepare "plain"
      local ok, why = pcall(train.lr_find, model, set, press_at(4, o))
      assert.is_false(ok)
      assert.equal(130, why.exit)
   end)
end)
