-- split.csv: which photos trained and which validated stays known, whatever comes into the data folder or goes from it.
local lfs = require "lfs"
local scute = require "scute"
local console = require "scute.base.console"
local digest = require "scute.data.digest"
local split_file = require "scute.data.split_file"
local photos = dofile "tests/cli/photos.lua"
local scratch = dofile "tests/lua/scratch.lua"
local data, evaluate, models, optim, train = scute.data, scute.evaluate, scute.models, scute.optim, scute.train

local root, result, warned, warn

local function read(path)
   local file <close> = assert(io.open(path, "rb"))
   return file:read "a"
end

local function fit(options, folder)
   scute.manual_seed(0)
   local set = data.open(root .. "/photos", { seed = 0 })
   local model = models.create("resnet18", { classes = set.classes, image_size = 32 }):freeze "backbone"
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
      assert.matches("a photo of the run in .*/out/resnet18 cannot be found or read any more: '" .. one_of "train",
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
      assert.equal("", said())
   end)

   it("never takes one that trained for one that did not", function()
      local trained, validated = one_of "train", one_of "val"
      copy(trained, "red/renamed.bmp")
      copy(trained, validated)
      assert.equal(5, #open("val").paths)
      assert.matches("the bytes of one that trained: ", said())
      assert.matches("left out: 1 photo that validated is no longer there, or changed", said())
      assert.matches("no photo in .* is new since", failure(open, "new"))
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
      assert.matches("none of the photos that validated is in .*%-%-split all",
         failure(open, "val", { data_dir = root .. "/other2/Test" }))
      copy(one_of "train", "../other2/Test/blue/copy.bmp")
      assert.equal(3, #open("test", { data_dir = root .. "/other2" }).paths)
      assert.matches("1 photo has the bytes of one that trained: .*other2/Test/blue/copy.bmp", said())
      assert.equal(4, #open("all", { data_dir = root .. "/other2" }).paths) -- a split alone, which is looked at
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
      local model = models.create("resnet18", { classes = set.classes, image_size = 32 }):freeze "backbone"
      train.fit(model, set, { optimizer = optim.adamw(model:groups { lr = 0.01 }), epochs = 1, workers = 1,
         output_dir = root .. "/alike" })
      assert.matches("1 photo that validates has the same pixels as one that trains", said())
   end)
end)
