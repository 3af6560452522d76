-- Augmentation by functions of the user's: what they get, what they may return, and what they draw.
local scute = require "scute"
local train = scute.train
local augmenting = require "scute.train.augmenting"
local goes_on = dofile "tests/lua/goes_on.lua"
local scratch = dofile "tests/lua/scratch.lua"
local short_run = dofile "tests/lua/short_run.lua"

local root

local function make(change)
   return short_run(root, { epochs = 2, batch_size = 8, seed = 3 }, change)
end

local function fit(change)
   local model, set, o = make(change)()
   return train.fit(model, set, o)
end

local function noise(x, draw) return x + 0.3 * draw:normal(3, 16, 16) end

local function refused(augment, message)
   local ok, err = pcall(fit, { augment = augment, output_dir = root .. "/refused" })
   assert.is_false(ok)
   assert.matches(message, tostring(err), 1, true)
   assert.is_nil(io.open(root .. "/refused/small/run.json"))
end

setup(function() root = scratch.make() end)
teardown(function() scratch.remove(root) end)

describe("a function that augments", function()
   it("gets batches as the network does, without the tape, and decides what trains", function()
      local shapes, seen = {}, nil
      local model, set, o = make { epochs = 1, augment = { "light", function(x)
         shapes[#shapes + 1] = table.concat(x.shape, " ")
         assert.is_false(x.requires_grad)
         assert.is_true(math.abs(x:mean():item()) < 3) -- normalised
         return x * 0 + 7
      end } }()
      local features = model.features
      function model:features(x)
         if self.training then seen = x:clone() end
         return features(self, x)
      end
      train.fit(model, set, o)
      assert.same({ "2 3 16 16", "8 3 16 16", "8 3 16 16", "5 3 16 16" }, shapes) -- the first are random numbers
      assert.same({ 7, 7 }, { seen:min():item(), seen:max():item() })
   end)

   it("leaves validation alone", function()
      local last = fit { augment = function(x) return x * 1 end }.history[2]
      assert.equal(fit {}.history[2].val_loss, last.val_loss)
   end)

   it("draws by seed, epoch and photo, whatever the batch", function()
      local function drawn_in(batch_size, epochs)
         local by_photo, current = {}, {}
         fit { batch_size = batch_size, epochs = epochs, augment = function(x, draw)
            for i = 1, x.shape[1] do current[#current + 1] = { draw(i), draw(i, 10), draw:uniform():values()[i] } end
            return x
         end, hooks = { { on_epoch_end = function(run)
            for i, index in ipairs(require("scute.train.photos").order(run, run.epoch)) do
               by_photo[run.epoch .. " " .. index] = current[i]
            end
            current = {}
         end, on_fit_begin = function() current = {} end } } }
         return by_photo
      end
      local small, large = drawn_in(4, 1), drawn_in(21, 2)
      for key, numbers in pairs(small) do assert.equal(numbers[1], large[key][1]) end
      assert.not_equal(large["1 1"][1], large["2 1"][1])
      assert.not_equal(large["1 1"][1], large["1 2"][1])
      assert.is_true(large["1 1"][2] >= 1 and large["1 1"][2] <= 10)
   end)

   it("gets numbers of the shape and range that it asks for", function()
      local u, n
      fit { epochs = 1, augment = function(x, draw)
         u, n = draw:uniform(2, 3, 3, 1, 1), draw:normal(3, 16, 16)
         return x
      end }
      assert.same({ 5, 3, 1, 1 }, u.shape)
      assert.is_true(u:min():item() >= 2 and u:max():item() < 3)
      assert.same({ 5, 3, 16, 16 }, n.shape)
      assert.is_true(math.abs(n:mean():item()) < 0.1) -- 3840 numbers: six deviations
   end)

   it("makes an epoch of its own of each, or as many views as are asked for", function()
      local plain, frozen = fit { augment = noise, frozen = true }, fit { augment = noise, frozen = true, cache_features = 2 }
      assert.equal(plain.history[2].train_loss, frozen.history[2].train_loss)
      assert.not_equal(plain.history[2].train_loss, fit { frozen = true }.history[2].train_loss)
   end)

   it("goes on in the middle of an epoch to the same bits", function()
      local augment = { "light", { name = "noise", apply = noise }, function(x, draw) return x * draw:uniform(0.5, 2) end }
      local whole, resumed = goes_on.both(make { augment = augment }, root .. "/out", 4)
      assert.equal(whole, resumed)
   end)

   it("is in TensorBoard's picture of the photos as training gets them, which changes nothing", function()
      local function trained(change)
         local seen
         change.epochs, change.batch_size, change.sampler = 1, 10, { 3, 3, 1, 2, 15, 14, 6, 7, 18, 9 } -- one batch
         change.augment = { "light", function(x, draw)
            local y = noise(x, draw) * scute.rand(1)
            seen = scute.checksum { y }
            return y
         end }
         fit(change)
         return seen, scute.rng_state()
      end
      local batch, shown = scute.plot.batch, nil
      scute.plot.batch = function(x, options)
         shown = scute.checksum { x }
         return batch(x, options)
      end
      local done, seen, random = pcall(trained, { tensorboard = true, output_dir = root .. "/board" })
      scute.plot.batch = batch
      assert(done, seen)
      assert.same(seen, shown)
      assert.same({ trained {} }, { seen, random })
   end)

   it("is told apart by its name where a run goes on", function()
      assert.equal("{horizontal_flip = 0.5}, then noise, then function 2", augmenting.of { { horizontal_flip = 0.5 },
         { name = "noise", apply = noise }, noise }:describe())
      assert.equal("function 1", augmenting.of(noise):describe())
   end)

   it("is named where it is wrong, before anything is written", function()
      refused({ noise, "light" }, "entry 2: a description comes first and once")
      refused({ { horizontal_flop = 1 }, noise }, "unknown option 'horizontal_flop'; did you mean 'horizontal_flip'?")
      refused({ { name = "mine", apply = 3 } }, "'mine': apply: expected a function(x, draw), found 3")
      refused({ "light", { name = "mine", aply = noise } }, "'mine' has no apply, which is the function(x, draw)")
      refused({ 3 }, "entry 1: expected a description, its name, or a function(x, draw), found 3")
      refused(function(x) return x:mean() end, "'function 1' returned f32 cpu (); expected f32 cpu (2, 3, 16, 16)")
      refused(function() end, "'function 1' returned nil; expected the batch")
      refused(function(x, draw) return x * draw(3) end, "draw: expected a photo of the batch, from 1 to 2, found 3")
      refused(function(x) return x / 0 end, "made numbers that are not finite")
      local calls = 0
      local ok, why = pcall(fit, { augment = { { name = "mine", apply = function(x)
         calls = calls + 1
         return calls == 1 and x or x / 0
      end } } })
      assert.is_false(ok)
      assert.matches("'mine' made numbers that are not finite, of '/.*%.bmp'", why)
   end)
end)
