-- split.csv: which photos trained and which validated stays known, whatever comes into the data folder or goes from it.
local lfs = require "lfs"
local scute = require "scute"
local console = require "scute.base.console"
local digest = require "scute.data.digest"
local split_file = require "scute.data.split_file"
local photos = dofile "tests/cli/photos.lua"
local scratch = dofile "tests/lua/scratch.lua"
local Small = dofile "tests/lua/small.lua"
local data, evaluate, models, optim, train = scute.data, scute.evaluate, scute.models, scute.optim, scute.train

local root, result, warned, warn

local function read(path)
   local file <close> = assert(io.open(path, "rb"))
   return file:read "a"
end

local function fit(options, folder, arch)
   scute.manual_seed(0)
   local set = data.open(root .. "/photos", { seed = 0 })
   local model = arch and models.create(arch, { classes = set.classes, image_size = 32 }) or Small(set.classes)
   model:freeze "backbone"
   local given = { optimizer = optim.adamw(model:groups { lr = 0.01 }), epochs = 2, batch_size = 8, workers = 1,
      output_dir = root .. "/" .. (folder or "out") }
   for key, value in pairs(options or {}) do given[key] = value end
   return train.fit(model, set, given), set
end

local function failure(f, ...)
   local ok, err = pcall(f, ...)
   assert.is_false(ok)
   return tostring(err)
end

local function relative(set, part)
   local names = {}
   for i, path in ipairs(part.paths) do names[i] = path:sub(#set.dir + 2) end
   return names
end

before_each(function()
   root, warned, warn = scratch.make(), {}, console.warn
   console.warn = function(format, ...) warned[#warned + 1] = format:format(...) end
   result = fit()
end)
after_each(function()
   console.warn = warn
   scratch.remove(root)
end)

local function said() return table.concat(warned, "\n") end
local function model_file() return result.folder .. "/best.safetensors" end

local function open(split, more)
   local opt = { data_dir = root .. "/photos", split = split, model = model_file() }
   for key, value in pairs(more or {}) do opt[key] = value end
   return evaluate.open(opt)
end

-- A photo of the run's side, as split.csv calls it.
local function one_of(side)
   for _, entry in ipairs(split_file.read(result.folder .. "/split.csv")) do
      if entry.split == side then return entry.file end
   end
end

local function copy(from, to, more)
   photos.write_file(root .. "/photos/" .. to, read(root .. "/photos/" .. from) .. (more or ""))
end

describe("split.csv", function()
   it("has every photo with the digest of its bytes, and the model names it", function()
      local entries = split_file.read(result.folder .. "/split.csv")
      assert.equal(27, #entries)
      for _, entry in ipairs(entries) do assert.equal(digest.of(root .. "/photos/" .. entry.file), entry.digest) end
      for _, name in ipairs { "best", "last" } do
         assert.equal(scute.weights.sha256(result.folder .. "/split.csv"),
            scute.weights.load(("%s/%s.safetensors"):format(result.folder, name)).metadata.split)
      end
   end)

   it("is what --split_csv takes back", function()
      local set = data.open(root .. "/photos", { seed = 0 })
      local again = data.open(root .. "/photos", { split_csv = result.folder .. "/split.csv" })
      assert.same(set.val.paths, again.val.paths)
      assert.same(set.train.labels, again.train.labels)
   end)

   it("holds a run that goes on to its own photos", function()
      local before = fit({ epochs = 4 }, "whole")
      photos.write(root .. "/photos/blue/100.bmp", 1, 100)
      photos.write(root .. "/photos/red/000.bmp", 2, 100)
      fit({ epochs = 4 }, "other") -- another split
      local again, set = fit { epochs = 4, resume = "auto" }
      assert.equal(27, #set.train.paths + #set.val.paths)
      assert.matches("2 photos are new since the run began and left out", table.concat(set.notes, "\n"))
      assert.equal(before.history[1].val_loss, again.history[1].val_loss)
      os.remove(root .. "/photos/" .. one_of "train")
      assert.matches("a photo of the run in .*/out/small cannot be found or read any more: '" .. one_of "train",
         failure(fit, { epochs = 5, resume = "auto" }))
   end)
end)

describe("evaluate.open", function()
   it("takes the photos that validated, and says how many are new", function()
      local set = data.open(root .. "/photos", { seed = 0 })
      photos.write(root .. "/photos/blue/000.bmp", 1, 100)
      local part, classes, words = open "val"
      assert.same(relative(set, set.val), relative(set, part))
      assert.same(set.classes, classes)
      assert.equal("validation: drawn, 20 %, seed 0", words)
      assert.same({ root .. "/photos/blue/000.bmp" }, open("new").paths)
      assert.equal(28, #open("all").paths)
      assert.equal(21, #open("train").paths)
      assert.matches("^note: 1 photo is new since the training and left out; %-%-split new takes them\n", said())
   end)

   it("knows which photos chose the epoch of the model", function()
      local function chosen(split, more) return (open(split, more)).chosen end
      assert.same({ 6, 0, 6 }, { chosen "val", chosen "train", chosen "all" })
      assert.equal(0, chosen("val", { model = result.folder .. "/last.safetensors" })) -- of the last epoch, whatever they say
      photos.write(root .. "/photos/blue/100.bmp", 1, 100)
      assert.is_nil(chosen "new")
      assert.is_nil(evaluate.chosen(8, nil) or evaluate.chosen(8, 0))
      assert.matches("^these photos chose the epoch that was kept, so the figures are optimistic", evaluate.chosen(8, 8))
      assert.matches("^6 of the photos chose", evaluate.chosen(27, 6))
      result = fit({ epochs = 1 }, "single")
      assert.equal(0, chosen "val") -- there was nothing to choose
   end)

   it("never takes one that trained for one that did not", function()
      local trained, validated = one_of "train", one_of "val"
      copy(trained, "red/renamed.bmp")
      copy(trained, validated)
      assert.equal(5, #open("val").paths)
      assert.equal("left out: 1 photo that validated is no longer there, or changed", said()) -- the copies are not new
      local text = failure(open, "new")
      assert.is_truthy(text:find "all of these photos trained" or text:find "no photo in .* is new since")
   end)

   it("says so where the split is not known, and draws none", function()
      os.rename(result.folder .. "/split.csv", root .. "/split.csv")
      local text = failure(open, "val")
      assert.matches("not known which photos trained: there is no split.csv beside the model; "
         .. "%-%-split_csv FILE .*%-%-split all",
         text)
      assert.equal(27, #open("all").paths)
      assert.equal(6, #open("val", { split_csv = root .. "/split.csv" }).paths)
      assert.equal(14, #open("val", { val_fraction = 0.5 }).paths)
      photos.write_file(result.folder .. "/split.csv", "file,label,split,digest\nblue/001.bmp,blue,val,\n")
      assert.matches("is not the one of this model, or was changed", failure(open, "val"))
   end)

   it("knows it where the folders say it", function()
      os.remove(result.folder .. "/split.csv")
      lfs.mkdir(root .. "/sorted")
      photos.set(root .. "/sorted/Train", { blue = 3, red = 3 })
      photos.set(root .. "/sorted/Validation", { blue = 2, red = 2 })
      local part, _, words = open("val", { data_dir = root .. "/sorted" })
      assert.equal(4, #part.paths)
      assert.matches("Validation/", words)
   end)

   it("looks at one class, at test photos, and at a folder of other photos", function()
      photos.set(root .. "/other", { blue = 3 })
      for i = 1, 3 do -- names that the run has too
         photos.write(("%s/other2/Test/blue/%03d.bmp"):format(root, i), 1, 50 + i)
      end
      assert.equal(3, #open("all", { data_dir = root .. "/other" }).paths)
      assert.matches("no photo of class 'blue' that validated is in .* as it was; .*%-%-split all",
         failure(open, "val", { data_dir = root .. "/other2/Test" }))
      copy(one_of "train", "../other2/Test/blue/copy.bmp")
      assert.equal(3, #open("test", { data_dir = root .. "/other2" }).paths)
      assert.matches("1 photo trained, or is a copy of one that did %(.*other2/Test/blue/copy.bmp%)", said())
      assert.equal(4, #open("all", { data_dir = root .. "/other2" }).paths) -- a split alone, which is looked at
   end)
end)

describe("a run on a table of photos", function()
   local function listed(rows)
      local path = root .. "/mine.csv"
      photos.write_file(path, "file,label,split\n" .. rows)
      return path
   end

   local function fit_listed(rows, more)
      scute.manual_seed(0)
      local set = data.open(root .. "/flat", { split_csv = listed(rows) })
      local model = Small(set.classes):freeze "backbone"
      local given = { optimizer = optim.adamw(model:groups { lr = 0.01 }), epochs = 2, workers = 1,
         output_dir = root .. "/flat_out" }
      for key, value in pairs(more or {}) do given[key] = value end
      return train.fit(model, set, given)
   end

   local ROWS = "1.bmp,a,train\n2.bmp,b,train\n3.bmp,a,val\n4.bmp,b,val\n"
   before_each(function()
      for i = 1, 6 do photos.write(("%s/flat/%d.bmp"):format(root, i), 1 + i % 2, i) end
   end)

   it("is evaluated by its labels, whatever the folders are called", function()
      result = fit_listed(ROWS)
      local part, classes = open("val", { data_dir = root .. "/flat" })
      assert.same({ "a", "b" }, classes)
      assert.same({ root .. "/flat/3.bmp", root .. "/flat/4.bmp" }, part.paths)
      assert.same({ 1, 2 }, part.labels)
   end)

   it("does not go on with a table that says otherwise", function()
      result = fit_listed(ROWS)
      fit_listed(ROWS .. "5.bmp,a,val\n", { resume = "auto" }) -- a photo more is a new one
      assert.matches("split_csv: '1.bmp' is val there, and train in the run", failure(fit_listed,
         "1.bmp,a,val\n2.bmp,b,train\n3.bmp,a,train\n4.bmp,b,val\n", { resume = "auto" }))
      assert.matches("'4.bmp' is a there, and b in the run", failure(fit_listed,
         "1.bmp,a,train\n2.bmp,b,train\n3.bmp,a,val\n4.bmp,a,val\n", { resume = "auto" }))
   end)

   it("never counts as held out what trained", function()
      result = fit_listed(ROWS)
      local table_of_others = listed "4.bmp,a,train\n6.bmp,b,train\n3.bmp,b,val\n1.bmp,a,val\n5.bmp,a,val\n"
      assert.same({ root .. "/flat/3.bmp", root .. "/flat/5.bmp" },
         open("val", { data_dir = root .. "/flat", split_csv = table_of_others }).paths)
      assert.matches("left out: 1 photo trained, or is a copy of one that did %(.*1.bmp%)", said())
   end)
end)

describe("evaluate.open with a run's split", function()
   it("draws no other one", function()
      local before = open("val").paths
      assert.same(before, open("val", { seed = 7 }).paths) -- the seed is that of the resamples
      assert.matches("%-%-val_fraction would draw another split", failure(open, "val", { val_fraction = 0.5 }))
   end)

   it("does not mind a class that has come since", function()
      photos.set(root .. "/photos/green", { x = 2 })
      local part, classes = open "val"
      assert.same({ 6, 2 }, { #part.paths, #classes })
      assert.matches("1 photo is new since", said()) -- the other is a copy of a blue one
      assert.matches("class 'green' is new since the run", failure(fit, { epochs = 3, resume = "auto" }))
   end)
end)

describe("a photo that was replaced by another of its size", function()
   it("ends the run that goes on", function()
      local path = root .. "/photos/" .. one_of "train"
      local bytes = read(path)
      photos.write_file(path, bytes:sub(1, -2) .. string.char((bytes:byte(-1) + 1) % 256))
      assert.matches("is another file than the one that the run began with", failure(fit, { epochs = 4, resume = "auto" }))
   end)
end)

describe("a photo that could not be read", function()
   -- Stops after two epochs of four, as the photo `bad` is damaged; change(its path) is what happens then.
   local function go_on(cached, bad, change)
      local path = root .. "/photos/" .. bad
      local bytes = read(path)
      photos.write_file(path, bytes:sub(1, 60)) -- a header that promises more
      local options = { epochs = 4, cache_features = cached, batch_size = 19, schedule = scute.schedule.cosine() }
      local function given(extra)
         local list = {}
         for key, value in pairs(options) do list[key] = value end
         for key, value in pairs(extra) do list[key] = value end
         return list
      end
      local whole = fit(given {}, "whole" .. cached, "baseline_cnn")
      assert.equal("stopped", failure(fit, given { save_steps = 1, hooks = { { on_epoch_begin = function(run)
         if run.epoch == 3 then error("stopped", 0) end
      end } } }, "broken" .. cached, "baseline_cnn"))
      change(path, bytes)
      local again, set = fit(given { resume = "auto" }, "broken" .. cached, "baseline_cnn")
      for i, row in ipairs(whole.history) do
         for _, name in ipairs { "train_loss", "val_loss" } do assert.equal(row[name], again.history[i][name], name .. i) end
         assert.same(row.rates, again.history[i].rates)
      end
      return table.concat(set.notes, "\n")
   end

   -- 21 photos train, in batches of 19: with the one that is left out there would be a second batch.
   for _, cached in ipairs { "auto", "off" } do
      it("is not missed where it is gone, cache_features " .. cached, function()
         assert.equal("", go_on(cached, one_of "train", os.remove))
         assert.equal("", go_on(cached, one_of "val", os.remove))
      end)

      it("stays left out where it was mended, and that is told, cache_features " .. cached, function()
         local bad = one_of "train"
         assert.equal(("'%s/photos/%s' could not be read when the run began and can be now; it stays left out"):format(root,
            bad), go_on(cached, bad, photos.write_file))
      end)
   end
end)

describe("a run that is killed in the middle of an epoch", function()
   local function small(folder, more)
      scute.manual_seed(0)
      local set = data.open(root .. "/photos", { seed = 0 })
      local model = Small(set.classes)
      local given = { optimizer = optim.adamw(model:groups { lr = 0.01 }), epochs = 1, batch_size = 4, workers = 1, keep = 3,
         output_dir = root .. "/" .. folder, save_steps = 2 }
      for name, value in pairs(more) do given[name] = value end
      return train.fit(model, set, given)
   end

   it("knows the digests of all photos once it has gone on, and writes the files of a run that was not", function()
      local whole = small("whole", {}).folder
      local killed = root .. "/killed/small/"
      failure(small, "broken", { hooks = { { on_step_begin = function(run)
         if run.step ~= 2 then return end -- a checkpoint is being written
         run.checkpoint.writing:finish()
         os.execute(("mkdir -p '%s'; cp '%s/split.csv' '%s'; cp '%s/checkpoint.new' '%scheckpoint.safetensors'"):format(
            killed, run.folder, killed, run.folder, killed)) -- as kill -9 leaves them, without what the end of a run writes
         run.checkpoint.writing = nil
         error("killed", 0)
      end } } })
      assert.matches(",train,\n", read(killed .. "split.csv"))
      small("killed", { resume = "auto" })
      for _, name in ipairs { "split.csv", "best.safetensors", "last.safetensors" } do
         assert.is_true(read(whole .. "/" .. name) == read(killed .. name), name)
      end
   end)
end)

describe("evaluate.photos", function()
   it("ends where no photo of a class can be read: what the others come to is no result", function()
      local set = data.open(root .. "/photos", { seed = 0 })
      for i, path in ipairs(set.val.paths) do
         if set.val.labels[i] == 2 then photos.write_file(path, "\xff\xd8\xff") end
      end
      local model = models.load(model_file())
      assert.matches("none of the 3 photos of class 'red' can be read", failure(evaluate.photos, model, set.val, set.classes))
   end)
end)

describe("photos with the same pixels", function()
   it("on both sides of the split are told once they have been seen", function()
      copy(one_of "val", "blue/000.bmp", "\0") -- other bytes
      local function parts_the_two(set)
         local found = 0
         for _, name in ipairs(relative(set, set.val)) do
            found = found + ((name == "blue/000.bmp" or name == one_of "val") and 1 or 0)
         end
         return found == 1
      end
      local seed = 0
      while not parts_the_two(data.open(root .. "/photos", { seed = seed })) do seed = seed + 1 end
      local set = data.open(root .. "/photos", { seed = seed })
      local model = Small(set.classes):freeze "backbone"
      train.fit(model, set, { optimizer = optim.adamw(model:groups { lr = 0.01 }), epochs = 1, workers = 1,
         output_dir = root .. "/alike" })
      assert.matches("1 photo that validates has the same pixels as one that trains", said())
   end)

   it("are told where training photos are augmented, and decoded at a part of their size", function()
      local folder, photo = root .. "/two", scute.image.load "tests/golden/images/photo.jpg"
      local jpeg = read "tests/golden/images/photo.jpg"
      photos.set(folder .. "/train", { blue = 2, red = 2 })
      for kind, class in ipairs { "blue", "red" } do photos.write(("%s/val/%s/9.bmp"):format(folder, class), kind, 9) end
      photos.write_file(folder .. "/train/red/tagged.jpg", jpeg:sub(1, 2) .. "\xFF\xFE\0\7rated" .. jpeg:sub(3))
      photo:save(folder .. "/val/red/copy.png")
      photo:jitter({ brightness = 1.01 }):save(folder .. "/val/red/nearly.png")
      local set = data.open(folder)
      local model = models.create("resnet18", { classes = set.classes, image_size = 32 }):freeze "backbone"
      train.fit(model, set, { optimizer = optim.adamw(model:groups { lr = 0.01 }), epochs = 2, workers = 1,
         augment = "light", cache_features = "off" })
      local found = said()
      assert.matches("1 photo that validates has the same pixels as one that trains", found)
      assert.matches("val/red/copy.png = [^ ]*train/red/tagged.jpg", found)
      assert.equal(1, select(2, found:gsub("same pixels", "")))
   end)
end)
