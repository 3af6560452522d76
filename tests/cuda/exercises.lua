-- The exercises as a user runs them, with --device cuda and nothing else changed: what they learn must be what they learn on
-- the CPU, and what is stopped with Ctrl-C must go on. Small photos, few epochs.
-- On the software GPU (SCUTE_PLUGINS leads to it) each process also gives an account, in which nothing may be left or violated.
-- Usage: scute tests/cuda/exercises.lua [DEVICE]
local cjson = require "cjson"
local lfs = require "lfs"
local here = arg[0]:match "^(.*)/" or "."
local photos = dofile(here .. "/../cli/photos.lua")
local csv = require "scute.base.csv"

local device = arg[1] or "cuda"
local soft = os.getenv "SCUTE_PLUGINS"
local cli = dofile(here .. "/../cli/shell.lua")
local scratch, check, read_file = cli.scratch, cli.check, cli.read_file

local PHOTOS = " --data_dir $T/photos --weights none --batch_size 8"
local ACCOUNT = "export SCUTE_CUDA_CACHE=$T/convolutions; " .. (soft and "export SOFTGPU_REPORT=$T/account.%p; " or "")
local SMALL = PHOTOS .. " --image_size 32"

-- ---- running ----

-- Nothing is left on the device, and nothing is violated, in any process since the last call.
local function accounts(name)
   if not soft then return end
   local found = 0
   for file in lfs.dir(scratch) do
      if file:find "^account" then
         local account = cjson.decode(read_file(scratch .. "/" .. file))
         check(next(account.live) == nil, name .. ": nothing is left on the device", cjson.encode(account.live))
         check(#account.violations == 0, name .. ": nothing is violated", account.violations[1])
         os.remove(scratch .. "/" .. file)
         found = found + 1
      end
   end
   check(found > 0, name .. ": the GPU was used", name)
end

-- A line of shell on a device, into $T/<device>.
local function on(where, line)
   return cli.shell(("%s%s --device %s --output_dir $T/%s"):format(ACCOUNT, line, where, (where:gsub(":", ""))))
end

local function runs(name, line)
   for _, where in ipairs { "cpu", device } do
      local r = on(where, line)
      if not check(r.code == 0, name .. " runs on " .. where, r.all) then return false end
      if where ~= "cpu" then accounts(name) end
   end
   return true
end

-- ---- comparing ----

local function folder(where)
   return scratch .. "/" .. where:gsub(":", "")
end

local function history(path)
   local text = read_file(path)
   return text and csv.parse(text) or {}
end

-- Histories, cell by cell: losses to `tolerance`, learning rates, steps and accuracies to the digit.
local function same_history(name, path, other, tolerance)
   local found, expected = history(path), history(other)
   check(#found == #expected and #found > 1, name .. ": as many epochs", #found .. " and " .. #expected)
   for i = 2, #expected do
      for j, title in ipairs(expected[1]) do
         local a, b = tonumber(found[i] and found[i][j]), tonumber(expected[i][j])
         local allowed = title:find "loss" and tolerance * math.abs(b) or 0
         check(a and math.abs(a - b) <= allowed, ("%s: epoch %d, %s"):format(name, i - 1, title),
            ("%s instead of %s"):format(a, b))
      end
   end
end

local function both(name, inside, tolerance)
   same_history(name, folder(device) .. inside, folder "cpu" .. inside, tolerance)
end

-- ---- the exercises ----

-- A frozen backbone of random weights in float32: sums of 32-bit numbers in another order.
local function transfers()
   if not runs("Exercise 1", "$S scripts/transfer_learning.lua --model resnet18 --freeze_backbone --epochs 3"
      .. " --precision fp32_strict --learning_rate 0.01" .. SMALL) then return end
   both("Exercise 1", "/resnet18/history.csv", 1e-4)
end

-- What a script says as JSON of the model that Exercise 1 made on the CPU, on both devices.
local function said(line)
   local answers = {}
   for i, where in ipairs { "cpu", device } do
      local r = cli.shell(("%s%s --json --model $T/cpu/resnet18/best.safetensors --device %s"):format(ACCOUNT, line, where))
      local ok, answer = pcall(cjson.decode, r.out)
      check(r.code == 0 and ok, line .. " on " .. where, r.all)
      answers[i] = answer
   end
   return table.unpack(answers)
end

local function uses()
   local found, expected = said "$S scripts/predict.lua $T/photos/red/001.bmp"
   found, expected = found.photos[1].top[1], expected.photos[1].top[1]
   check(found.class == expected.class and math.abs(found.probability - expected.probability) < 1e-4, "predict says the same",
      found.probability .. " and " .. expected.probability)
   found, expected = said "$S scripts/evaluate.lua --data_dir $T/photos"
   check(found.accuracy == expected.accuracy and math.abs(found.log_loss - expected.log_loss) < 1e-4, "evaluate says the same",
      found.log_loss .. " and " .. expected.log_loss)
   accounts "predict and evaluate"
end

-- float16 on both sides: rounded to 11 bits at each layer, in sums of another order. When layer4 joins, the first update
-- overflows (with any scale from 47,000 to 92,000 it does): it is left out, the scale halved.
local function fine_tunes()
   local line = "$S scripts/fine_tuning.lua --model resnet18 --unfreeze head,layer4@2 --epochs 3 --precision fp16"
      .. " --image_size 64" .. PHOTOS
   if not runs("Exercise 2", line) then return end
   both("Exercise 2", "/resnet18/history.csv", 0.02)
   local skipped = {}
   for i, where in ipairs { "cpu", device } do
      local run = cjson.decode(read_file(folder(where) .. "/resnet18/run.json"))
      check(run.precision == "fp16", "Exercise 2 on " .. where .. " computes in float16", run.precision)
      skipped[i] = run.result.skipped
   end
   check(skipped[1] > 0 and skipped[1] == skipped[2], "as many updates are left out", cjson.encode(skipped))
end

local function compares()
   if not runs("Exercise 3", "$S scripts/compare_architectures.lua --models resnet18,mobilenet_v2 --seeds 1 --budget epochs=1"
      .. " --precision fp32" .. SMALL) then return end
   for variant, model in pairs { ["ResNet-18"] = "resnet18", MobileNetV2 = "mobilenet_v2" } do
      both("Exercise 3", ("/runs/%s/seed0/%s/history.csv"):format(variant, model), 1e-4)
   end
   local found = cjson.decode(read_file(folder(device) .. "/comparison.json"))
   for _, variant in ipairs { "ResNet-18", "MobileNetV2" } do
      local row = found.variants[variant]
      check(row.latency > 0 and row.images_per_second > 0 and row.peak_memory > 1e6, "Exercise 3 measures " .. variant,
         cjson.encode(row))
   end
end

-- ---- stopping and going on ----

-- A program that finds algorithms of convolutions known begins with them, where the first one has timed them after its first
-- step: what is to be equal begins alike.
local function forget_convolutions()
   os.execute("rm -rf " .. scratch .. "/convolutions")
end

-- A whole run, and one that is stopped after its first epoch, then goes on.
local function goes_on()
   local line = "$S scripts/transfer_learning.lua --model resnet18 --epochs 4 --precision fp32 --learning_rate 0.001" .. SMALL
   forget_convolutions()
   local r = on(device, line)
   check(r.code == 0, "a whole run", r.all)
   os.rename(folder(device) .. "/resnet18/history.csv", scratch .. "/whole.csv")
   os.execute("rm -rf " .. folder(device))
   forget_convolutions()
   r = cli.interrupt(("%s%s --device %s --output_dir %s"):format(ACCOUNT, line, device, folder(device)), "INT", "epoch   1")
   check(r.code == 130 and r.err:find "stopped in epoch %d+ after step %d+", "Ctrl-C ends it with 130", r.all)
   r = on(device, line .. " --resume auto")
   check(r.code == 0 and r.out:find "going on from", "--resume auto goes on", r.all)
   -- The same machine and the same kernels.
   same_history("what was stopped and went on", folder(device) .. "/resnet18/history.csv", scratch .. "/whole.csv", 1e-6)
   accounts "stopping and going on"
end

photos.set(scratch .. "/photos", { blue = 14, red = 13 })
cli.run { transfers, uses, fine_tunes, compares, goes_on }
