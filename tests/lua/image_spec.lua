local scute = require "scute"
local message_of = dofile "tests/lua/message_of.lua"

local GOLDEN = "tests/golden/images/"

describe("image", function()
   it("knows its size and turns into tensors", function()
      local image <close> = scute.image.load(GOLDEN .. "exif6.jpg")
      assert.equal(30, image.width)
      assert.equal(50, image.height)
      assert.same({ 1, 3, 50, 30 }, { image:tensor():size() })
      assert.same({ 1, 3, 24, 24 }, { image:preprocess { resize = 28, crop = 24, filter = "bicubic" }:size() })
   end)

   it("makes new images of other sizes", function()
      local image = scute.image.load(GOLDEN .. "rgb.png") -- 70 x 60
      local sizes = {}
      for _, made in ipairs {
         image:resize(30), image:resize { width = 8, height = 9, filter = "bicubic" }, image:crop(100), image:pad_square(),
      } do
         sizes[#sizes + 1] = made.width .. " x " .. made.height
      end
      assert.same({ "35 x 30", "8 x 9", "100 x 100", "70 x 70" }, sizes)
   end)

   it("saves a PNG that loads as the same picture", function()
      local path = os.tmpname()
      local image = scute.image.load(GOLDEN .. "rgba.png")
      image:save(path)
      local expected, found = image:tensor(), scute.image.load(path):tensor()
      os.remove(path)
      assert.same({ expected:size() }, { found:size() })
      assert.same(expected:totable(), found:totable())
   end)

   it("says what is wrong and goes on", function()
      local image = scute.image.load(GOLDEN .. "rgb.png")
      assert.matches("/nowhere.jpg: cannot open", message_of(scute.image.load, "/nowhere.jpg"))
      assert.matches("did you mean 'size'", message_of(image.resize, image, { siz = 3 }))
      assert.matches("^resize: expected 1 x 1 to", message_of(image.resize, image, 1 << 20))
      assert.matches("either 'size' or both", message_of(image.resize, image, { size = 3, width = 4 }))
      assert.matches("option 'mean': expected three numbers", message_of(image.preprocess, image, { mean = { 1, 2 } }))
      assert.matches("expected 'bilinear' or 'bicubic'", message_of(image.preprocess, image, { filter = "box" }))
      assert.matches("cannot", message_of(image.save, image, "/nowhere/x.png"))
      image:free()
      assert.matches("was freed", message_of(image.tensor, image))
   end)
end)

describe("loader", function()
   local paths = { GOLDEN .. "rgb.png", "/nowhere.jpg", GOLDEN .. "photo.jpg", GOLDEN .. "cases.txt" }

   local function open(options)
      local all = { paths = paths, labels = { 1, 2, 3, 4 }, preprocess = { resize = 32, crop = 28 }, batch_size = 2 }
      for key, value in pairs(options) do all[key] = value end
      return scute.loader(all)
   end

   it("keeps the order and reports what it left out", function()
      for workers = 0, 2 do
         local loader <close> = open { order = { 3, 2, 4, 2, 1, 3, 4 }, workers = workers }
         assert.equal(4, #loader)
         local x, y, indices, bad = loader:next()
         assert.same({ 1, 3, 28, 28 }, { x:size() })
         assert.same({ 3 }, y:totable())
         assert.same({ 3 }, indices:totable())
         assert.equal(2, bad[1].index)
         assert.equal("/nowhere.jpg", bad[1].path)
         assert.matches("cannot open", bad[1].message)
         x, y, indices, bad = loader:next() -- the batch 4, 2 has no good photo and is passed over
         assert.same({ 2, 3, 28, 28 }, { x:size() })
         assert.same({ 1, 3 }, y:totable())
         assert.same({ 1, 3 }, indices:totable())
         assert.equal(2, #bad)
         x, y, indices, bad = loader:next()
         assert.is_nil(x or y or indices)
         assert.equal(4, bad[1].index)
      end
   end)

   it("fills a batch with what an image's preprocess gives", function()
      local loader <close> = open { order = { 3 } }
      local alone = scute.image.load(paths[3]):preprocess { resize = 32, crop = 28 }
      assert.same(alone:totable(), loader:next():totable())
   end)

   it("notes which photos lack the end of their file", function()
      local path, whole = os.tmpname(), assert(io.open(GOLDEN .. "gray.jpg", "rb"))
      local file = assert(io.open(path, "wb"))
      file:write((whole:read "a":sub(1, -3)))
      file:close()
      whole:close()
      local loader <close> = open { paths = { paths[1], path, "/nowhere.jpg", path }, batch_size = 4 }
      local _, _, indices, bad, notes = loader:next()
      local _, note = scute.image.load(path)
      os.remove(path)
      assert.same({ 1, 2, 4 }, indices:totable())
      assert.equal(1, #bad)
      assert.same({ { index = 2, path = path, message = note }, { index = 4, path = path, message = note } }, notes)
      assert.equal(path .. ": the file's end is missing; the picture is whole", note)
      assert.is_nil((select(2, scute.image.load(paths[1]))))
      assert.same({}, (select(5, loader:next())))
   end)

   it("takes tensors for lists, and none for labels", function()
      local loader <close> =
         scute.loader { paths = { paths[1] }, order = scute.tensor({ 1, 1, 1 }, { dtype = "i64" }), preprocess = { crop = 8 } }
      local x, y, indices = loader:next()
      assert.same({ 3, 3, 8, 8 }, { x:size() })
      assert.is_nil(y)
      assert.same({ 1, 1, 1 }, indices:totable())
   end)

   it("merges a last batch of one", function()
      local order = { 1, 3, 1, 3, 1 }
      assert.equal(3, #open { order = order })
      local loader <close> = open { order = order, merge_last_single = true }
      assert.equal(2, (loader:next():size(1)))
      assert.equal(3, (loader:next():size(1)))
      assert.is_nil((loader:next()))
   end)

   it("raises where bad photos are errors, and for bad arguments", function()
      local loader <close> = open { on_bad = "error", order = { 2 } }
      assert.matches("/nowhere.jpg: cannot open", message_of(loader.next, loader))
      assert.matches("did you mean 'preprocess'", message_of(open, { preproces = {} }))
      assert.matches("order: entry 1 is sample 9 of 4", message_of(open, { order = { 9 } }))
      assert.matches("class numbers start at 1", message_of(open, { labels = { 0, 1, 2, 3 } }))
      assert.matches("crop: expected at least 1", message_of(open, { preprocess = { resize = 8 } }))
      loader:close()
      assert.matches("is closed", message_of(loader.next, loader))
   end)
end)
