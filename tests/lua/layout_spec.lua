-- What people's folders look like: splits by any name, what systems put there, files that are no photos, and classes of which
-- nothing can be read.
local scute = require "scute"
local data = require "scute.data"
local layout = require "scute.data.layout"
local scratch = dofile "tests/lua/scratch.lua"

local root

-- Files that are photos by their first bytes, or hold `text`.
local function make(path, text)
   local full = root .. "/" .. path
   scute.files.mkdirs(full:match "^(.*)/")
   local file <close> = assert(io.open(full, "wb"))
   file:write(text or "\xff\xd8\xff" .. path)
end

local function make_photos(folders, n)
   for _, folder in ipairs(folders) do
      for i = 1, n or 4 do make(("%s/%02d.jpg"):format(folder, i)) end
   end
end

local function failure(...)
   local ok, err = pcall(data.open, ...)
   assert.is_false(ok)
   assert.is_true(require("scute.base.console").is_failure(err), tostring(err))
   return tostring(err)
end

before_each(function()
   root = os.tmpname()
   os.remove(root)
end)
after_each(function() scratch.remove(root) end)

describe("split folders", function()
   it("are known by their names, whatever the case and the spelling", function()
      for kind, names in pairs {
         train = { "train", "Train", "TRAINING", "train_set", "train-images", "training data", "images_train" },
         val = { "val", "Valid", "VALIDATION", "val_set", "dev", "validation-photos", "Evaluation" },
         test = { "test", "Testing", "test_images", "TEST SET" },
      } do
         for _, name in ipairs(names) do assert.equal(kind, layout.kind(name), name) end
      end
      for name, kind in pairs { seg_train = "train", ["train 2020"] = "train", imagenet_val = "val", ["bees-test"] = "test" } do
         assert.equal(kind, layout.kind(name), name)
      end
      for _, name in ipairs { "ants", "tester", "trainer", "valley", "contest", "set", "images", "Tortuga valiente" } do
         assert.is_nil(layout.kind(name), name)
      end
   end)

   for _, names in ipairs { { "Train", "Test" }, { "Training", "Testing" }, { "training", "validation" }, { "TRAIN", "VAL" },
      { "train_set", "dev_set" } } do
      it(names[1] .. " and " .. names[2] .. " are no classes", function()
         make_photos { names[1] .. "/a", names[1] .. "/b", names[2] .. "/a", names[2] .. "/b" }
         local set = data.open(root)
         assert.same({ "a", "b" }, set.classes)
         assert.same({ 8, 8 }, { #set.train.paths, #set.val.paths })
         assert.equal(names[2] .. "/", set.split)
      end)
   end

   it("beside class folders are ambiguous: both readings are shown, and the flag says which", function()
      make_photos { "ants", "bees", "test" }
      local text = failure(root)
      assert.matches("named like splits %(test/%) beside others with photos %(ants/, bees/%)", text)
      assert.matches("%-%-layout splits takes test/", text)
      assert.matches("%-%-layout classes takes all of them", text)
      assert.matches("%-%-split_csv", text)
      assert.same({ "ants", "bees", "test" }, data.open(root, { layout = "classes" }).classes)
      local set = data.open(root, { layout = "splits" })
      assert.same({ "ants", "bees" }, set.classes) -- what is in test/ has no classes, and so validates nothing
      assert.matches("/test is beside the classes and is left alone", set.notes[1])
   end)

   it("beside other photos are ambiguous too", function()
      make_photos { "train/a", "train/b", "val/a", "val/b", "more" }
      assert.matches("leaves more/ alone", failure(root))
      assert.equal(8, #data.open(root, { layout = "splits" }).train.paths)
   end)

   it("beside a folder without photos are not", function()
      make_photos { "train/a", "train/b", "val/a", "val/b" }
      make("docs/readme.txt", "how it was made")
      assert.matches("/docs is beside train/ and is left alone", data.open(root).notes[1])
   end)

   it("within class folders would train on what validates", function()
      make_photos { "ants/train", "ants/val", "bees/train", "bees/val" }
      assert.matches("hold splits %(ants/train, ants/val%): %-%-layout classes", failure(root))
      make_photos { "rare/train" } -- one without photos that validate changes nothing
      assert.matches("hold splits %(ants/train, ants/val%): %-%-layout classes", failure(root))
      scratch.remove(root .. "/rare")
      assert.same({ "ants", "bees" }, data.open(root, { layout = "classes" }).classes)
   end)

   it("a folder too deep are told with the folder to give", function()
      make_photos { "set/train/a", "set/train/b", "set/val/a", "set/val/b" }
      assert.matches("holds one folder, which holds splits %(train/, val/%): %-%-data_dir .*/set$", failure(root))
   end)

   it("two of a kind, or without class folders, stop it", function()
      make_photos { "train/a", "train/b", "training/a", "training/b" }
      assert.matches("holds train/, training/, each named like the photos to learn from", failure(root))
      scratch.remove(root)
      make_photos { "Train", "Test" }
      assert.matches("Train' holds no folders: .*%-%-layout classes", failure(root))
      assert.same({ "Test", "Train" }, data.open(root, { layout = "classes" }).classes)
   end)

   it("to test without classes leave the split to be drawn", function()
      make_photos { "train/a", "train/b", "test" }
      local set = data.open(root)
      assert.matches("^drawn", set.split)
      assert.matches("/test is beside train/", set.notes[1])
   end)
end)

describe("what systems put among photos", function()
   it("is neither a class nor a photo", function()
      make_photos { "a", "b" }
      for _, name in ipairs { "@eaDir", "System Volume Information", "#recycle", "lost+found", ".AppleDouble", "__MACOSX",
         "$RECYCLE.BIN" } do
         make_photos { name, "a/" .. name }
      end
      for _, name in ipairs { "Thumbs.db", "ehthumbs.db", "desktop.ini", ".DS_Store", "._01.jpg", "01.jpg:Zone.Identifier",
         "01.jpg@SynoEAStream" } do
         make("a/" .. name)
      end
      local set = data.open(root)
      assert.same({ "a", "b" }, set.classes)
      assert.equal(8, #set.train.paths + #set.val.paths)
      assert.same({}, set.notes)
   end)

   it("and files beside photos are counted once, and not drawn into a split", function()
      make_photos({ "a", "b" }, 10)
      local before = data.open(root, { seed = 3 })
      for _, name in ipairs { "01.json", "01.xmp", "01.AAE", "list.csv", "notes.txt", "film.mov" } do
         make("a/" .. name, "no photo")
      end
      make("b/readme")
      local set = data.open(root, { seed = 3 })
      assert.same(before.val.paths, { table.unpack(set.val.paths, 1, #before.val.paths) })
      assert.same({ "6 files are no photos and left alone" }, set.notes)
      assert.equal(6, set.others)
      assert.equal(21, #set.train.paths + #set.val.paths) -- b/readme is a photo by its first bytes
   end)
end)

describe("what training leaves among photos", function()
   it("is no class, nor are its pictures photos", function()
      make_photos({ "a", "b" }, 5)
      for _, folder in ipairs { "models/resnet18", "a/resnet18" } do
         make(folder .. "/run.json", "{}")
         make(folder .. "/schedule.png")
      end
      local set = data.open(root)
      assert.same({ "a", "b" }, set.classes)
      assert.equal(10, #set.train.paths + #set.val.paths)
   end)
end)

describe("photos that cannot be read by their first bytes", function()
   it("are left out of the split, by name and reason", function()
      make_photos({ "a", "b" }, 10)
      make("a/empty.jpg", "")
      make("a/page.jpg", "<html>")
      make("b/cut.png", "\x89PN")
      local set = data.open(root)
      assert.equal(20, #set.train.paths + #set.val.paths)
      assert.equal(3, #set.broken)
      assert.matches("empty", set.broken[1].message)
      assert.matches("page.jpg: not a photo", set.broken[2].message)
   end)

   it("end it where a class has no others, in train and in val", function()
      make_photos { "train/a", "train/b", "val/a" }
      make("val/b/1.heic", "no photo at all")
      assert.matches("none of the 1 photo of class 'b' in '.*/val' can be read: .*1.heic: not a photo", failure(root))
      make_photos { "val/b" }
      make_photos { "train/c" }
      scratch.remove(root .. "/train/c")
      for i = 1, 3 do make(("train/c/%d.jpg"):format(i), "\0\0\0\12JXL \13\10\x87\10") end
      assert.matches("none of the 3 photos of class 'c' in '.*/train' can be read; the first: .*JPEG XL", failure(root))
   end)
end)

describe("names of classes", function()
   it("are the same however their accents are written", function()
      local composed, parts = "caf\u{e9}", "cafe\u{301}"
      make_photos { "train/" .. composed, "train/b", "val/" .. parts, "val/b" }
      local set = data.open(root)
      assert.same({ "b", composed }, set.classes)
      assert.same({ 4, 4 }, set.val.counts)
   end)
end)

describe("the same photo on both sides", function()
   local equal = require "scute.data.equal"

   it("is found by its bytes, whatever it is called", function()
      make_photos { "train/a", "train/b", "val/a", "val/b" }
      make("val/b/copy.jpg", "\xff\xd8\xfftrain/a/01.jpg")
      make("train/a/long.jpg", "\xff\xd8\xff" .. ("x"):rep(10000) .. "1")
      make("val/a/long.jpg", "\xff\xd8\xff" .. ("x"):rep(10000) .. "2") -- the same length and beginning
      require("lfs").link(root .. "/train/b/02.jpg", root .. "/val/b/link.jpg", true)
      local found = equal.find(data.open(root))
      assert.same({ { train = root .. "/train/a/01.jpg", val = root .. "/val/b/copy.jpg" },
         { train = root .. "/train/b/02.jpg", val = root .. "/val/b/link.jpg" } }, found)
   end)
end)
