-- Data sets that a script makes: of tensors, of a function, of a list of files.
local lfs = require "lfs"
local scute = require "scute"
local data, evaluate, optim, train = scute.data, scute.evaluate, scute.optim, scute.train
local console = require "scute.base.console"
local goes_on = dofile "tests/lua/goes_on.lua"
local photos = dofile "tests/cli/photos.lua"
local Small = dofile "tests/lua/small.lua"

local N = 18
local root, x, y

local function get(i) return x[i], y[i] end

local function make(set_of, change)
   return function()
      scute.manual_seed(0)
      local set = set_of()
      local model = Small(set.classes)
      local o = { epochs = 2, batch_size = 4, workers = 1, seed = 3 }
      for name, value in pairs(change or {}) do o[name] = value end
      if o.frozen then model:freeze "backbone" end
      o.frozen = nil
      o.optimizer = optim.adamw(model:groups { lr = 0.02 })
      return model, set, o
   end
end

local function fit(set, change)
   local model, its_set, o = make(function() return set end, change)()
   return train.fit(model, its_set, o), model
end

-- f { change } refuses with that message and a position in this file.
local function refuses(f, given, change, message, is_failure)
   local o = {}
   for name, value in pairs(given) do o[name] = value end
   for name, value in pairs(change) do o[name] = value ~= "none" and value or nil end
   local ok, why = pcall(function() return f(o), nil end)
   assert.is_false(ok)
   assert.matches(message, console.message(why), 1, true)
   if not is_failure then assert.matches("own_data_spec.lua", tostring(why), 1, true) end
end

-- The list of the photos on disk. above: before their folder (default: its whole path).
local function listed(above)
   local list = {}
   for _, class in ipairs { "blue", "red" } do
      local folder = (above or root .. "/") .. "photos/" .. class
      for i = 1, class == "blue" and 8 or 6 do list[#list + 1] = { ("%s/%03d.bmp"):format(folder, i), class } end
   end
   return list
end

setup(function()
   console.quiet = true
   root = os.tmpname()
   os.remove(root)
   photos.set(root .. "/photos", { blue = 8, red = 6 })
   scute.manual_seed(1)
   y = {}
   for i = 1, N do y[i] = 1 + i % 3 end
   x = scute.randn(N, 3, 16, 16) * 0.3 + scute.tensor(y):reshape { N, 1, 1, 1 }
end)

teardown(function()
   console.quiet = false
   os.execute(("rm -rf '%s'"):format(root))
end)

describe("a data set of one's own", function()
   it("has its classes, a split drawn by class, and names for what has no file", function()
      local set = data.tensors { x = x, y = y, classes = { "a", "b", "c" }, val = 0.34, seed = 5 }
      assert.same({ "a", "b", "c" }, set.classes)
      assert.same({ { 4, 4, 4 }, { 2, 2, 2 } }, { set.train.counts, set.val.counts })
      assert.same(data.tensors { x = x, y = y, val = 0.34, seed = 5 }.val.paths, set.val.paths)
      assert.not_same(data.tensors { x = x, y = y, val = 0.34, seed = 6 }.val.paths, set.val.paths)
      assert.equal(y[tonumber(set.val.paths[1]:match "^sample (%d+)$")], set.val.labels[1])
      assert.matches("^data set tensors: 18 photos in 3 classes, 12 train and 6 validate; split: drawn, 34 %%, seed 5",
         tostring(set))
      local given = data.tensors { x = x, y = scute.tensor(y, { dtype = "i64" }), val = { x = x, y = y } }
      assert.same({ "1", "2", "3" }, given.classes)
      assert.same({ 18, 18, "validation sample 3" }, { #given.train.paths, #given.val.paths, given.val.paths[3] })
      local named = data.source { n = 4, get = function(i) return x[i], i < 3 and "young" or "old" end, val = 0.5 }
      assert.same({ "old", "young" }, named.classes)
   end)

   it("knows a class however its accent is written, and names of digits are names", function()
      local composed, decomposed = "\u{e9}", "e\u{301}"
      local names = { "b", decomposed, "b", composed }
      local function of(i) return x[i], names[i] end
      for _, classes in ipairs { { "b", decomposed }, { "b", composed } } do
         for _, set in ipairs {
            data.tensors { x = x:slice(1, 1, 4), y = names, classes = classes, val = 0.5 },
            data.source { n = 4, get = of, classes = classes, val = 0.5 },
            data.source { n = 4, get = of, labels = { "b", composed, "b", decomposed }, classes = classes, val = 0.5 },
            data.files { { root .. "/photos/red/001.bmp", decomposed }, { root .. "/photos/red/002.bmp", composed },
               { root .. "/photos/blue/001.bmp", "b" }, { root .. "/photos/blue/002.bmp", "b" }, classes = classes, val = 0.5 },
         } do
            assert.same({ { "b", composed }, { 1, 1 } }, { set.classes, set.train.counts })
         end
      end
      assert.same({ "0", "9" }, data.tensors { x = x:slice(1, 1, 4), y = { "0", "9", "0", "9" }, val = 0.5 }.classes)
   end)

   it("trains the same from tensors and from a function", function()
      local expected = fit(data.tensors { x = x, y = y })
      assert.is_true(expected.history[2].train_loss < expected.history[1].train_loss)
      for _, set in ipairs { data.source { n = N, get = get }, data.source { n = N, get = get, labels = y, classes = 3 } } do
         local result = fit(set)
         for i = 1, 2 do
            assert.equal(expected.history[i].train_loss, result.history[i].train_loss)
            assert.equal(expected.history[i].val_loss, result.history[i].val_loss)
         end
      end
   end)

   it("is normalised as photos are, where that is asked for", function()
      local bytes = (scute.rand(N, 3, 16, 16) * 255):to "u8"
      local model, set = Small(3), data.tensors { x = bytes, y = y }
      local mean, std = scute.tensor(model.preprocessing.mean), scute.tensor(model.preprocessing.std)
      local one = bytes:to "f32" / 255
      local plain = (one - mean:reshape { 1, 3, 1, 1 }) / std:reshape { 1, 3, 1, 1 }
      local function logits(of) return scute.score(model, of.train, { want = { "logits" } }).logits end
      local expected = logits(data.tensors { x = plain, y = y })
      for _, other in ipairs { set, data.tensors { x = one, y = y, normalize = true } } do
         assert.is_true((logits(other) - expected):abs():max():item() < 1e-5) -- float32
      end
      assert.is_true((logits(data.tensors { x = one, y = y }) - expected):abs():max():item() > 1e-3)
      assert.matches("go to the network as they are", data.tensors { x = one, y = y }.notes[1], 1, true)
   end)

   it("is scored, evaluated and reported like photos", function()
      local set = data.source { n = N, get = get }
      local result, model = fit(set, { output_dir = root .. "/scored", tensorboard = true })
      local seen = scute.score(model, set.val, { want = { "guesses", "losses" } })
      local records = evaluate.photos(model, set.val, set.classes)
      for i, index in ipairs(seen.indices) do
         assert.same({ set.val.paths[index], seen.guesses[i] }, { records[i].path, records[i].predicted })
         assert.same(records[i], result.answers[i])
      end
      evaluate.save(result.folder, evaluate.summary(records, set.classes, { resamples = 10 }), records, set.classes)
      for _, name in ipairs { "worst.json", "evaluation.json" } do
         local file <close> = assert(io.open(result.folder .. "/" .. name))
         assert.matches('"sample %d+"', file:read "a")
      end
      local split <close> = assert(io.open(result.folder .. "/split.csv"))
      assert.matches("\nsample 4,2,train,%x+%-768\n", split:read "a")
   end)

   it("that has the same on both sides of the split is told of it", function()
      local equal = require "scute.data.equal"
      assert.same({}, equal.find(data.tensors { x = x, y = y }))
      local set = data.tensors { x = x, y = y, val = { x = x:slice(1, 3, 4), y = { y[3], y[4] } } }
      assert.same({ { train = "sample 3", val = "validation sample 1" }, { train = "sample 4", val = "validation sample 2" } },
         equal.find(set))
      local function bytes(text) -- two words of the same CRC-32
         return scute.tensor({ text:byte(1, 8) }):to "u8":reshape { 1, 1, 2, 4 }
      end
      local words = scute.concat({ bytes "plumless", bytes "BUCKEROO" }, 1)
      set = data.tensors { x = words, y = { 1, 2 }, val = { x = bytes "buckeroo", y = { 1 } }, normalize = false }
      assert.equal(set.samples.digests["sample 1"], set.samples.digests["validation sample 1"])
      assert.same({}, equal.find(set))
   end)

   it("that has the same on both sides is told of it once it was read", function()
      local said, warn = {}, console.warn
      console.warn = function(format, ...) said[#said + 1] = format:format(...) end
      local done, why = pcall(fit, data.source { n = N, labels = y, get = function() return x[1] end })
      console.warn = warn
      assert.is_true(done, why)
      assert.matches("^3 photos that validate have the same numbers as one that trains %(sample", table.concat(said, "\n"))
      assert.equal(1, #said)
   end)

   it("works with cached features, samplers and augmentation", function()
      local set = data.tensors { x = x, y = y }
      local plain, cached = fit(set, { frozen = true, cache_features = "off" }), fit(set, { frozen = true })
      assert.near(plain.history[2].val_loss, cached.history[2].val_loss, 1e-5) -- batches of another size
      local noisy = fit(set, { sampler = "balanced", augment = function(b, draw) return b + draw:normal(3, 16, 16) end })
      assert.not_equal(plain.history[2].train_loss, noisy.history[2].train_loss)
      local ok, why = pcall(fit, set, { augment = "light" })
      assert.is_false(ok)
      assert.matches("the samples of this set are none; give a function(x, draw)", why, 1, true)
   end)

   it("goes on in the middle of an epoch to the same bits", function()
      local val = { n = 6, get = get }
      for name, case in pairs { -- what makes the set, and an update in the middle of the second epoch
         tensors = { function() return data.tensors { x = x, y = y } end, 6 },
         source = { function() return data.source { n = N, get = get, labels = y, val = val } end, 7 },
         files = { function() return data.files(listed()) end, 5, { augment = "light" } },
      } do
         local whole, resumed = goes_on.both(make(case[1], case[3]), root .. "/" .. name, case[2])
         assert.equal(whole, resumed)
      end
   end)

   it("that is another one does not go on", function()
      local function resumed(set, folder)
         local model, its_set, o = make(function() return set end, { output_dir = folder, resume = "auto", epochs = 3 })()
         local ok, why = pcall(train.fit, model, its_set, o)
         assert.is_false(ok)
         return console.message(why)
      end
      local other = x * 1.5
      fit(data.tensors { x = x, y = y }, { output_dir = root .. "/t" })
      assert.matches("the samples are others", resumed(data.tensors { x = other, y = y }, root .. "/t"), 1, true)
      fit(data.source { n = N, get = get, labels = y }, { output_dir = root .. "/s" })
      assert.matches("'sample %d+' is another sample than the one that the run began with", resumed(data.source { n = N,
         labels = y, get = function(i) return i == 1 and x[1] or other[i] end }, root .. "/s"))
   end)

   it("is freed on the CPU once it is on a GPU", function()
      local freed, on_cpu = 0, { to = function(_, device) return device end }
      setmetatable(on_cpu, { __close = function() freed = freed + 1 end })
      local part = { paths = { "a", "b" }, samples = { batch = function() return on_cpu, {} end } }
      local batches = require("scute.data.samples").batches
      assert.equal("cuda", (batches(part, { device = "cuda" })()))
      assert.equal(1, freed)
      assert.equal(on_cpu, (batches(part, {})()))
   end)

   it("that gives something else each time does not train", function()
      local function drifts(labels, from) -- another sample at each call, from one on
         local n = 0
         return data.source { n = N, labels = labels, get = function(i)
            n = n + 1
            return i < from and x[i] or x[i] + n, y[i]
         end }
      end
      for _, case in ipairs { { nil, 1 }, { nil, 2 }, { y, 1 }, { y, 2 } } do
         local done, why = pcall(fit, drifts(case[1], case[2]))
         assert.is_false(done)
         assert.matches("^data.source: get%(%d+%): its numbers are others than before; give the same each time", why)
      end
   end)

   it("says what is wrong with it", function()
      local t, s = { x = x, y = y }, { n = N, get = get }
      local zero, hole = {}, x:clone()
      for i = 1, N do zero[i] = i % 3 end
      hole = scute.where(scute.tensor { 1, table.unpack(zero, 1, N - 1) }:eq(0):reshape { N, 1, 1, 1 }, hole / 0, hole)
      refuses(data.tensors, t, { y = { 1, 2 } }, "data.tensors: y: expected 18 classes, one for each row of x, found 2")
      refuses(data.tensors, t, { y = zero }, "y: place 3: expected a class, a number from 1 to 2 or a name, found 0 (class "
         .. "numbers start at 1)")
      refuses(data.tensors, t, { classes = 4 }, "classes: none of the data that trains is of class '4'")
      refuses(data.tensors, t, { classes = { "a", "b" } }, "y: place 2: expected a class, a number from 1 to 2 or a name, "
         .. "found 3")
      refuses(data.tensors, t, { classes = { "a", "b", "b" } }, "classes: 'b' is there twice")
      refuses(data.tensors, t, { x = hole }, "x: row 4: it has numbers that are not finite")
      refuses(data.tensors, t, { x = x[1] }, "x: expected a tensor (N, C, H, W), found shape (3, 16, 16)")
      refuses(data.tensors, t, { x = x:to "i64" }, "x: row 1: expected floating point numbers or u8, found i64")
      refuses(data.tensors, t, { normalize = true }, "x: row 1: normalize: expected numbers from 0 to 1, found ")
      refuses(data.tensors, t, { val = { x = x } }, "val.y: expected a list or a tensor of classes, found nil")
      refuses(data.tensors, t, { val = { x = x:slice(3, 1, 8), y = y } }, "val.x: row 1: expected shape (3, 16, 16), as the "
         .. "first")
      refuses(data.tensors, t, { vall = 0.3 }, "did you mean 'val'?")
      refuses(data.source, s, { get = "none" }, "option 'get' is missing")
      refuses(data.source, s, { get = function(i) return i == 7 and error "lost" or x[i], 1 end }, "get(7): ")
      refuses(data.source, s, { get = function(i) return i == 7 and x[i]:slice(1, 1, 2) or x[i], y[i] end },
         "get(7): expected shape (3, 16, 16), as the first has it, found (2, 16, 16)")
      refuses(data.source, s, { get = function(i) return x[i] end }, "get(1): the class: expected a class")
      refuses(data.source, s, { labels = { 1, 2 } }, "labels: expected 18, one for each sample, found 2")
      refuses(data.source, s, { labels = zero }, "get(1): it tells class 2, and labels say 1")
      refuses(data.source, s, { val = { n = 3 } }, "data.source: val: option 'get' is missing", true)
      refuses(data.list, {}, {}, "data.files takes a list of photos")
      local late = data.source { n = N, labels = y, get = function(i) return i > 1 and x[i] / (i % 5) or x[i] end }
      local done, what = pcall(fit, late)
      assert.is_false(done)
      assert.matches("data.source: get%(%d*[05]%): it has numbers that are not finite", what)
      local ok, why = pcall(fit, data.tensors { x = x:slice(2, 1, 1), y = y }, { output_dir = root .. "/refused" })
      assert.is_false(ok)
      assert.matches("train.fit: the model does not take samples of shape (1, 16, 16): in conv1 (Conv2d)", why, 1, true)
      assert.is_nil(io.open(root .. "/refused/small/run.json"))
   end)
end)

describe("data.files", function()
   it("trains as folders do, photos of any place", function()
      local list = listed()
      local train_list = table.move(list, 3, 12, 1, {})
      local val = { list[1], list[2], { path = list[13][1], label = "red" }, list[14] }
      local set = data.files { train = train_list, val = val }
      assert.same({ { 6, 4 }, { 2, 2 } }, { set.train.counts, set.val.counts })
      assert.equal(list[3][1], set.train.paths[1])
      local result = fit(set, { augment = "light", output_dir = root .. "/listed" })
      assert.equal(2, #result.history)
      local numbered = data.files { { list[1][1], 1 }, { list[2][1], 1 }, { list[13][1], 2 }, { list[14][1], 2 }, val = 0.5 }
      assert.same({ "1", "2" }, numbered.classes)
   end)

   it("leaves out what cannot be read, and names it", function()
      local list = listed()
      photos.write_file(root .. "/broken.bmp", "no photo")
      list[#list + 1] = { root .. "/broken.bmp", "red" }
      assert.equal(root .. "/broken.bmp", data.files(list).broken[1].path)
   end)

   -- f() where paths are relative to the folder of the photos.
   local function within(folder, f)
      local before = assert(lfs.currentdir())
      assert(lfs.chdir(folder))
      local done, why = pcall(f)
      assert(lfs.chdir(before))
      assert.is_true(done, why)
   end

   local function resumed(list, folder, epochs)
      local o = { epochs = epochs, resume = "auto", output_dir = root .. "/" .. folder, batch_size = 20 }
      return fit(data.files(list), o)
   end

   it("goes on without a photo that could not be read and is gone, by a path of any kind", function()
      within(root, function()
         local list = listed ""
         local path = list[14][1]
         local file <close> = assert(io.open(path, "rb"))
         local bytes = file:read "a"
         photos.write_file(path, bytes:sub(1, 60)) -- a header that promises more
         list.val = { table.remove(list, 8), table.remove(list, 9) }
         resumed(list, "lost", 1)
         photos.write_file(path, bytes)
         list[#list] = nil
         assert.equal(2, #resumed(list, "lost", 2).history)
      end)
   end)

   it("is evaluated as the run knows it, by a path of any kind", function()
      within(root, function()
         for name, above in pairs { evaluated = "", evaluated_whole = root .. "/" } do
            local result = resumed(listed(above), name, 2)
            for _, dir in ipairs { "photos", "./photos", root .. "/photos" } do
               local opt = { data_dir = dir, split = "val", model = result.folder .. "/best.safetensors" }
               local part = evaluate.open(opt)
               assert.same({ 3, 3 }, { #part.paths, part.chosen }, name)
               opt.split = "new"
               assert.error_matches(function() evaluate.open(opt) end, "no photo in '[^']+' is new since the training")
            end
         end
      end)
   end)

   it("that is another one does not go on, and is called by its name", function()
      local list = listed()
      list.val = { table.remove(list, 1), table.remove(list) }
      resumed(list, "listed_anew", 1)
      list[1], list.val[1] = list.val[1], list[1]
      local done, why = pcall(resumed, list, "listed_anew", 2)
      assert.is_false(done)
      assert.matches("^the data set %(a list of files%): '[^']+' is val now, and train in the run in [^;]+; give it as it was",
         console.message(why))
   end)

   it("says what is wrong with a list", function()
      local list = listed()
      local function refused(change, message)
         local o = table.move(list, 1, #list, 1, {})
         for key, value in pairs(change) do o[key] = value end
         refuses(data.files, o, {}, message)
      end
      refused({ [3] = { "nowhere.jpg", "red" } }, "train: entry 3: there is no file 'nowhere.jpg'")
      refused({ [3] = "nowhere.jpg" }, "train: entry 3: expected { path, class }, found")
      refused({ [3] = { list[3][1] } }, "train: entry 3: expected { path, class }, found {")
      refused({ [3] = list[1] }, "' is listed already in train: entry 1")
      refused({ val = { list[2] } }, "' is listed already in train: entry 2")
      refused({ classes = { "blue", "green" } }, "train: entry 9: there is no class 'red'; expected one of blue, green")
      refused({ train = list }, "the photos that train are given twice")
   end)
end)
