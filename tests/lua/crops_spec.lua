-- Boxes and masks of photos: what the loader makes of them, and that training, scoring, split.csv and what knows photos again
-- see the part of the file and not the file.
local scute = require "scute"
local console = require "scute.base.console"
local crops = require "scute.data.crops"
local digest = require "scute.data.digest"
local equal = require "scute.data.equal"
local json_file = require "scute.base.json_file"
local repeats = require "scute.data.repeats"
local split_file = require "scute.data.split_file"
local thumbnail = require "scute.base.thumbnail"
local to_json = require "scute.base.json"
local Small = dofile "tests/lua/small.lua"
local data, optim, train = scute.data, scute.optim, scute.train

local PHOTO = "tests/golden/images/baseline.jpg"
local WIDTH, HEIGHT = 40, 30 -- of the photos that are drawn here
local LEFT, RIGHT = { 0, 0, 20, 30 }, { 20, 0, 20, 30 }
local root, warned, lines, warn, line

-- A photo whose left half is reddish and whose right half is bluish, another one for each number.
local function draw(number)
   local canvas = scute.canvas(WIDTH, HEIGHT)
   for half = 0, 1 do
      for i = 0, 5 do
         local color = ("#%02X%02X%02X"):format(half == 0 and 200 - i or 20, (number * 37 + i * 29) % 90,
            half == 1 and 200 - i or 20)
         canvas:rect(half * 20, i * 5, 20, 5, { color = color, fill = true })
      end
   end
   local path = ("%s/reef%d.png"):format(root, number)
   canvas:save(path)
   canvas:free()
   return path
end

-- Ten files of which each half is a photo.
local function halves(first, last)
   local list = {}
   for number = first, last do
      local path = draw(number)
      list[#list + 1] = { path, "red", box = LEFT }
      list[#list + 1] = { path, "blue", box = RIGHT }
   end
   return list
end

local function failure(f, ...)
   local ok, err = pcall(f, ...)
   assert.is_false(ok)
   return tostring(err)
end

local function bytes_of(image)
   return scute.checksum { image:tensor() }
end

local function read(path)
   local file <close> = assert(io.open(path, "rb"))
   return file:read "a"
end

before_each(function()
   root, warned, lines, warn, line = os.tmpname(), {}, {}, console.warn, console.line
   os.remove(root)
   scute.files.mkdirs(root)
   console.quiet = true
   console.warn = function(format, ...) warned[#warned + 1] = format:format(...) end
   console.line = function(format, ...) lines[#lines + 1] = format:format(...) end
end)
after_each(function()
   console.warn, console.line = warn, line
   console.quiet = false
   os.execute(("rm -rf '%s'"):format(root))
end)

describe("scute.image.load", function()
   it("cuts a box out and paints over what a mask leaves out", function()
      local whole, part = scute.image.load(PHOTO), scute.image.load(PHOTO, { box = { 10, 4, 24, 16 } })
      assert.same({ 24, 16 }, { part.width, part.height })
      local inside <close> = whole:tensor():slice(3, 5, 20):slice(4, 11, 34)
      assert.equal(scute.checksum { inside }, bytes_of(part))
      local triangle = { { 10, 4, 34, 4, 10, 20 } }
      local masked = scute.image.load(PHOTO, { box = { 10, 4, 24, 16 }, mask = triangle, outside = { 1, 2, 3 } }):tensor()
      local corner <close> = masked:slice(3, 16, 16):slice(4, 24, 24)
      assert.same({ 1, 2, 3 }, corner:values())
      local first <close> = masked:slice(3, 1, 1):slice(4, 1, 1)
      local own <close> = inside:slice(3, 1, 1):slice(4, 1, 1)
      assert.same(own:values(), first:values())
   end)

   it("takes a mask as numbers, as a text, and as one polygon", function()
      local whole = scute.image.load(PHOTO)
      local n, size = whole.width * whole.height, { whole.height, whole.width }
      local mask = { size = size, counts = { 100, n - 300, 200 } }
      local packed = scute.packed_mask(mask)
      assert.equal("string", type(packed.counts))
      assert.same(size, packed.size)
      assert.equal(packed, scute.packed_mask(packed))
      assert.equal(bytes_of(scute.image.load(PHOTO, { mask = mask, outside = "black" })),
         bytes_of(scute.image.load(PHOTO, { mask = packed, outside = "black" })))
      assert.not_equal(bytes_of(whole), bytes_of(scute.image.load(PHOTO, { mask = packed })))
      local polygon = { 2, 2, 30, 2, 30, 20, 2, 20 }
      assert.equal(bytes_of(scute.image.load(PHOTO, { mask = polygon })),
         bytes_of(scute.image.load(PHOTO, { mask = { polygon } })))
      assert.is_false(scute.packed_mask(false))
   end)

   it("names the photo of which box and mask are not", function()
      local message = failure(scute.image.load, PHOTO, { box = { 5000, 0, 10, 10 } })
      assert.matches("baseline.jpg: the box %(x 5000, y 0, width 10, height 10%) lies outside of the photo", message)
      message = failure(scute.image.load, PHOTO, { mask = { size = { 7, 9 }, counts = { 63 } } })
      assert.matches("baseline.jpg: the mask is of a photo of 9 x 7 pixels, and this one has %d+ x %d+", message)
      local image = scute.image.load(PHOTO)
      message = failure(scute.image.load, PHOTO, { mask = { size = { image.height, image.width }, counts = "52" } })
      assert.matches("baseline.jpg: the mask is cut off: it ends after 7 of", message)
      local _, note = scute.image.load(PHOTO, { box = { 0, 0, 5000, 10 } })
      assert.matches("baseline.jpg: the box reaches beyond the photo", note)
   end)

   it("refuses what is no box and no mask", function()
      local function refused(options) return failure(scute.image.load, PHOTO, options) end
      assert.matches("'box': expected {x, y, width, height} in pixels, found 'left'", refused { box = "left" })
      assert.matches("'box': expected {x, y, width, height} in pixels, found nothing", refused { box = { 1, 2, 3 } })
      assert.matches("'mask': expected whole numbers as counts", refused { mask = { size = { 3, 3 }, counts = { 1.5 } } })
      assert.matches("'mask': expected size = {height, width}", refused { mask = { counts = { 9 } } })
      assert.matches("'mask': expected numbers in polygons", refused { mask = { { 1, 2, "x" } } })
      assert.matches("'outside': expected", refused { box = { 1, 2, 3, 4 }, outside = "pink" })
      assert.matches("unknown option 'bos'", refused { bos = { 1, 2, 3, 4 } })
   end)
end)

describe("scute.loader", function()
   local preprocess = { resize = 12, crop = 10 }

   it("delivers what lies in the boxes, and names the photo whose box lies outside", function()
      local path, boxes = draw(1), { false, LEFT, RIGHT, { 90, 0, 5, 5 }, { 30, 10, 20, 10 } }
      local loader = scute.loader { paths = { path, path, path, path, path }, boxes = boxes, preprocess = preprocess,
         digests = true }
      local x, _, indices, bad, notes, digests, looks = loader:next()
      assert.same({ 1, 2, 3, 5 }, indices:values())
      for row, index in ipairs(indices:values()) do
         local own = scute.image.load(path, { box = boxes[index] or nil }):preprocess(preprocess)
         assert.equal(scute.checksum { own }, scute.checksum { x[row]:reshape(own.shape) })
      end
      assert.equal(4, bad[1].index)
      assert.matches("reef1.png: the box .* lies outside of the photo; the photo has 40 x 30 pixels", bad[1].message)
      assert.same({ 5, true }, { notes[1].index, notes[1].is_cut })
      assert.equal(digests[1], digests[2]) -- of the file
      assert.not_equal(looks[1], looks[2])
      loader:close()
   end)

   it("paints with the mean of the preprocessing, which the network sees as nothing", function()
      local path, n = draw(2), WIDTH * HEIGHT
      local nearly_all_out = { size = { HEIGHT, WIDTH }, counts = { n - 30, 30 } } -- but the last column
      local loader = scute.loader { paths = { path }, masks = { nearly_all_out }, preprocess = { resize = 30, crop = 30 } }
      local x = loader:next()
      assert.is_true(x:abs():max():item() < 0.02)
      loader:close()
      loader = scute.loader { paths = { path }, masks = { nearly_all_out }, outside = "white", late_normalize = true,
         preprocess = { resize = 30, crop = 30 } }
      assert.equal(255, loader:next():to("f32"):min():item())
      loader:close()
   end)

   it("refuses lists of another length", function()
      assert.matches("option 'boxes': expected 1, one a path %(false where there is none%), found 2",
         failure(scute.loader, { paths = { PHOTO }, boxes = { LEFT, RIGHT }, preprocess = preprocess }))
      assert.matches("option 'masks': expected .* found 'x' at position 1",
         failure(scute.loader, { paths = { PHOTO }, masks = { "x" }, preprocess = preprocess }))
   end)
end)

describe("parts with boxes", function()
   it("give photos of one file names of their own", function()
      assert.same({ "a", "b", "a#2", "a#3" }, crops.names { "a", "b", "a", "a" })
      local path = draw(3)
      assert.equal(path, crops.file(path .. "#2"))
      assert.equal("gone.png", crops.file "gone.png#12")
      scute.files.write(path .. "#2", "a file that is called so")
      assert.equal(path .. "#2", crops.file(path .. "#2"))
   end)

   it("have no name that is another file's", function()
      local path = draw(90)
      local file <close> = assert(io.open(path .. "#2", "wb"))
      file:write "x"
      assert.same({ path, path .. "#3", path .. "#2" }, crops.names { path, path, path .. "#2" })
      assert.same({ path, path .. "#2" }, { crops.file(path .. "#3"), crops.file(path .. "#2") })
   end)

   it("name their photos once, over all parts of a set", function()
      local files = { "a", "b", "a" }
      local set = { train = { paths = files, boxes = { LEFT, false, RIGHT } }, val = { paths = { "a" } } }
      for _ = 1, 2 do
         crops.name(set)
         assert.same({ "a", "b", "a#2" }, set.train.paths)
         assert.same({ "a#3" }, set.val.paths)
      end
      assert.same({ "a", "b", "a" }, files)
      local whole = { train = { paths = { "a", "a" } }, val = { paths = {} } }
      crops.name(whole)
      assert.same({ "a", "a" }, whole.train.paths)
   end)

   it("are told apart by marks behind their digests", function()
      local part = { paths = { "a", "a#2", "a#3", "a#4" }, boxes = { LEFT, RIGHT, false, { 0, 0, 20, 30, of = { 40, 30 } } } }
      local seen = {}
      for i = 1, 4 do seen[crops.mark(part, i)] = true end
      assert.equal("", crops.mark(part, 3))
      assert.equal("", crops.mark({ paths = { "a" } }, 1))
      local n = 0
      for _ in pairs(seen) do n = n + 1 end
      assert.equal(4, n)
      local masked = { paths = { "a" }, masks = { { size = { 2, 3 }, counts = { 2, 4 } } } }
      local before = crops.mark(masked, 1)
      assert.matches("^%+%x+$", before)
      masked.masks[1] = scute.packed_mask(masked.masks[1])
      assert.equal(before, crops.mark(masked, 1))
      masked.outside = "black"
      assert.not_equal(before, crops.mark(masked, 1))
      assert.equal("9c2f01ab-7", digest.of_file "9c2f01ab-7+12345678")
   end)

   it("are shown as the size in a box says, where they are stored lying down", function()
      local path = "tests/golden/images/exif6.jpg"
      local whole = scute.image.load(path)
      local box = { 1, 2, 9, 5, of = { whole.height, whole.width } }
      assert.not_equal(whole.height, whole.width)
      local shown = crops.shown({ paths = { path }, boxes = { box } }, 1)
      local image = thumbnail(path, 80, json_file.decode(to_json(shown)))
      assert.same({ 5, 9 }, { image.width, image.height })
      assert.equal(bytes_of(scute.image.load(path, { box = box })), bytes_of(image))
      assert.same({ 9, 5 }, { thumbnail(path, 80, { box = { 1, 2, 9, 5 } }).width, 5 })
   end)

   it("keep boxes where photos come several times in an order", function()
      local part = { paths = { "a", "b" }, labels = { 1, 2 }, boxes = { LEFT, false }, masks = { false, "m" } }
      local more, order, origin = repeats(part, { 2, 2, 1, 2, 1 })
      assert.same({ "a", "b", "b", "b", "a" }, more.paths)
      assert.same({ 2, 3, 1, 4, 5 }, order)
      assert.same({ LEFT, false, false, false, LEFT }, more.boxes)
      assert.same({ false, "m", "m", "m", false }, more.masks)
      assert.same({ [3] = 2, [4] = 2, [5] = 1 }, origin)
      assert.equal(2, #part.boxes)
   end)

   it("are scored as what lies in the boxes", function()
      local model, path = Small { "red", "blue" }, draw(4)
      local seen = scute.score(model, { paths = { path, path }, boxes = { LEFT, RIGHT } }, { want = { "features" } })
      for i, box in ipairs { LEFT, RIGHT } do
         local file = ("%s/half%d.png"):format(root, i)
         scute.image.load(path, { box = box }):save(file)
         local own = scute.score(model, { paths = { file } }, { want = { "features" } })
         local difference <close> = (seen.features[i] - own.features[1]):abs():max()
         assert.is_true(difference:item() < 1e-6)
      end
      assert.matches("score: boxes: expected a list as long as paths %(1%).*found one of 2",
         failure(scute.score, model, { paths = { path }, boxes = { LEFT, RIGHT } }))
      assert.matches("score: boxes: expected a box .* found .* at place 1",
         failure(scute.score, model, { paths = { path }, boxes = { { 1, 2 } } }))
   end)
end)

describe("data.files", function()
   it("takes several photos of one file", function()
      local list = halves(1, 3)
      local set = data.files { train = list, val = halves(4, 4) }
      assert.matches("reef1.png$", set.train.paths[1])
      assert.matches("reef1.png#2$", set.train.paths[2])
      assert.same({ LEFT, RIGHT }, set.val.boxes)
      assert.matches("entry 7: '.*reef1.png' is listed already in train: entry 2", failure(data.files,
         { train = table.move({ { list[1][1], "red", box = RIGHT } }, 1, 1, 7, list), val = halves(4, 4) }))
      assert.matches("entry 1: expected a box { x, y, width, height }, found", failure(data.files,
         { train = { { PHOTO, "red", box = "left" } } }))
   end)

   it("has no boxes where none is given", function()
      local set = data.files { { draw(1), "red" }, { draw(2), "blue" }, { draw(3), "red" }, { draw(4), "blue" } }
      assert.is_false(crops.has(set.train))
   end)
end)

local function fit(list, val, more)
   scute.manual_seed(0)
   local set = data.files { train = list, val = val }
   local model = Small(set.classes)
   local options = { optimizer = optim.adamw(model:groups { lr = 0.02 }), epochs = 2, batch_size = 4, workers = 1,
      output_dir = root .. "/out" }
   for name, value in pairs(more or {}) do options[name] = value end
   return train.fit(model, set, options), set
end

describe("train.fit", function()
   it("learns what lies in the boxes, and writes down which photo is which part", function()
      local result = fit(halves(1, 6), halves(7, 9), { epochs = 8 })
      assert.equal(1, result.best.val_accuracy) -- the files themselves are of both classes
      local entries, seen = split_file.read(result.folder .. "/split.csv"), {}
      for _, entry in ipairs(entries) do
         assert.matches("^%x+%-%d+%+%x+$", entry.digest)
         seen[entry.file:match "[^/]+$"] = entry.digest
      end
      assert.equal(18, #entries)
      assert.equal(digest.of_file(seen["reef1.png"]), digest.of_file(seen["reef1.png#2"]))
      assert.not_equal(seen["reef1.png"], seen["reef1.png#2"])
      for _, photo in ipairs(result.best.worst) do -- what the report shows
         local of_right = photo.path:find "#2$" ~= nil
         assert.same({ box = of_right and RIGHT or LEFT }, photo.crop)
         local small = thumbnail(photo.path, 80, photo.crop)
         assert.same({ 20, 30 }, { small.width, small.height })
      end
      assert.matches('"crop":{"box":%[20,0,20,30%]}', (read(result.folder .. "/worst.json"):gsub("%s", "")))
      assert.matches("<html", read(result.folder .. "/report.html"))
   end)

   it("names a photo whose box is none of it, and leaves it out", function()
      local list = halves(1, 6)
      list[2].box, list[3].box = { 400, 0, 9, 9 }, { 0, 0, 25, 300 }
      local result = fit(list, halves(7, 9))
      assert.matches("reef1.png: the box .* lies outside of the photo", table.concat(warned, "\n"))
      assert.matches("reef1.png#2", read(result.folder .. "/bad_images.csv"))
      assert.matches("note: a box reaches beyond the photo %([^,]*reef2.png%) and is cut off at its edge",
         table.concat(lines, "\n"))
   end)

   it("goes on with the same boxes only", function()
      local list = halves(1, 6)
      fit(list, halves(7, 9))
      local result = fit(list, halves(7, 9), { epochs = 3, resume = "auto" })
      assert.equal(3, #result.history)
      list[2].box = { 21, 0, 19, 30 }
      assert.matches("of another run: the photos are others %(.*boxes and masks%)",
         failure(fit, list, halves(7, 9), { epochs = 4, resume = "auto" }))
   end)

   it("augments and repeats them", function()
      local result = fit(halves(1, 6), halves(7, 9), { epochs = 1, augment = "light", sampler = "balanced" })
      assert.equal(1, #result.history)
   end)

   it("keeps the features of what lies in the boxes", function()
      scute.manual_seed(0)
      local set = data.files { train = halves(1, 6), val = halves(7, 9) }
      local model = Small(set.classes):freeze "backbone"
      local result = train.fit(model, set, { optimizer = optim.adamw(model:groups { lr = 0.5 }), epochs = 10, batch_size = 4,
         workers = 1 })
      assert.is_true(result.best.val_accuracy > 0.75) -- 0.5 on whole files
   end)

   it("warns where parts of one file are on both sides", function()
      local list, val = halves(1, 6), halves(7, 9)
      val[#val + 1] = { list[1][1], "red", box = { 2, 2, 12, 12 } }
      fit(list, val, { epochs = 1 })
      assert.matches("1 photo that validates is a part of a file of which another part trains %(.*reef1.png#3, .*reef1.png%)",
         table.concat(warned, "\n"))
      assert.not_matches("the same", table.concat(warned, "\n"))
   end)

   it("warns of photos that test under another name, too", function()
      local list, val = halves(1, 6), halves(7, 9)
      local set = data.files { train = list, val = val }
      set.test = { paths = { draw(10), list[1][1], list[1][1] }, labels = { 1, 1, 2 }, counts = { 2, 1 },
         boxes = { LEFT, RIGHT, { 2, 2, 12, 12 } } }
      crops.name(set)
      assert.is_false(equal.tell(set))
      local text = table.concat(warned, "\n")
      assert.matches("1 photo that tests has the same bytes as one that trains %(.*reef1.png#3 = .*reef1.png#2%)", text)
      assert.matches("1 photo that tests is a part of a file of which another part trains", text)
      assert.equal(2, #warned)
      equal.tell(set)
      assert.equal(2, #warned)
   end)

   it("is not taken in by a copy of a part", function()
      local list, val = halves(1, 6), halves(7, 9)
      local file = root .. "/copy.png"
      scute.image.load(list[1][1], { box = LEFT }):save(file)
      val[#val + 1] = { file, "red" }
      local set = data.files { train = list, val = val }
      assert.same({ {}, {} }, { equal.find(set) })
      fit(list, val, { epochs = 1 })
      assert.matches("1 photo that validates has the same pixels as one that trains %(.*copy.png = .*reef1.png%)",
         table.concat(warned, "\n"))
   end)
end)

describe("scute.experiment", function()
   it("says that it does not compare parts of photos", function()
      local set = data.files { train = halves(1, 3), val = halves(4, 5) }
      assert.matches("scute.experiment compares runs on whole photos", failure(scute.experiment, { set = set,
         output_dir = root .. "/trial", variants = { { "a", rate = 1 }, { "b", rate = 2 } }, run = function() end }))
   end)
end)
