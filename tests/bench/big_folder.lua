-- A folder of very many photos: list and split, the first batch, and memory over an epoch, or over as many photos of one as are
-- asked for. Usage: scute tests/bench/big_folder.lua FOLDER PHOTOS
local scute = require "scute"
local folder, wanted = arg[1], tonumber(arg[2])
require("scute.base.console").quiet = true
local BATCH, SIDE, SAMPLES = 64, 32, 10

local function megabytes(field)
   for line in io.lines "/proc/self/status" do
      local kilobytes = line:match("^" .. field .. ":%s+(%d+)")
      if kilobytes then return kilobytes / 1e3 end
   end
end

local begin = scute.clock()
local set = scute.data.open(folder)
print(("listed %.2f s, %.0f MB, %d train, %d validate"):format(scute.clock() - begin, megabytes "VmHWM", #set.train.paths,
   #set.val.paths))

local model = scute.models.create("baseline_cnn", { classes = set.classes, pretrained = "none", image_size = SIDE })
local steps = math.min(wanted, #set.train.paths) // BATCH
local seen, epoch_begin = 0, nil
local watch = {
   on_backward_begin = function()
      if not epoch_begin then
         epoch_begin = scute.clock()
         print(("first %.2f s, %.0f MB"):format(epoch_begin - begin, megabytes "VmHWM"))
      end
   end,
   on_step_end = function(run)
      seen = seen + run.last.n
      if run.step % math.max(1, steps // SAMPLES) == 0 then print(("at %d %.0f MB"):format(seen, megabytes "VmRSS")) end
      if run.step >= steps then
         print(("most %.0f MB, %.0f photos a second"):format(megabytes "VmHWM", seen / (scute.clock() - epoch_begin)))
         os.exit(0, false)
      end
   end,
}
scute.train.fit(model, set, { optimizer = scute.optim.sgd(model:groups { lr = 1e-3 }), epochs = 1, batch_size = BATCH,
   augment = "light", hooks = { watch } })
