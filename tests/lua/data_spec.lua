local lfs = require "lfs"
local scute = require "scute"
local data = require "scute.data"
local folder = require "scute.data.folder"
local draw = require "scute.data.draw"

local root

-- Makes files from paths below the root: photos by their first bytes, each with others.
local function make(...)
   for _, path in ipairs { ... } do
      local full = root .. "/" .. path
      scute.files.mkdirs(full:match "^(.*)/")
      local file = assert(io.open(full, "w"))
      file:write("\xff\xd8\xff", path)
      file:close()
   end
end

local function make_classes(counts, below)
   for class, n in pairs(counts) do
      for i = 1, n do make(("%s%s/%03d.jpg"):format(below or "", class, i)) end
   end
end

local function failure(f, ...)
   local ok, err = pcall(f, ...)
   assert.is_false(ok)
   assert.is_true(require("scute.base.console").is_failure(err), tostring(err))
   assert.is_nil(tostring(err):find "\n")
   return tostring(err)
end

local function set_of(list)
   local set = {}
   for _, value in ipairs(list) do
      assert.is_nil(set[value])
      set[value] = true
   end
   return set
end

before_each(function()
   root = os.tmpname()
   os.remove(root)
   scute.files.mkdirs(root)
end)

after_each(function() os.execute(("chmod -R u+rwx '%s'; rm -rf '%s'"):format(root, root)) end)

describe("data.open", function()
   it("takes the classes from the folders, in byte order", function()
      make_classes { zebra = 4, Ant = 4, bee = 4, ["10"] = 4, ["9"] = 4, ["été"] = 4 }
      assert.same({ "10", "9", "Ant", "bee", "zebra", "été" }, data.open(root).classes)
   end)

   it("splits every class by the fraction, without overlap and without loss", function()
      make_classes { a = 20, b = 5, c = 2, d = 8 } -- of the last 1.6, which is nearer to 2
      local set = data.open(root, { seed = 3, val_fraction = 0.2 })
      assert.same({ 16, 4, 1, 6 }, set.train.counts)
      assert.same({ 4, 1, 1, 2 }, set.val.counts)
      local all = set_of(set.train.paths)
      for _, path in ipairs(set.val.paths) do
         assert.is_nil(all[path])
         all[path] = true
      end
      local n = 0
      for _ in pairs(all) do n = n + 1 end
      assert.equal(35, n)
      for i, path in ipairs(set.train.paths) do
         assert.equal(set.classes[set.train.labels[i]], path:match "([^/]+)/[^/]+$")
      end
   end)

   it("splits by the seed alone", function()
      make_classes { a = 30, b = 30 }
      local one = data.open(root, { seed = 1 })
      scute.randn(7)
      assert.same(one, data.open(root .. "/", { seed = 1 }))
      assert.is_not.same(one.val.paths, data.open(root, { seed = 2 }).val.paths)
   end)

   it("splits as it always has: an accuracy is that of these photos", function()
      make_classes { a = 10, b = 10, c = 3 }
      local found = {}
      for seed = 0, 2 do
         local names = {}
         for _, path in ipairs(data.open(root, { seed = seed, val_fraction = 0.3 }).val.paths) do
            names[#names + 1] = path:match "(%a/%d+)%.jpg$"
         end
         found[#found + 1] = table.concat(names, " ")
      end
      assert.same({ "a/001 a/006 a/007 b/004 b/005 b/010 c/003", "a/003 a/008 a/009 b/001 b/004 b/005 c/001",
         "a/002 a/004 a/006 b/005 b/006 b/010 c/001" }, found)
   end)

   it("splits a class the same whatever the number of photos in the others", function()
      make_classes { a = 10, b = 10 }
      local before = data.open(root, { seed = 1 })
      make_classes { b = 13 }
      local after = data.open(root, { seed = 1 })
      for i = 1, before.val.counts[1] do assert.equal(before.val.paths[i], after.val.paths[i]) end
   end)

   for _, name in ipairs { "val", "valid", "validation", "test" } do
      it("uses train/ and " .. name .. "/ as they are", function()
         make_classes({ a = 3, b = 2 }, "train/")
         make_classes({ a = 1, b = 1 }, name .. "/")
         local set = data.open(root)
         assert.equal(5, #set.train.paths)
         assert.equal(2, #set.val.paths)
         assert.same({}, set.notes)
      end)
   end

   it("prefers val/ to test/ and says what test/ is for", function()
      make_classes({ a = 3, b = 2 }, "train/")
      make_classes({ a = 1, b = 1 }, "val/")
      make_classes({ a = 9, b = 9 }, "test/")
      local set = data.open(root)
      assert.equal(2, #set.val.paths)
      assert.same({ root .. "/test is there for a test, and neither trains nor validates" }, set.notes)
      assert.equal(18, #set.test.paths)
      os.rename(root .. "/test/a", root .. "/test/c")
      os.rename(root .. "/test/b", root .. "/test/d")
      set = data.open(root)
      assert.same({ root .. "/test is left alone: none of its photos is of a class that trains" }, set.notes)
   end)

   it("splits train/ where there is no validation folder", function()
      make_classes({ a = 10, b = 10 }, "train/")
      assert.equal(4, #data.open(root).val.paths)
   end)

   it("notes a class that val/ lacks", function()
      make_classes({ a = 3, b = 2 }, "train/")
      make_classes({ a = 1 }, "val/")
      local set = data.open(root)
      assert.same({ 1, 0 }, set.val.counts)
      assert.is_truthy(set.notes[1]:find "class 'b' has no photo in")
   end)

   it("notes a class of a single photo, which trains", function()
      make_classes { a = 5, b = 1 }
      local set = data.open(root)
      assert.same({ 4, 1 }, set.train.counts)
      assert.is_truthy(set.notes[1]:find "class 'b' has a single photo")
      for i = 10, 30 do make("z" .. i .. "/1.jpg") end
      assert.equal("22 classes have a single photo, which trains, so that none validates: 'b', 'z10', 'z11', 'z12', 'z13', "
         .. "'z14', 'z15', 'z16', ...", table.concat(data.open(root).notes, "\n"))
   end)

   it("leaves hidden files and leftovers out, and looks into folders of folders", function()
      make("a/1.jpg", "a/.hidden.jpg", "a/Thumbs.db", "a/deep/er/2.jpg", "b/.git/3.jpg", "b/4.jpg", "b/5", ".cache/6.jpg")
      local set = data.open(root)
      assert.same({ "a", "b" }, set.classes)
      assert.equal(4, #set.train.paths + #set.val.paths)
   end)

   it("says that files beside the class folders are left alone", function()
      make("a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg", "readme.txt")
      assert.is_truthy(data.open(root).notes[1]:find "^1 file beside the class folders")
   end)

   it("follows links, but not round in circles", function()
      make("elsewhere/1.jpg", "elsewhere/2.jpg", "set/b/1.jpg", "set/b/2.jpg")
      lfs.link(root .. "/elsewhere", root .. "/set/a", true)
      lfs.link(root .. "/set", root .. "/set/b/loop", true)
      lfs.link(root .. "/nowhere", root .. "/set/b/broken.jpg", true)
      local files = folder.files(root .. "/set/b")
      assert.is_true(#files < 20)
      assert.equal(2, #folder.files(root .. "/set/a"))
      assert.is_true(set_of(files)[root .. "/set/b/broken.jpg"])
   end)
end)

describe("data.open refuses, in one line,", function()
   it("a folder that does not exist", function()
      assert.matches("cannot open the folder '.*/nowhere': No such file", failure(data.open, root .. "/nowhere"))
   end)

   it("a file", function()
      make "photo.jpg"
      assert.matches("is a file, not a folder", failure(data.open, root .. "/photo.jpg"))
   end)

   it("an empty folder", function()
      assert.matches("is empty", failure(data.open, root))
   end)

   it("photos that are in no class folder", function()
      make("1.jpg", "2.jpg")
      assert.matches("holds 2 files but no folders; .*CLASS/1.jpg", failure(data.open, root))
   end)

   it("an empty class", function()
      make_classes { a = 3 }
      scute.files.mkdirs(root .. "/b")
      assert.matches("class folder '.*/b' is empty", failure(data.open, root))
   end)

   it("a single class", function()
      make_classes { a = 3 }
      assert.matches("one class only, 'a'", failure(data.open, root))
   end)

   it("a class that is in val/ but not in train/", function()
      make_classes({ a = 3, b = 2 }, "train/")
      make_classes({ a = 1, c = 1 }, "val/")
      assert.matches("class 'c' is in '.*/val' but not in '.*/train'", failure(data.open, root))
   end)

   it("val/ without train/", function()
      make_classes({ a = 1, b = 1 }, "val/")
      assert.matches("has val/ but no train/", failure(data.open, root))
   end)

   it("one photo of each class", function()
      make_classes { a = 1, b = 1 }
      assert.matches("two are needed", failure(data.open, root))
   end)
end)

describe("draw.permutation", function()
   it("depends on seed, purpose and index only, and leaves the session's draws alone", function()
      scute.manual_seed(5)
      local expected = scute.randn(4):values()
      scute.manual_seed(5)
      local one = draw.permutation(1, "shuffle", 1, 50)
      assert.same(expected, scute.randn(4):values())
      assert.same(one, draw.permutation(1, "shuffle", 1, 50))
      for _, other in ipairs { { 2, "shuffle", 1 }, { 1, "split", 1 }, { 1, "shuffle", 2 } } do
         assert.is_not.same(one, draw.permutation(other[1], other[2], other[3], 50))
      end
      table.sort(one)
      for i = 1, 50 do assert.equal(i, one[i]) end
   end)
end)
