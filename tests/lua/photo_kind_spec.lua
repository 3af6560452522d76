local scute = require "scute"

local GOLDEN = "tests/golden/images/"

local function write(bytes)
   local path = os.tmpname()
   local file = assert(io.open(path, "wb"))
   file:write(bytes)
   file:close()
   return path
end

local function message_of(f, ...)
   local ok, message = pcall(f, ...)
   assert.is_false(ok)
   return message
end

describe("photo_kinds", function()
   it("tells photos from other files by their first bytes", function()
      local text, empty = write "file_name,label\n", write ""
      local kinds, unread = scute.photo_kinds { GOLDEN .. "gray.jpg", text, GOLDEN .. "rgb.png", empty, GOLDEN .. "rgb.bmp" }
      os.remove(text)
      os.remove(empty)
      assert.same({ "JPEG", false, "PNG", false, "BMP" }, kinds)
      assert.same({}, unread)
      assert.same({}, (scute.photo_kinds {}))
   end)

   it("says in the words of the decoder why a file cannot be read", function()
      local jxl = write "\xff\x0a\xff\x07"
      local kinds, unread = scute.photo_kinds({ "/nowhere.jpg", GOLDEN .. "palette.gif", jxl }, 2)
      assert.same({ false, "GIF", "JPEG XL" }, kinds)
      assert.equal(message_of(scute.image.load, "/nowhere.jpg"), unread[1])
      assert.is_nil(unread[2])
      assert.equal(message_of(scute.image.load, jxl), unread[3])
      assert.matches("a JPEG XL photo; convert it first: djxl", unread[3])
      os.remove(jxl)
   end)

   it("says what is wrong with its arguments", function()
      assert.matches("photo_kinds: expected names of files, found .- at position 2", message_of(scute.photo_kinds, { "a", 1 }))
      assert.matches("expected 1 to 256 workers", message_of(scute.photo_kinds, {}, 0))
      assert.matches("table expected", message_of(scute.photo_kinds))
   end)
end)

describe("photo_marks", function()
   it("are the same for the same bytes, others for other sizes and first bytes, and false for what cannot be read", function()
      local text = ("photo"):rep(2000)
      local paths = { write(text), write(text), write(text .. "."), write("P" .. text:sub(2)), "/nowhere.jpg" }
      local marks = scute.photo_marks(paths)
      for i = 1, 4 do os.remove(paths[i]) end
      assert.equal(marks[1], marks[2])
      assert.is_not.equal(marks[1], marks[3])
      assert.is_not.equal(marks[1], marks[4])
      assert.is_false(marks[5])
      assert.same({}, scute.photo_marks {})
   end)

   it("say what is wrong with their arguments", function()
      assert.matches("photo_marks: expected names of files, found .- at position 1", message_of(scute.photo_marks, { 1 }))
      assert.matches("expected 1 to 256 workers", message_of(scute.photo_marks, {}, 257))
   end)
end)
