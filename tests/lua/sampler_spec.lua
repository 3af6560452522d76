-- Which photos an epoch trains on, and what each of them counts in the loss.
local lfs = require "lfs"
local scute = require "scute"
local data, sampler, train = scute.data, scute.sampler, scute.train
local console = require "scute.base.console"
local class_weights = require "scute.train.class_weights"
local criterion = require "scute.train.criterion"
local sampling = require "scute.train.sampling"
local short_run = dofile "tests/lua/short_run.lua"
local goes_on = dofile "tests/lua/goes_on.lua"
local photos = dofile "tests/cli/photos.lua"

local root

local function make(change)
   return short_run(root, { epochs = 2, batch_size = 4, seed = 3 }, change)
end

-- What a run trains on, by epoch: counts of each photo, and those of each class.
local function seen_by(change)
   local model, set, o = make(change)()
   local epochs = {}
   o.hooks = { {
      on_epoch_begin = function(run) epochs[run.epoch] = { photo = {}, class = {}, n = 0 } end,
      on_epoch_end = function(run)
         local of = epochs[run.epoch]
         for _, index in ipairs(require("scute.train.photos").order(run, run.epoch)) do
            of.photo[index], of.n = (of.photo[index] or 0) + 1, of.n + 1
         end
         for class = 1, 2 do of.class[class] = run.confusion:support(class) end
      end,
   } }
   train.fit(model, set, o)
   return epochs
end

-- A run as samplers and weights know it: 6 photos of two classes.
local function small_run(o)
   local run = { seed = 1, label_smoothing = 0, set = { classes = { "a", "b" }, train = { labels = { 1, 1, 1, 1, 2, 2 },
      paths = { "1", "2", "3", "4", "5", "6" } } } }
   for name, value in pairs(o) do run[name] = value end
   sampling.read(run)
   sampling.begin(run)
   return run
end

local function refused(change, message)
   local model, set, o = make(change)()
   o.output_dir = root .. "/refused"
   local ok, err = pcall(train.fit, model, set, o)
   assert.is_false(ok)
   assert.matches(message, tostring(err), 1, true)
   assert.is_nil(io.open(root .. "/refused/small/run.json"))
end

setup(function()
   console.quiet = true
   root = os.tmpname()
   os.remove(root)
   photos.set(root .. "/photos", { blue = 20, red = 6 }) -- 16 and 5 train
end)

teardown(function()
   console.quiet = false
   os.execute(("rm -rf '%s'"):format(root))
end)

describe("a sampler", function()
   it("that balances shows each class as often, and each photo of a class", function()
      for _, epoch in ipairs(seen_by { sampler = "balanced" }) do
         assert.equal(21, epoch.n)
         assert.is_true(math.abs(epoch.class[1] - epoch.class[2]) == 1)
         for index, times in pairs(epoch.photo) do
            assert.is_true(index <= 16 and times == 1 or index > 16 and times >= 2 and times <= 3, index)
         end
      end
      assert.same({ 4, 4 }, seen_by { sampler = sampler.balanced { length = 8 }, epochs = 1 }[1].class)
   end)

   it("with weights draws by them, of a class or of each photo", function()
      local run = small_run { sampler = sampler.weighted { weights = { b = 2 }, length = 4000 } }
      local counts = { 0, 0, 0, 0, 0, 0 }
      for _, index in ipairs(sampling.indices(run, 1, {})) do counts[index] = counts[index] + 1 end
      for i = 1, 6 do assert.is_true(math.abs(counts[i] - (i <= 4 and 500 or 1000)) < 120, counts[i]) end -- 5 deviations
      run = small_run { sampler = sampler.weighted { weights = { 0, 1, 0, 0, 0, 1 } } }
      for _, index in ipairs(sampling.indices(run, 1, {})) do assert.is_true(index == 2 or index == 6) end
      for _, index in ipairs(sampling.indices(run, 1, { [2] = true })) do assert.equal(6, index) end
   end)

   it("draws by seed and epoch alone", function()
      local run = small_run { sampler = function(_, draw)
         return draw:shuffle { draw(6), 1 + math.floor(draw() * 6), 1, 2 }
      end }
      local first, second = sampling.indices(run, 1, {}), sampling.indices(run, 2, {})
      scute.rand(3)
      assert.same(first, sampling.indices(run, 1, {}))
      assert.not_same(first, second)
   end)

   it("of one's own says what trains, on photos and on cached features", function()
      for _, frozen in ipairs { false, true } do
         local epochs = seen_by { frozen = frozen, sampler = function(epoch) return epoch == 1 and { 1, 20, 20, 20, 17 }
            or { 2, 3, 4, 5, 21 } end }
         assert.same({ [1] = 1, [20] = 3, [17] = 1 }, epochs[1].photo)
         assert.same({ 1, 4 }, epochs[1].class)
         assert.same({ 4, 1 }, epochs[2].class)
      end
   end)

   it("that shows a photo twice lets it be augmented twice", function()
      local views = {}
      local model, set, o = make { sampler = { 1, 1, 18, 18 }, augment = "standard", epochs = 1 }()
      local features = model.features
      function model:features(x)
         if self.training then views = x:clone() end
         return features(self, x)
      end
      train.fit(model, set, o)
      assert.is_true((views[1] - views[2]):abs():max():item() > 0.01)
      assert.is_true((views[3] - views[4]):abs():max():item() > 0.01)
   end)

   it("draws nothing that cannot be read, and keeps the length of an epoch", function()
      local path = root .. "/photos/red/006.bmp"
      local file <close> = assert(io.open(path, "rb"))
      local bytes = file:read "a"
      photos.write_file(path, bytes:sub(1, 60)) -- a header that promises more
      local epochs = seen_by { sampler = "balanced", epochs = 3, augment = "light" }
      photos.write_file(path, bytes)
      local n = #data.open(root .. "/photos", { seed = 0 }).train.paths
      for epoch = 2, 3 do
         assert.equal(n - 1, epochs[epoch].n)
         assert.equal(n // 2, epochs[epoch].class[1])
      end
   end)

   it("goes on in the middle of an epoch to the same bits", function()
      for name, change in pairs {
         balanced = { sampler = "balanced", augment = "light" },
         features = { sampler = sampler.weighted { weights = { red = 3 } }, frozen = true, class_weights = "balanced" },
      } do
         local whole, resumed = goes_on.both(make(change), root .. "/" .. name, 9)
         assert.equal(whole, resumed)
      end
   end)

   it("goes on with the photos of the run where more have come", function()
      local change = { sampler = "balanced", class_weights = "balanced", frozen = true, batch_size = 30, epochs = 1,
         output_dir = root .. "/more" }
      local model, set, o = make(change)()
      train.fit(model, set, o)
      local path = root .. "/photos/blue/000.bmp"
      assert(lfs.link(root .. "/photos/blue/001.bmp", path))
      change.epochs, change.resume = 2, "auto"
      model, set, o = make(change)()
      local sampled
      o.hooks = { { on_epoch_begin = function(run) sampled = { run.sampled, run.batch_size } end } }
      local done, why = pcall(train.fit, model, set, o)
      os.remove(path)
      assert.is_true(done, why)
      assert.same({ 21, 21 }, sampled)
   end)

   it("is named where it says what cannot be, before anything is written", function()
      refused({ sampler = "balance" }, "did you mean 'balanced'?")
      refused({ sampler = { indexes = print } }, "expected balanced, identities, a sampler ({ name, indices = f })")
      refused({ sampler = { 1, 99 } }, "sampler (a list of 2, 001f038a), epoch 1: expected numbers of photos from 1 to "
         .. "21, found 99 at place 2")
      refused({ sampler = { name = "mine", indices = function() return {} end } }, "sampler (mine), epoch 1: the list is empty")
      refused({ sampler = function() end },
         "sampler (a function), epoch 1: expected a list with the numbers of photos, found nil")
      refused({ sampler = sampler.weighted { weights = { rd = 1 } } }, "there is no class 'rd'; did you mean 'red'?")
      refused({ sampler = sampler.weighted { weights = { 1, 2, 3 } } }, "one for each of the 21 photos that train")
      local model, set, o = make { sampler = function(epoch) return epoch == 1 and { 1, 2, 20 } or { 1, 20 } end }()
      assert.error_matches(function() train.fit(model, set, o) end, "epoch 2: expected 3 photos, as many as in the first")
   end)

   it("is named in messages and where a run goes on", function()
      assert.equal("balanced", sampling.describe(sampler.balanced()))
      assert.equal("balanced (length 8)", sampling.describe(sampler.balanced { length = 8 }))
      assert.equal("weighted ({red = 3})", sampling.describe(sampler.weighted { weights = { red = 3 } }))
      assert.equal("mine", sampling.describe { name = "mine", indices = print })
   end)
end)

describe("a sampler of identities", function()
   -- Individuals of so many photos each, as samplers know them.
   local function part_of(counts, bad)
      local part = { labels = {}, classes = {}, paths = {}, seed = 5, bad = bad or {} }
      for class, count in ipairs(counts) do
         part.classes[class] = tostring(class)
         for _ = 1, count do table.insert(part.labels, class) end
      end
      part.n = #part.labels
      return part
   end

   -- Visits hear(batch number, class, photos) of each individual in each batch of some epochs.
   local function each_hand(given, part, epochs, hear)
      local made, batch = sampler.identities(given), 0
      for epoch = 1, epochs do
         local order = made.indices(epoch, nil, part)
         assert.equal(0, #order % made.batch_size)
         for from = 1, #order, given.photos do
            if (from - 1) % made.batch_size == 0 then batch = batch + 1 end
            local hand = table.move(order, from, from + given.photos - 1, 1, {})
            for _, photo in ipairs(hand) do assert.equal(part.labels[hand[1]], part.labels[photo]) end
            hear(batch, part.labels[hand[1]], hand, epoch)
         end
      end
   end

   it("has P individuals with K photos each, all individuals as often, and each photo once a cycle", function()
      local counts = { 1, 2, 3, 4, 5, 7, 11, 30, 1 }
      local given, part = { individuals = 4, photos = 3 }, part_of(counts)
      local in_batch, visits, of_epoch, times = {}, {}, {}, {}
      each_hand(given, part, 12, function(batch, class, hand, epoch)
         in_batch[batch] = in_batch[batch] or { n = 0 }
         assert.is_nil(in_batch[batch][class], "an individual comes once in a batch")
         in_batch[batch][class], in_batch[batch].n = true, in_batch[batch].n + 1
         visits[class] = (visits[class] or 0) + 1
         of_epoch[epoch] = of_epoch[epoch] or {}
         of_epoch[epoch][class] = (of_epoch[epoch][class] or 0) + 1
         local seen, different = {}, 0
         for _, photo in ipairs(hand) do
            times[photo] = (times[photo] or 0) + 1
            different, seen[photo] = different + (seen[photo] and 0 or 1), true
         end
         assert.is_true(different == math.min(3, counts[class]), "a photo comes once in a batch where there are others")
      end)
      assert.equal(12 * 6, #in_batch) -- 64 photos: 6 batches of 12
      for _, of in ipairs(in_batch) do assert.equal(4, of.n) end
      of_epoch[#of_epoch + 1] = visits
      for _, of in ipairs(of_epoch) do
         for class in ipairs(counts) do of[class] = of[class] or 0 end
         assert.is_true(math.max(table.unpack(of)) - math.min(table.unpack(of)) <= 1, "individuals differ by one at most")
      end
      local least, most = {}, {}
      for photo, class in ipairs(part.labels) do
         local n = times[photo] or 0
         least[class], most[class] = math.min(least[class] or n, n), math.max(most[class] or n, n)
      end
      for class in ipairs(counts) do assert.is_true(most[class] - least[class] <= 1, "each photo once a cycle") end
      assert.is_true(least[8] >= 2)
   end)

   it("deals in another order each time, by the seed", function()
      local made, part = sampler.identities { individuals = 2, photos = 2 }, part_of { 4, 4, 4 }
      local first, second = made.indices(1, nil, part), made.indices(2, nil, part)
      assert.not_same(first, second)
      local fourth = sampler.identities({ individuals = 2, photos = 2 }).indices(4, nil, part)
      for _, ask in ipairs { { 2, second }, { 4, fourth }, { 1, first }, { 2, second } } do
         assert.same(ask[2], made.indices(ask[1], nil, part)) -- whatever was asked for before
      end
      part.bad = { [1] = true } -- and what was known to be bad
      made.indices(3, nil, part)
      part.bad = {}
      assert.same(fourth, made.indices(4, nil, part))
      part.seed = 6
      assert.not_same(first, made.indices(1, nil, part))
   end)

   it("leaves out what cannot be read, with an individual of which nothing can", function()
      local part = part_of({ 3, 1, 4, 2 }, { [1] = true, [4] = true })
      each_hand({ individuals = 3, photos = 2 }, part, 4, function(_, class, hand)
         assert.not_equal(2, class)
         for _, photo in ipairs(hand) do assert.is_nil(part.bad[photo]) end
      end)
      assert.matches("individuals: expected at most 3, as there are no more with photos that train, found 4",
         select(2, pcall(sampler.identities { individuals = 4 }.indices, 1, nil, part)))
   end)

   it("is fast with 100,000 individuals", function()
      local counts = {}
      for class = 1, 100000 do counts[class] = class % 3 + 1 end
      local order = sampler.identities { individuals = 16, photos = 2 }.indices(1, nil, part_of(counts))
      assert.equal((200000 + 31) // 32 * 32, #order)
   end)

   it("trains in batches of its size alone, and tells of individuals that come with repeats", function()
      local made = sampler.identities { individuals = 2, photos = 3 }
      assert.matches("sampler %(identities %(2 individuals, 3 photos each%)%): batch_size: expected 6, which it is made for, "
         .. "found 8", select(2, pcall(small_run, { sampler = made, batch_size = 8 })))
      local warned, warn = nil, console.warn
      console.warn = function(format, ...) warned = format:format(...) end
      local run = small_run { sampler = made, batch_size = 6 }
      console.warn = warn
      assert.matches("1 individual with fewer than 3 photos: of it some come several times in a batch", warned)
      assert.equal(6, run.sampled)
      assert.is_nil(made.note(part_of { 3, 4 }))
      local epochs = seen_by { sampler = made, batch_size = 6 }
      assert.same({ 24, { 12, 12 } }, { epochs[1].n, epochs[1].class }) -- 21 photos
   end)

   it("is named on a command line", function()
      assert.equal("identities (8 individuals, 4 photos each)", sampling.describe(sampler.parse "identities"))
      assert.equal("identities (16 individuals, 2 photos each)", sampling.describe(sampler.parse "identities=16x2"))
      assert.matches("did you mean 'identities'", select(2, pcall(sampler.parse, "identites")))
      assert.matches("length: expected a multiple of 32 = 8 individuals %* 4 photos, found 40",
         select(2, pcall(sampler.identities, { length = 40 })))
   end)
end)

describe("weights of classes", function()
   local W = { 0.5, 3 }

   -- As PyTorch's documentation of CrossEntropyLoss defines it.
   local function expected(logits, y, smoothing)
      local log_p, sum, weight = logits:log_softmax(2):totable(), 0, 0
      for i, class in ipairs(y) do
         local loss = (1 - smoothing) * W[class] * -log_p[i][class]
         for k = 1, 2 do loss = loss + smoothing / 2 * W[k] * -log_p[i][k] end
         sum, weight = sum + loss, weight + W[class]
      end
      return sum, weight
   end

   local y = { 1, 2, 2, 1, 1 }
   local logits = scute.tensor { { 1, 2 }, { -1, 0.5 }, { 3, 1 }, { 0, 0 }, { 2, -2 } }

   it("weigh the mean as PyTorch does, with smoothed labels too", function()
      for _, smoothing in ipairs { 0, 0.1 } do
         local run = small_run { class_weights = W, label_smoothing = smoothing }
         local sum, weight = expected(logits, y, smoothing)
         local loss = criterion.of_batch(run, logits, { y = scute.tensor(y, { dtype = "i64" }) })
         assert.near(sum / weight, loss:item(), 1e-6) -- float32
      end
   end)

   it("weigh both classes of a mixed photo", function()
      local run, partner = small_run { class_weights = W, label_smoothing = 0.1 }, { 1, 1, 2, 2, 1 }
      local one, weight = expected(logits, y, 0.1)
      local other, more = expected(logits, partner, 0.1)
      local batch = { y = scute.tensor(y, { dtype = "i64" }), partner = scute.tensor(partner, { dtype = "i64" }), share = 0.3 }
      local all = 0.3 * weight + 0.7 * more
      assert.near((0.3 * one + 0.7 * other) / all, criterion.of_batch(run, logits, batch):item(), 1e-6)
      assert.near(all, criterion.weight(run, batch), 1e-12)
   end)

   it("follow from how many photos a class has", function()
      assert.same({ 6 / (2 * 4), 6 / (2 * 2) }, class_weights.of("balanced", small_run {}.set))
      assert.same({ 1, 3 }, class_weights.of({ b = 3 }, small_run {}.set))
      assert.same({ 2, 3 }, class_weights.of({ 2, 3 }, small_run {}.set))
      assert.same({ rare = 3, ["two words"] = 0.5 }, class_weights.parse "rare=3, two words = 0.5")
   end)

   it("count an update of several batches as one batch, and leave validation as it is", function()
      local function weights(change)
         local model, set, o = make(change)()
         local result = train.fit(model, set, o)
         return model:get("fc").weight, result
      end
      -- Running statistics of batch norm see the batches: frozen.
      local one = { frozen = true, class_weights = { red = 4 }, batch_size = 20, epochs = 1, sampler = { 1, 2, 3, 17, 18, 4 } }
      local two = { frozen = true, class_weights = { red = 4 }, batch_size = 3, epochs = 1, sampler = { 1, 2, 3, 17, 18, 4 },
         accumulate = 2 }
      local a, first = weights(one)
      local b, second = weights(two)
      assert.is_true((a - b):abs():max():item() < 1e-6) -- other order of sums
      assert.near(first.history[1].train_loss, second.history[1].train_loss, 1e-6)
      one.class_weights = { red = 2, blue = 0.5 } -- the same loss, scaled: validation tells
      local _, third = weights(one)
      assert.near(first.history[1].val_loss, third.history[1].val_loss, 1e-4) -- AdamW forgets a factor but for its epsilon
   end)

   it("count a batch in pieces as the whole, mixed too", function()
      local function trained(micro)
         local model, set, o = make { frozen = true, class_weights = { red = 4 }, label_smoothing = 0.1, mixup = 1,
            cache_features = "off", batch_size = 12, epochs = 1,
            hooks = { { on_fit_begin = function(run) run.micro = micro end } } }()
         local result = train.fit(model, set, o)
         return model:get("fc").weight, result.history[1].train_loss
      end
      local whole, loss = trained(nil)
      local pieces, other = trained(5)
      assert.is_true((whole - pieces):abs():max():item() < 1e-5) -- other order of sums
      assert.near(loss, other, 1e-6)
   end)

   it("are named where they say what cannot be, before anything is written", function()
      refused({ class_weights = { rde = 1 } }, "class_weights: there is no class 'rde'; did you mean 'red'?")
      refused({ class_weights = { red = 0 } }, "expected a number above 0 for class 'red', found 0")
      refused({ class_weights = { 1, 2, red = 3 } }, "class 'red' has two weights")
      refused({ class_weights = "red:3" }, "expected balanced, or weights above 0 as in rare=3,frequent=0.5, found 'red:3'")
      refused({ class_weights = "balanced", loss = print }, "class_weights are the cross entropy's")
   end)
end)
