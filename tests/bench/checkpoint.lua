-- What checkpoints cost a training of ResNet-50, all of which trains with AdamW, on photos of 224 pixels: steps are timed with
-- a checkpoint after each quarter of them, and what these cost is compared with an epoch of 400 photos of the same run.
-- Usage: scute tests/bench/checkpoint.lua [BATCH [STEPS [PRECISION [FOLDER]]]] -- FOLDER: where checkpoints go; its disk counts
local scute = require "scute"
local photos = dofile "tests/cli/photos.lua"

local batch, steps = tonumber(arg[1] or 16), tonumber(arg[2] or 32)
local precision, folder = arg[3] or "auto", arg[4] or os.tmpname()
local PHOTOS = 400 -- of an epoch

os.remove(folder)
require("scute.base.console").quiet = true
local n = batch * steps // 4 -- of each class, so that two epochs are so many steps
for i = 1, 2 do -- the second time under another name is the same photo: decoding is not what is measured
   for k = 1, 8 do photos.write(("%s/photos/train/%d/%d.bmp"):format(folder, i, k), i, k, 224) end
   for k = 9, n do
      scute.files.mkdirs(("%s/photos/train/%d"):format(folder, i))
      os.execute(("ln '%s/photos/train/%d/%d.bmp' '%s/photos/train/%d/%d.bmp'"):format(folder, i, k % 8 + 1, folder, i, k))
   end
   photos.write(("%s/photos/val/%d/1.bmp"):format(folder, i), i, 1, 224)
end

local set = scute.data.open(folder .. "/photos", { seed = 0 })
local model = scute.models.create("resnet50", { classes = set.classes })

-- Seconds from the beginning of each step to that of the next, and what the library says it spent on each checkpoint that has
-- the weights of a best epoch too, as those from the second epoch on do.
local times, costs, began, writing = {}, {}, nil, nil
local watch = {
   on_step_begin = function(run)
      local now = scute.clock()
      if began then times[#times + 1] = { seconds = now - began, writing = writing } end
      if writing and not run.checkpoint.writing and run.best then costs[#costs + 1] = run.checkpoint.cost end
      began, writing = now, run.checkpoint.writing ~= nil
   end,
}
scute.train.fit(model, set, { optimizer = scute.optim.adamw(model:groups { lr = 1e-4 }), epochs = 2, batch_size = batch,
   precision = precision, output_dir = folder .. "/out", save_steps = steps // 4, hooks = { watch }, workers = 1 })

local lfs = require "lfs"
local bytes = lfs.attributes(folder .. "/out/resnet50/checkpoint.safetensors", "size")
local function median(list)
   table.sort(list)
   return list[(#list + 1) // 2]
end
local free, busy = {}, {}
for i = 3, #times do -- the first ones find their memory
   local list = times[i].writing and busy or free
   list[#list + 1] = times[i].seconds
end
local step, cost = median(free), 0
for _, seconds in ipairs(costs) do cost = cost + seconds / #costs end
local slower = 0
for _, seconds in ipairs(busy) do slower = slower + (seconds - step) / math.max(#costs, 1) end
local epoch = step * PHOTOS / batch
os.execute(("rm -rf '%s'"):format(folder))
print(("checkpoint of a ResNet-50 with AdamW: %.0f MB, batch %d, %s; a step takes %.2f s, an epoch of %d photos %.1f s"):format(
   bytes / 1e6, batch, precision, step, PHOTOS, epoch))
print(("one costs %.2f s of processors and waiting, %.2f %% of the epoch; steps during which it is written took %.2f s more, "
   .. "%.2f %%"):format(cost, 100 * cost / epoch, slower, 100 * slower / epoch))
