-- evaluate.compare: finished models on the photos that none of them was trained with, and the paired test.
local cjson = require "cjson"
local lfs = require "lfs"
local scute = require "scute"
local console = require "scute.base.console"
local cli_photos = dofile "tests/cli/photos.lua"
local scratch = dofile "tests/lua/scratch.lua"
local Small = dofile "tests/lua/small.lua"
local data, evaluate, models, optim, train = scute.data, scute.evaluate, scute.models, scute.optim, scute.train

local root, warned, warn

-- A run of its own folder; seed: of its split.
local function fit(name, seed, epochs, classes)
   scute.manual_seed(seed)
   local set = data.open(root .. "/" .. (classes or "photos"), { seed = seed })
   local model = Small(set.classes)
   train.fit(model, set, { optimizer = optim.adamw(model:groups { lr = 0.01 }), epochs = epochs, batch_size = 8, workers = 1,
      output_dir = root .. "/" .. name })
end

local function file_of(name) return ("%s/%s/small/best.safetensors"):format(root, name) end

local function compare(names, more)
   local opt = { data_dir = root .. "/photos", split = "val", model = {}, workers = 0 }
   for i, name in ipairs(names) do opt.model[i] = file_of(name) end
   for key, value in pairs(more or {}) do opt[key] = value end
   return evaluate.compare(opt)
end

local function failure(f, ...)
   local ok, why = pcall(f, ...)
   assert.is_false(ok)
   return tostring(why)
end

local function said() return table.concat(warned, "\n") end

setup(function()
   root = scratch.make()
   fit("good", 0, 3)
   fit("short", 0, 1)
   fit("other", 4, 2)
   cli_photos.set(root .. "/more", { blue = 5, green = 5 })
   fit("foreign", 0, 1, "more")
end)
teardown(function() scratch.remove(root) end)
before_each(function()
   warned, warn = {}, console.warn
   console.warn = function(format, ...) warned[#warned + 1] = format:format(...) end
end)
after_each(function() console.warn = warn end)

describe("evaluate.compare", function()
   it("asks all models about the same photos, as evaluate asks each", function()
      local found = compare { "good", "short" }
      assert.same({ "good", "short" }, { found.models[1].name, found.models[2].name })
      assert.same({ 6, "", 0 }, { found.about.photos, said(), found.about.bad })
      for _, entry in ipairs(found.models) do
         local part, classes = evaluate.open { data_dir = root .. "/photos", split = "val", model = entry.path }
         local model = models.load(entry.path)
         local alone = evaluate.summary(evaluate.photos(model, part, classes, { workers = 0 }), model.classes)
         assert.equal(alone.accuracy, entry.summary.accuracy)
         assert.equal(alone.log_loss, entry.summary.log_loss)
      end
      local best = found.accuracy.rows[1]
      assert.equal(best.figure, math.max(found.models[1].summary.accuracy, found.models[2].summary.accuracy))
      assert.equal(1, #found.loss.pairs)
      assert.matches("^2 models on 6 photos of '[^']+/photos' %(validation: .*\n\nBy log loss, of which less is better:\n",
         tostring(found))
      local text = tostring(found.accuracy)
      assert.matches("one run of each, so what another seed would change is not in it", text)
      assert.matches("good: these photos chose the epoch that was kept, so the figures are optimistic", text)
      assert.is_nil(text:find "short: these photos")
   end)

   it("leaves out what trained one of them", function()
      local found = compare { "good", "other" }
      local held = {}
      for _, name in ipairs { "good", "other" } do
         for line in io.lines(("%s/%s/small/split.csv"):format(root, name)) do
            local file, side = line:match "^([^,]*),[^,]*,(%a+)"
            if side == "val" then held[file] = (held[file] or 0) + 1 end
         end
      end
      local both = 0
      for _, times in pairs(held) do both = both + (times == 2 and 1 or 0) end
      assert.is_true(both > 0 and both < 6)
      assert.equal(both, found.about.photos)
      assert.matches(("left out: %d photos that only some of the models"):format(12 - 2 * both), said())
      assert.matches("seed 0 and validation: .*seed 4", found.about.split)
   end)

   it("refuses what cannot be compared, in a line", function()
      assert.matches("^model: '[^']+/good/[^']+' is given twice", failure(compare, { "good", "good" }))
      assert.matches("^model: '[^']+' and '[^']+' know different classes: only good has 'red'",
         failure(compare, { "good", "foreign" }))
      assert.matches("evaluate.compare: expected { model = .* at least two files", failure(compare, { "good" }))
      assert.matches("nowhere", failure(compare, { "good", "nowhere" }))
      assert.matches("^data_dir: no photo in '[^']+' is new since the training",
         failure(compare, { "good", "short" }, { split = "new" }))
   end)

   it("draws what validates where no run says it, as for one model", function()
      for _, name in ipairs { "good", "short" } do
         local folder = ("%s/%s_alone/small"):format(root, name)
         os.execute(("mkdir -p '%s' && cp '%s' '%s/'"):format(folder, file_of(name), folder))
      end
      local found = compare({ "good_alone", "short_alone" }, { seed = 3, val_fraction = 0.4 })
      local part = evaluate.open { data_dir = root .. "/photos", split = "val", model = file_of "good_alone", seed = 3,
         val_fraction = 0.4 }
      assert.equal(#part.paths, found.about.photos)
      assert.is_true(found.about.photos > 6)
   end)

   it("does without a photo that cannot be read", function()
      local path = root .. "/photos/test/blue/1.bmp"
      cli_photos.write(path, 1, 70)
      cli_photos.write(root .. "/photos/test/red/2.bmp", 2, 71)
      cli_photos.write_file(root .. "/photos/test/red/3.bmp", "BM no photo")
      local found = compare({ "good", "short", "other" }, { split = "test" })
      assert.same({ 2, 1, 3 }, { found.about.photos, found.about.bad, #found.accuracy.pairs })
      assert.matches("left out: .*3.bmp", said())
      assert.is_nil(tostring(found.accuracy):find "optimistic")
      os.execute(("rm -r '%s/photos/test'"):format(root))
   end)

   it("writes and tells the same as data", function()
      local found, folder = compare { "good", "short" }, root .. "/said"
      evaluate.save_comparison(folder, found)
      for _, name in ipairs { "comparison.md", "comparison.csv", "comparison.json", "good/evaluation.json",
         "short/confusion.png" } do
         assert.equal("file", lfs.attributes(folder .. "/" .. name, "mode"), name)
      end
      local told = cjson.decode(require "scute.base.json" (evaluate.comparison_table(found)))
      assert.same({ 6, found.models[1].summary.accuracy }, { told.photos, told.models.good.accuracy })
      local pair = found.accuracy.pairs[1]
      assert.equal(pair.apart, told.pairs[pair.first.name .. " - " .. pair.second.name].apart)
   end)

   local function unknown()
      for _, name in ipairs { "good_unknown", "short_unknown" } do
         local folder = ("%s/%s/small"):format(root, name)
         os.execute(("mkdir -p '%s' && cp '%s' '%s/'"):format(folder, file_of((name:gsub("_.*", ""))), folder))
      end
      return tostring(compare({ "good_unknown", "short_unknown" }, { split = "all" }))
   end

   it("calls none better on photos that trained, under whatever name", function()
      local found = compare({ "good", "short" }, { split = "all" })
      local trained, text = found.models[1].trained, tostring(found)
      assert.is_true(trained > 0 and trained < found.about.photos)
      assert.same({ {}, {} }, { found.accuracy.pairs, found.loss.pairs })
      assert.is_nil(text:find "better than %a+ by" or text:find "told apart" or text:find "By log loss")
      assert.matches("No model is called better than another: photos that trained a model say nothing of that.", text, 1, true)
      assert.matches(("good: %d of the %d photos trained it"):format(trained, found.about.photos), text, 1, true)
      assert.matches("short: " .. trained, text, 1, true)
      os.execute(("cp -r '%s/photos' '%s/renamed'"):format(root, root))
      os.execute(("cd '%s/renamed' && for f in */*.bmp; do mv $f ${f%%.bmp}_again.bmp; done"):format(root))
      local again = compare({ "good", "short" }, { split = "all", data_dir = root .. "/renamed" })
      assert.same({ trained, found.models[1].chosen }, { again.models[1].trained, again.models[1].chosen })
      local told = cjson.decode(require "scute.base.json" (evaluate.comparison_table(found)))
      assert.same({ trained, {} }, { told.models.good.trained, told.pairs })
      assert.matches("photos. No model is called better", told.conclusion, 1, true)
      assert.matches("good_unknown: whether some of these photos trained it is not known", unknown(), 1, true)
      evaluate.save_comparison(root .. "/untold", found)
      assert.equal(0, compare({ "good", "short" }).models[1].trained)
   end)

   it("leaves unknown what trained a model without its run", function()
      unknown()
      local part = evaluate.open { data_dir = root .. "/photos", split = "all", model = file_of "good_unknown" }
      assert.is_true(part.trained == nil and part.chosen == nil)
      assert.equal(21, evaluate.open { data_dir = root .. "/photos", split = "all", model = file_of "good" }.trained)
   end)

   it("names models by their paths, from the root where that tells them apart", function()
      local here, names = lfs.currentdir(), {}
      lfs.chdir(root)
      local found = evaluate.compare { data_dir = root .. "/photos", workers = 0,
         model = { file_of "good", "short/small/best.safetensors" } }
      lfs.chdir(here)
      for i, entry in ipairs(found.models) do names[i] = entry.name end
      assert.same({ root .. "/good", "short" }, names)
   end)
end)
