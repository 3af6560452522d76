-- Photos decoded, cut at random (as torchvision's RandomResizedCrop does), flipped and normalised: photos a second, the best of
-- several passes over a folder of class folders. Usage: scute tests/bench/decode.lua FOLDER WORKERS [PASSES]
local scute = require "scute"
local folder, workers, passes = arg[1], tonumber(arg[2]), tonumber(arg[3] or 2)
local part = scute.data.list(folder)
local best = math.huge

for pass = 1, passes + 1 do
   local start = scute.clock()
   local loader <close> = scute.loader { paths = part.paths, labels = part.labels, batch_size = 16, workers = workers,
      epoch = pass, preprocess = { resize = 256, crop = 224, mean = { 0.485, 0.456, 0.406 }, std = { 0.229, 0.224, 0.225 } },
      augment = scute.augment.preset "standard" }
   for _ = 1, #loader do
      local x, y, indices, bad = loader:next()
      assert(x and #bad == 0, "a photo could not be read")
      x:free()
      y:free()
      indices:free()
   end
   if pass > 1 then best = math.min(best, scute.clock() - start) end
end
print(("%.1f photos a second"):format(#part.paths / best))
