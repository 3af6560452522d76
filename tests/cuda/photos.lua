-- Photos on their way to a GPU: as bytes that it normalises, and bit for bit what the loader makes of them on the CPU.
-- Usage: scute tests/cuda/photos.lua [DEVICE]
local scute = require "scute"
local upload = require "scute.data.upload"

local device = arg[1] or "cuda"
local FOLDER = "tests/golden/images/"
local tally = dofile "tests/tally.lua"
local check = tally.check
local grows = 0 -- how often larger batches than before made staging memory grow

local paths = {}
for i = 1, 22 do
   paths[i] = FOLDER .. ({ "baseline.jpg", "rgba.png", "rgb.bmp", "palette.gif", "exif6.jpg" })[i % 5 + 1]
end
-- A batch of 8 has more bytes than small uploads may have.
local preprocess = { resize = 64, crop = 60, mean = { 0.485, 0.456, 0.406 }, std = { 0.229, 0.224, 0.225 } }

local function open(augment, late)
   return scute.loader { paths = paths, batch_size = 8, preprocess = preprocess, augment = augment, seed = 3, workers = 2,
      late_normalize = late }
end

local function first_difference(found, expected)
   if #found ~= #expected then return ("%d numbers instead of %d"):format(#found, #expected) end
   for i = 1, #expected do
      if found[i] ~= expected[i] then return ("at %d: found %.9g, expected %.9g"):format(i, found[i], expected[i]) end
   end
end

-- All batches are on their way before the first is read. late: what the loader must have left to the device.
local function compare(name, augment, dtype, late)
   local to_device = upload.to(device, preprocess, dtype, augment)
   local there, expected = {}, {}
   scute.syncs "reset"
   local loader <close> = open(augment, to_device.late_normalize)
   for x, _, _, _, _, _, _, holes in loader do
      check(x.dtype == (late and "u8" or "f32"), name .. ": what the loader gives", x.dtype)
      there[#there + 1] = to_device.bring(x, holes)
   end
   local waits, what = scute.syncs()
   local grown = what["staging memory that grows"] or 0
   check(waits == grown and grown <= 2, name .. ": bringing photos waits for nothing", waits)
   grows = grows + grown
   local plain <close> = open(augment, false)
   for x in plain do expected[#expected + 1] = x end
   check(#there == 3 and #expected == 3, name .. ": batches", #there)
   for i, x in ipairs(expected) do
      local wanted = late and dtype or "f32"
      check(there[i].dtype == wanted, name .. ": dtype", there[i].dtype)
      local wrong = first_difference(there[i]:values(), x:to(wanted):values())
      check(not wrong, ("%s, batch %d"):format(name, i), wrong)
      there[i]:free()
   end
end

local function memory()
   collectgarbage()
   collectgarbage()
   return scute.memory(device).live
end

local light = { random_resized_crop = { scale = { 0.5, 1 } }, horizontal_flip = 0.5, rand_augment = { n = 2, magnitude = 9 } }
local erasing = { horizontal_flip = 0.5, random_erasing = { p = 0.8, value = { 0.25, -1.5, 2 } } }
local noisy = { horizontal_flip = 0.5, random_erasing = { p = 1, value = "random" } }
for _, dtype in ipairs { "f32", "f16", "bf16" } do
   compare("as they are, " .. dtype, nil, dtype, true)
   compare("augmented, " .. dtype, light, dtype, true)
   compare("with erasing, which the device does, " .. dtype, erasing, dtype, true)
   compare("with erasing to noise, which the loader draws, " .. dtype, noisy, dtype, false)
end
-- Who does not say how many threads decode gets all processors there are, as the GPU computes what the CPU would.
local core = require "scute.core"
local own, asked = core.loader, {}
core.loader = function(options)
   asked[#asked + 1] = options.workers or "the loader's own"
   return own(options)
end
for _, where in ipairs { "cpu", device } do
   local part = { paths = { paths[1] } }
   for x in require "scute.data.batches"(part, { device = where, preprocess = preprocess }) do x:free() end
end
for x in require "scute.data.batches"({ paths = { paths[1] } }, { device = device, preprocess = preprocess, workers = 1 }) do
   x:free()
end
core.loader = own
local expected = ("the loader's own %d 1"):format(math.min(8, scute.processors()))
check(table.concat(asked, " ") == expected, "threads that decode", table.concat(asked, " "))

check(grows == 2, "both halves of the staging memory grow once, for floats", grows)
local live = memory()
check(live == 0, "memory", ("%d bytes are left"):format(live))
tally.finish()
