-- What tests of training share: a folder with small photos and a quiet console, for as long as the tests of a file last.
local photos = dofile "tests/cli/photos.lua"

local scratch = {}

--- Makes a folder of its own with photos/blue and photos/red in it, of which 21 train (batches of 8, 8 and 5) and 6 validate.
-- For `setup`. broken: true adds a file to the red ones that is no photo. Returns the folder's path.
function scratch.make(broken)
   require("scute.base.console").quiet = true
   local root = os.tmpname()
   os.remove(root)
   photos.set(root .. "/photos", { blue = 14, red = 13 })
   if broken then photos.write_file(root .. "/photos/red/900.bmp", "\xff\xd8\xff not a photo") end
   return root
end

--- Takes it away again. For `teardown`.
function scratch.remove(root)
   require("scute.base.console").quiet = false
   os.execute(("rm -rf '%s'"):format(root))
end

return scratch
