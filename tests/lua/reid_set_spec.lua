-- A catalogue and its split as a data set for train.fit, and as the files that a run leaves.
local console = require "scute.base.console"
local lfs = require "lfs"
local saved = require "scute.reid.saved"
local scute = require "scute"
local set_of = require "scute.reid.set"
local split = require "scute.reid.split"
local photos = dofile "tests/cli/photos.lua"
local scratch = dofile "tests/lua/scratch.lua"
local Small = dofile "tests/lua/small.lua"

local root, warned, warn

setup(function() root = scratch.make() end)
teardown(function() scratch.remove(root) end)
before_each(function()
   warned, warn = {}, console.warn
   console.warn = function(format, ...) warned[#warned + 1] = format:format(...) end
end)
after_each(function() console.warn = warn end)

local function failure(f, ...)
   local ok, err = pcall(f, ...)
   assert.is_false(ok)
   return tostring(err)
end

local function read(path)
   local file <close> = assert(io.open(path, "rb"))
   return file:read "a"
end

-- A catalogue of entries { file, identity, day of January, box, mask }, all of them photos in root/photos.
local function catalogue(list)
   local rows = {}
   for i, entry in ipairs(list) do
      local date = entry[3] and ("2020-01-%02d"):format(entry[3])
      rows[i] = { file = entry[1], path = root .. "/photos/" .. entry[1], identity = entry[2], date = date,
         encounter = date and entry[2] and entry[2] .. " " .. date, side = i % 2 == 1 and "left" or nil, box = entry[4],
         mask = entry[5] }
   end
   return { dir = root .. "/photos", kind = "csv", rows = rows, notes = {}, problems = {} }
end

-- Two individuals, of which the photos of three days train, of one each validate and test.
local function herd()
   local list = {}
   for _, name in ipairs { "red", "blue" } do
      for i = 1, 10 do list[#list + 1] = { ("%s/%03d.bmp"):format(name, i), name, (i + 1) // 2 } end
   end
   return catalogue(list)
end

local function files(part)
   local names = {}
   for i, path in ipairs(part.paths) do names[i] = path:sub(#root + #"/photos/" + 1) end
   return names
end

describe("reid.set", function()
   it("has the individuals that train as classes, in byte order", function()
      local all = herd()
      local made = split(all, { protocol = "time_closed" })
      local set = set_of(all, made)
      assert.same({ "blue", "red" }, set.classes)
      assert.same({ 12, 4, 4 }, { #set.train.paths, #set.val.paths, #set.test.paths })
      assert.same({ "red/007.bmp", "red/008.bmp", "blue/007.bmp", "blue/008.bmp" }, files(set.val))
      assert.same({ 2, 2, 1, 1 }, set.val.labels)
      assert.same({ 7, 8, 17, 18 }, set.val.rows)
      assert.same({ 6, 6 }, set.train.counts)
      assert.is_nil(rawget(set.train, "boxes"))
      assert.is_nil(rawget(set.train, "masks"))
      assert.equal(made.text, set.split)
      assert.equal(root .. "/photos", set.dir)
      assert.same({ "0.0 % of the photos that test are of an encounter that trains" }, set.notes)
      assert.same({}, warned)
      assert.equal("red red 2020-01-01", set.groups[root .. "/photos/red/001.bmp"])
      assert.matches("4 validate, 4 more are there for a test; split: time%-aware, closed set", tostring(set))
   end)

   it("has boxes and masks of its photos where the catalogue has some", function()
      local box, mask = { 1, 2, 3.5, 4 }, { { 1, 1, 5, 1, 5, 5 } }
      local all = catalogue { { "red/001.bmp", "r", 1, box }, { "red/002.bmp", "r", 2 }, { "red/003.bmp", "r", 3, box, mask },
         { "blue/001.bmp", "b", 1 } }
      local set = set_of(all, split(all, { protocol = "time_closed" }))
      assert.same({ box, false }, set.train.boxes)
      assert.same({ false }, set.val.boxes)
      assert.same({ box }, set.test.boxes)
      assert.same({ { false, false }, { mask } }, { set.train.masks, set.test.masks })
   end)

   it("keeps new individuals apart, which validate nothing", function()
      local all = herd()
      for i, name in ipairs { "new", "late" } do
         local file, date = ("red/01%d.bmp"):format(i), "2020-01-0" .. i + 3
         all.rows[#all.rows + 1] = { file = file, path = root .. "/photos/" .. file, identity = name, date = date }
      end
      local set = set_of(all, split(all, { protocol = "time_open", val_from = "2020-01-04", test_from = "2020-01-05" }))
      assert.same({ "blue", "red" }, set.classes)
      assert.same({ { 21 }, { 22 } }, { set.unknown, set.unknown_test })
      assert.same({ 4, 4 }, { #set.val.paths, #set.test.paths })
      assert.same({ "1 photo that validates is of individuals that do not train: it counts only where new ones are asked for",
         "1 photo that tests is of individuals that do not train: it counts only where new ones are asked for",
         "0.0 % of the photos that test are of an encounter that trains (of 4 whose encounter is known)" },
         set.notes)
   end)

   it("has no test where nobody who is known tests", function()
      local all = herd()
      assert.is_nil(set_of(all, split(all, { protocol = "time_closed", test_fraction = 0 })).test)
      all = catalogue { { "red/001.bmp", "r", 1 }, { "red/002.bmp", "r", 2 }, { "blue/001.bmp", "b", 1 },
         { "red/003.bmp", "c", 1 }, { "blue/002.bmp", "b", 2 } }
      local set = set_of(all, split(all, { protocol = "individual" }))
      assert.is_nil(set.test)
      assert.equal(2, #set.classes)
   end)

   it("warns where encounters that test train", function()
      local all = herd()
      local set = set_of(all, split(all, { protocol = "random", test_fraction = 0.4 }))
      assert.is_true(set.leak > 0.01)
      assert.equal(1, #warned)
      assert.matches("^[%d%.]+ %% of the photos that test are of an encounter that trains, and [%d%.]+ %% of those that "
         .. "validate %(split: random photos.*time_closed", warned[1])
   end)

   it("warns where days that test train, though encounters are apart", function()
      local all = herd()
      for i, row in ipairs(all.rows) do row.encounter = "e" .. i end
      set_of(all, split(all, { protocol = "encounter", seed = 1 }))
      assert.equal(1, #warned)
      assert.matches("^0.0 %% of the photos that test .*, and [%d.]+ %% of a day on which the same individual trains .*how "
         .. "well a day is known again", warned[1])
   end)

   it("warns where encounters that validate train, and those that test do not", function()
      local all = herd()
      for i, row in ipairs(all.rows) do
         local k = (i - 1) % 10 + 1
         row.split = { given = k > 8 and "test" or k % 2 == 1 and "valid" or "train" }
      end
      local set = set_of(all, split(all))
      assert.equal(0, set.leak)
      assert.equal(1, #warned)
      assert.matches("^100.0 %% of the photos that validate are of an encounter that trains, and they choose", warned[1])
      assert.equal(1, set.reid.leak_val)
   end)

   it("warns where no encounter is known, so that nobody can tell", function()
      local all = herd()
      for _, row in ipairs(all.rows) do row.encounter, row.date = nil, nil end
      set_of(all, split(all, {}))
      assert.equal(1, #warned)
      assert.matches("^no encounter is known %(split: random photos.*%-%-columns date=NAME.*a folder for each day", warned[1])
   end)

   it("leaves out what is no photo, and tells who is lost by it", function()
      photos.write_file(root .. "/photos/broken.jpg", "not a photo")
      local all = herd()
      for i, name in ipairs { "red", "gone", "gone" } do
         all.rows[#all.rows + 1] = { file = "x" .. i, path = root .. "/photos/" .. (i == 2 and "broken.jpg" or i == 1
            and "nowhere.jpg" or "red/013.bmp"), identity = name, date = "2020-01-0" .. i }
      end
      local set = set_of(all, split(all, { protocol = "time_closed" }))
      assert.same({ "blue", "red" }, set.classes)
      assert.equal(2, #set.broken)
      assert.equal(12, #set.train.paths)
      assert.same({ 23 }, set.unknown_test)
      assert.matches("class 'gone' has no photo that trains and can be read, and is unknown", table.concat(set.notes, "\n"))
   end)

   it("says what is missing", function()
      local all = catalogue { { "red/001.bmp", "r", 1 }, { "red/002.bmp", "r", 2 }, { "blue/001.bmp", "b", 1 } }
      assert.matches("reid.set: no photo validates %(split: time%-aware.*%): individuals that were seen on three days are "
         .. "needed, or test_fraction = 0", failure(set_of, all, split(all, { protocol = "time_closed" })))
      assert.matches("val_fraction is 0", failure(set_of, all, split(all, { protocol = "time_closed", val_fraction = 0 })))
      local one = catalogue { { "red/001.bmp", "r", 1 }, { "red/002.bmp", "r", 2 }, { "red/003.bmp", "r", 3 } }
      assert.matches("one individual only trains, 'r'", failure(set_of, one, split(one)))
      all.rows[2].identity = "other"
      local open = split(all, { protocol = "time_open", val_from = "2020-01-02", test_from = "2021" })
      assert.matches("none of 1 photo that validates is of an individual that trains", failure(set_of, all, open))
      assert.matches("expected a split as reid.split returns it, found nil", failure(set_of, all))
      assert.matches("expected a catalogue", failure(set_of, nil, open))
   end)
end)

describe("the files of a run", function()
   local function written(all, made, more)
      local folder = root .. "/saved"
      saved.write(folder, all, made, more)
      return folder
   end

   it("hold the catalogue as it was split", function()
      local all = herd()
      all.rows[1].box, all.rows[1].file = { 1, 2.25, 30, 40 }, 'odd, "name".bmp'
      all.rows[2].identity, all.rows[2].encounter = nil, nil
      local folder = written(all, split(all, { protocol = "time_closed" }), { crop = "head", calibration = { a = 1.5 } })
      local lines = {}
      for line in read(folder .. "/reid.csv"):gmatch "[^\n]+" do lines[#lines + 1] = line end
      assert.equal("file,identity,date,encounter,side,box,split", lines[1])
      assert.equal('"odd, ""name"".bmp",red,2020-01-01,red 2020-01-01,left,1 2.25 30 40,train', lines[2])
      assert.equal("red/002.bmp,,2020-01-01,,,,", lines[3])
      assert.equal("blue/010.bmp,blue,2020-01-05,blue 2020-01-05,,,test", lines[21])
      assert.equal(21, #lines)
      local back = assert(saved.read(folder))
      assert.same({ "time_closed", "head", { a = 1.5 }, 0, 0 }, { back.protocol, back.crop, back.calibration, back.leak,
         back.seed })
      assert.same({ train = 11, val = 4, test = 4 }, back.photos)
      assert.same({ file = 'odd, "name".bmp', identity = "red", date = "2020-01-01", encounter = "red 2020-01-01",
         side = "left", box = { 1, 2.25, 30, 40 }, split = "train" }, back.rows[1])
      assert.same({ file = "red/002.bmp", date = "2020-01-01" }, back.rows[2])
      saved.add(folder, { calibration = "new", more = true })
      back = assert(saved.read(folder))
      assert.same({ "new", true, "head", "time_closed" }, { back.calibration, back.more, back.crop, back.protocol })
   end)

   it("give the same split to a catalogue that was read anew", function()
      local all = herd()
      for i = 1, 4 do all.rows[i].file = "one.bmp" end -- boxes of one file, two of them alike
      for i = 1, 4 do all.rows[i].box = { i == 4 and 3 or i, 0, 5, 5 } end
      local made = split(all, { protocol = "random", seed = 5, test_fraction = 0.3 })
      local folder = written(all, made)
      local later = herd()
      for i = 1, 20 do later.rows[i] = all.rows[21 - i] end
      table.insert(later.rows, 1, { file = "new.bmp", path = "new.bmp", identity = "new", date = "2020-01-01" })
      local again = split(later, { of_run = folder })
      local function names(rows, list)
         local found = {}
         for _, i in ipairs(list) do found[#found + 1] = rows[i].file .. " " .. saved.box_text(rows[i].box) end
         table.sort(found)
         return found
      end
      for _, part in ipairs { "train", "val", "test" } do
         assert.same(names(all.rows, made[part]), names(later.rows, again[part]))
      end
      assert.same({ made.text, "random", 5, 0.3 }, { again.text, again.protocol, again.seed, again.test_fraction })
      assert.equal(made.leak, again.leak)
      assert.same({ "1 photo is new since the run in " .. folder .. " began and in no part" }, again.notes)
   end)

   it("tell of photos that are gone or show somebody else, and of a folder without them", function()
      local all = herd()
      local folder = written(all, split(all, { protocol = "time_closed" }))
      local later = herd()
      table.remove(later.rows, 3)
      table.remove(later.rows, 3)
      assert.matches("data_dir: 2 photos of the run in .*/saved are not in the data any more: 'red/003.bmp' and others",
         failure(split, later, { of_run = folder }))
      later = herd()
      split(later, { of_run = folder })
      assert.same({}, warned)
      later.rows[5].date, later.rows[6].encounter = "2021-01-01", "dive"
      assert.equal(12, #split(later, { of_run = folder }).train)
      assert.matches("^2 photos have another date or encounter than in the run in .*saved %('red/005.bmp' and others%)",
         warned[1])
      later = herd()
      later.rows[4].identity = "blue"
      assert.matches("data_dir: 'red/004.bmp' shows 'blue' now, and 'red' in the run in",
         failure(split, later, { of_run = folder }))
      assert.matches("of_run: there is no split of a run in '.*/nowhere'", failure(split, all, { of_run = root .. "/nowhere" }))
      photos.write_file(folder .. "/reid.csv", "file,identity,date,encounter,side,box,split\na,b,,,,1 2 3,train\n")
      assert.matches("reid.csv, line 2: expected file, identity", select(2, saved.read(folder)))
      photos.write_file(folder .. "/reid.csv", "file,identity,date,encounter,side,box,split\na,b,,,,,train\n")
      assert.matches("reid.csv has 1 photo of the part train, and reid.json says 12: it was cut off",
         select(2, saved.read(folder)))
      assert.equal("time_closed", saved.facts(folder).protocol)
      photos.write_file(folder .. "/reid.csv", "file,label\n")
      assert.matches("reid.csv: expected the columns file,identity", select(2, saved.read(folder)))
      photos.write_file(folder .. "/reid.json", '{"protocol": ')
      assert.matches("reid.json is damaged or was cut off", select(2, saved.read(folder)))
      photos.write_file(folder .. "/reid.json", "{}")
      assert.matches("reid.json: no protocol in it", select(2, saved.read(folder)))
   end)
end)

describe("a run", function()
   local function fit(all, made, more)
      scute.manual_seed(0)
      local set = set_of(all, made)
      local model = Small(set.classes)
      local run = { optimizer = scute.optim.adamw(model:groups { lr = 0.01 }), epochs = 1, batch_size = 6, workers = 1,
         output_dir = root .. "/out", hooks = { saved.hook(all, made, { crop = "none" }) } }
      for name, value in pairs(more or {}) do run[name] = value end
      return scute.train.fit(model, set, run)
   end

   it("goes on with photos that several individuals are on", function()
      local all = herd()
      all.rows[#all.rows + 1] = setmetatable({ identity = "blue", encounter = "blue 2020-01-01" }, { __index = all.rows[1] })
      local made = split(all, { protocol = "time_closed" })
      local set = set_of(all, made)
      assert.same({ false, #set.train.paths }, { set.train.boxes[1], #set.train.boxes })
      local result = fit(all, made)
      assert.matches("\nred/001.bmp,red,train,%x+%-%d+\n", read(result.folder .. "/split.csv"))
      assert.matches("\nred/001.bmp#2,blue,train,%x+%-%d+\n", read(result.folder .. "/split.csv"))
      assert.equal(2, #fit(all, split(all, { of_run = result.folder }), { epochs = 2, resume = "auto" }).history)
   end)

   it("trains on it, and keeps its split when it is gone on with", function()
      local all = herd()
      local made = split(all, { protocol = "random", seed = 7 })
      local result = fit(all, made)
      assert.is_true(result.best.val_accuracy >= 0)
      local text = read(result.folder .. "/reid.csv")
      assert.equal("none", saved.read(result.folder).crop)
      saved.add(result.folder, { calibration = 3 })
      table.insert(all.rows, { file = "red/012.bmp", path = root .. "/photos/red/012.bmp", identity = "red" })
      local again = split(all, { of_run = result.folder })
      local more = fit(all, again, { epochs = 2, resume = "auto" })
      assert.equal(result.folder, more.folder)
      assert.equal(2, #more.history)
      assert.equal(text, read(more.folder .. "/reid.csv"))
      assert.equal(3, saved.read(more.folder).calibration)
      assert.is_not_nil(lfs.attributes(more.folder .. "/best.safetensors"))
   end)
end)
