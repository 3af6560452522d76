-- Which photos a run of an experiment has: those of its fold, of whatever data set, and those that test because they chose
-- nothing.
local scute = require "scute"
local console = require "scute.base.console"
local folds = require "scute.experiment.folds"
local one = require "scute.experiment.one"
local photos = dofile "tests/cli/photos.lua"
local record = require "scute.experiment.record"
local scratch = dofile "tests/lua/scratch.lua"
local Small = dofile "tests/lua/small.lua"

local root

-- Photos of two classes in folders, all of them different. counts: of each class by folder.
local function write(name, counts)
   local number = 0
   for _, part in ipairs { "train", "val", "test" } do
      for _ = 1, counts[part] do
         number = number + 1
         photos.write(("%s/%s/%s/blue/%d.bmp"):format(root, name, part, number), 3, number)
         photos.write(("%s/%s/%s/red/%d.bmp"):format(root, name, part, number), 1, number)
      end
   end
   return root .. "/" .. name
end

local function sorted(list)
   table.sort(list)
   return list
end

-- All names in some parts, sorted.
local function names(...)
   local list = {}
   for _, part in ipairs { ... } do table.move(part.paths, 1, #part.paths, #list + 1, list) end
   return sorted(list)
end

local function tensors()
   return scute.data.tensors { x = scute.rand { 18, 3, 12, 12 }, y = { 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2 } }
end

setup(function() root = scratch.make() end)

teardown(function() scratch.remove(root) end)

describe("photos that neither train nor validate", function()
   it("are the part test of a folder that has it beside val", function()
      local dir = write("three", { train = 3, val = 2, test = 2 })
      local set = scute.data.open(dir)
      assert.same({ 6, 4, 4 }, { #set.train.paths, #set.val.paths, #set.test.paths })
      assert.same({ 2, 2 }, set.test.counts)
      assert.matches("6 train and 4 validate, 4 more are there for a test; split: val/\nclass  train  validate  test\n",
         tostring(set))
      photos.write(dir .. "/test/green/1.bmp", 2, 1)
      set = scute.data.open(dir)
      assert.same({ 4, 2 }, { #set.test.paths, #set.classes })
      assert.matches("'green' is no class of those that train", set.test.notes[1])
   end)

   it("are none where test/ validates, or has no classes", function()
      local dir = write("two", { train = 3, val = 0, test = 2 })
      assert.is_nil(scute.data.open(dir).test)
      local plain = write("plain", { train = 3, val = 2, test = 0 })
      photos.write(plain .. "/test/1.bmp", 1, 1)
      assert.is_nil(scute.data.open(plain).test)
   end)

   it("are those that split_csv says", function()
      local dir, lines = root .. "/photos", { "file,label,split" }
      for i, part in ipairs { "train", "train", "val", "test" } do
         for _, class in ipairs { "blue", "red" } do
            lines[#lines + 1] = ("%s/%03d.bmp,%s,%s"):format(class, i, class, part)
         end
      end
      photos.write_file(root .. "/split.csv", table.concat(lines, "\n"))
      local set = scute.data.open(dir, { split_csv = root .. "/split.csv" })
      assert.same({ dir .. "/blue/004.bmp", dir .. "/red/004.bmp" }, set.test.paths)
      assert.is_nil(scute.data.open(dir, { split_csv = root .. "/split.csv", validates = "test" }).test)
   end)
end)

describe("folds", function()
   it("validate each sample once, of any data set", function()
      local files = {}
      for i = 1, 9 do
         files[#files + 1] = { ("%s/photos/blue/%03d.bmp"):format(root, i), "blue" }
         files[#files + 1] = { ("%s/photos/red/%03d.bmp"):format(root, i), "red" }
      end
      local source = scute.data.source { n = 18, get = function(i) return scute.full({ 1, 16, 16 }, i), i % 2 + 1 end }
      for _, set in ipairs { tensors(), source, scute.data.files(files) } do
         local seen = { paths = {} }
         for fold = 1, 3 do
            local made = folds(set, fold, 3, 0)
            table.move(made.val.paths, 1, #made.val.paths, #seen.paths + 1, seen.paths)
            assert.same(names(set.train, set.val), names(made.train, made.val))
            assert.same({ set.samples, set.samples }, { made.samples, made.val.samples })
         end
         assert.same(names(set.train, set.val), sorted(seen.paths))
      end
   end)

   it("keep together what belongs together", function()
      local lines, group_of, seen = { "file,label,split,group" }, {}, {}
      for i = 1, 12 do
         local class, number = i % 2 == 0 and "red" or "blue", (i + 1) // 2
         local file, group = ("%s/%03d.bmp"):format(class, number), i <= 6 and "a" or i <= 9 and "b" or ""
         lines[#lines + 1] = ("%s,%s,%s,%s"):format(file, class, i % 4 < 2 and "val" or "train", group)
         group_of[root .. "/photos/" .. file] = group ~= "" and group or nil
      end
      photos.write_file(root .. "/groups.csv", table.concat(lines, "\n"))
      local warn = console.warn
      console.warn = function() end -- the file itself has groups on both sides
      local set = scute.data.open(root .. "/photos", { split_csv = root .. "/groups.csv" })
      console.warn = warn
      local all, fold_of = {}, {}
      for fold = 1, 2 do
         local made = folds(set, fold, 2, 0)
         assert.equal(6, #made.val.paths)
         assert.matches("groups kept together", made.split)
         for _, path in ipairs(made.val.paths) do
            local group = group_of[path]
            all[#all + 1], seen[group or path] = path, true
            assert.is_true(not group or (fold_of[group] or fold) == fold)
            if group then fold_of[group] = fold end
         end
      end
      assert.same(names(set.train, set.val), sorted(all))
      assert.same({ true, true }, { seen.a, seen.b })
   end)

   it("are no more than there are groups, and need two groups of each class", function()
      local set = scute.data.open(root .. "/photos")
      set.groups = {}
      local function refuses(text, inner)
         assert.error_matches(function()
            for fold = 1, 4 do folds(set, inner and 1 or fold, inner or 4, 0, inner and fold, inner and 4) end
         end, text)
      end
      for i, path in ipairs(names(set.train, set.val)) do set.groups[path] = "g" .. i % 3 end
      refuses "^folds: 4 folds, but the photos are of 3 groups; at most 3 folds make sense$"
      refuses("^nested: 4 folds, but the photos are of 2 groups; at most 2 folds make sense$", 3)
      refuses("^nested: 4 folds, but the photos are of 1 group, which cannot be parted$", 2)
      for _, path in ipairs(names(set.train, set.val)) do
         local is_red = path:find "/red/" ~= nil
         set.groups[path] = is_red and "r" or path
      end
      refuses("^folds: all photos of class 'red' are one group %('r'%), which lies in one fold, so that none of them is left "
         .. "to train there; divide the group, or leave the class out$")
   end)

   it("nested, test each once and validate each of the others once", function()
      local set, tested = scute.data.open(root .. "/photos"), {}
      for fold = 1, 3 do
         local validated, outer = {}, nil
         for inner = 1, 2 do
            local made = folds(set, fold, 3, 0, inner, 2)
            outer = made.test.paths
            table.move(made.val.paths, 1, #made.val.paths, #validated + 1, validated)
            assert.same(names(set.train, set.val), names(made.train, made.val, made.test))
         end
         table.move(outer, 1, #outer, #tested + 1, tested)
         assert.same(names(set.train, set.val), names({ paths = outer }, { paths = validated }))
      end
      assert.same(names(set.train, set.val), sorted(tested))
   end)
end)

describe("a run", function()
   local function job(change)
      local made = { variant = "v", run = "r", seed = 0, folder = root .. "/trial/runs/v/r", trial = root .. "/trial",
         metric = "accuracy" }
      for name, value in pairs(change) do made[name] = value end
      return made
   end

   local function run(_, context)
      local net = Small(context.set.classes)
      return scute.train.fit(net, context.set, { workers = 1, epochs = 1,
         optimizer = scute.optim.adamw(net:groups { lr = 0.01 }),
         metrics = { misses = { f = function(seen) return #seen.truth - seen.confusion:right() end, lower = true } } })
   end

   -- The records of a run and of its test.
   local function both(set, change)
      local options = { set = set, run = run, variant = { name = "v" } }
      return one.train(job(change), options), one.test(job(change), options)
   end

   it("is tested on photos of the set that chose nothing, by a metric of the script", function()
      local set = scute.data.open(write("own", { train = 4, val = 2, test = 3 }))
      local trained, found = both(set, { metric = "misses" })
      assert.is_true(trained.lower)
      assert.same(set.test.paths, found.photos)
      local wrong = 0
      for i, class in ipairs(found.labels) do wrong = wrong + (found.predicted[i] ~= class and 1 or 0) end
      assert.same({ wrong, 6 }, { found.figures.misses, #found.values.misses })
      assert.equal(wrong, assert(record.read(root .. "/trial/runs/v/r/test.json")).figures.misses)
   end)

   it("is tested on its outer fold", function()
      local set = scute.data.open(write("outer", { train = 6, val = 3, test = 0 }))
      local trained, found = both(set, { fold = 2, folds = 3, inner = 1, nested = 2 })
      assert.same(sorted(folds(set, 2, 3, 0, 1, 2).test.paths), sorted(found.photos))
      assert.equal("fold 1 of 2 of the photos outside fold 2 of 3, seed 0", trained.split)
   end)

   it("leaves copies of photos that trained out of its test", function()
      local dir = write("copied", { train = 4, val = 2, test = 2 })
      photos.write(dir .. "/test/red/copy.bmp", 1, 1)
      local _, found = both(scute.data.open(dir), {})
      assert.equal(4, #found.photos)
   end)

   it("has folds of samples that are no photos", function()
      local found = one.train(job { fold = 1, folds = 3 }, { set = tensors(), run = run, variant = { name = "v" } })
      assert.equal(6, #found.photos)
      local photo = one.train(job {}, { set = scute.data.open(root .. "/photos"), run = run, variant = { name = "v" } })
      assert.is_true(found.multiply_adds < photo.multiply_adds) -- 12 by 12 and 16 by 16
      assert.same({ nil, 16 }, { found.image_size, photo.image_size })
   end)
end)
