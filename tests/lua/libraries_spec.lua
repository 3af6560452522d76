-- Libraries that are opened at first use: a damaged one is told with what wanted it, and nothing else stops.
local lfs = require "lfs"
local scute = require "scute"

-- What the program says to `code` where the library `file` is damaged.
local function without(file, code)
   local folder = os.tmpname()
   os.remove(folder)
   assert(lfs.mkdir(folder))
   assert(io.open(folder .. "/" .. file, "w")):close()
   local pipe = assert(io.popen(("LD_LIBRARY_PATH='%s' '%s' -e '%s' 2>&1"):format(folder, arg[-1] or "./scute", code)))
   local said = pipe:read "a"
   pipe:close()
   os.remove(folder .. "/" .. file)
   lfs.rmdir(folder)
   return said
end

describe("a library that cannot be opened", function()
   it("is told with the canvas, the weights or the photo that wanted it", function()
      local said = without("libcairo.so.2", [[print(pcall(scute.canvas, 20, 20)) print(scute.canvas_font())]])
      assert.matches("^false\t[^\n]*canvas: [^\n]*libcairo%.so%.2: file too short; install libcairo2 "
         .. "%(Debian's name of the package%)\nreal\n$", said)
      local weights = "tests/golden/checkpoints/average_first.pth"
      said = without("libzip.so.4", ("print(pcall(scute.models.load, %q)) print(scute.randn(2).shape[1])"):format(weights))
      assert.matches("^false\t[^\n]*average_first%.pth: [^\n]*libzip%.so%.4: file too short; install libzip4 %(D[^\n]*\n2\n$",
         said)
      local photo = "tests/golden/readers/jpeg.tif"
      if not pcall(scute.image.load, photo) then return end -- built without libtiff
      said = without("libtiff.so.6", ("print(pcall(scute.image.load, %q))"):format(photo))
      assert.matches("^false\t[^\n]*jpeg%.tif: [^\n]*libtiff%.so%.6: file too short; install libtiff6 %(D[^\n]*\n$", said)
   end)
end)
