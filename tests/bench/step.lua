-- Forward, a training step, or a step in which only the last group trains, of one model, as peer_modes.py, peer_more.py and
-- peer_cuda.py measure them for PyTorch. A GPU is waited for before the clock is read.
-- Usage: scute tests/bench/step.lua MODEL BATCH infer|train|last [f32|bf16|f16 [DEVICE]]; SIDE in the environment: pixels, 224
local scute = require "scute"
local name, batch, what, dtype = arg[1], tonumber(arg[2]), arg[3], arg[4] or "f32"
local device = scute.device(arg[5] or "cpu")
local on_gpu = device:find "^cuda" ~= nil
local side = tonumber(os.getenv "SIDE" or 224)

local function best_of(repeats, warmup, step)
   for _ = 1, warmup do step() end
   local best = math.huge
   for _ = 1, repeats do
      scute.synchronize()
      local start = scute.clock()
      step()
      scute.synchronize()
      best = math.min(best, scute.clock() - start)
   end
   return best
end

-- Of tensors on a GPU, of the process on the CPU.
local function peak_megabytes()
   if on_gpu then return scute.memory(device).peak / 1e6 end
   for line in io.lines "/proc/self/status" do
      local kilobytes = line:match "^VmHWM:%s+(%d+)"
      if kilobytes then return kilobytes / 1e3 end
   end
end

scute.manual_seed(0)
local model = scute.models.create(name, { classes = 10, pretrained = "none" }):to(device)
local x = scute.randn(batch, 3, side, side):to(device)

-- What a GPU does first (choosing algorithms, filling its caches) takes more rounds.
local rounds, warmup = on_gpu and 10 or 6, on_gpu and 5 or 3
local seconds
if what == "infer" then
   model:eval()
   seconds = best_of(rounds, warmup, function()
      scute.autocast(dtype, scute.no_grad, function() model(x):free() end)
   end)
else
   if what == "last" then
      local groups = model:group_paths()
      model:freeze():unfreeze(groups[#groups][1])
   end
   model:train()
   local labels = {}
   for i = 1, batch do labels[i] = (i - 1) % 10 + 1 end
   local y = scute.tensor(labels, { dtype = "i64", device = device })
   local optimizer = scute.optim.sgd(model:groups { lr = 0.01 }, { momentum = 0.9, weight_decay = 1e-4 })
   seconds = best_of(rounds, warmup, function()
      model:zero_grad()
      local logits = scute.autocast(dtype, model, x)
      local loss = scute.autocast(dtype, scute.cross_entropy, logits, y)
      loss:backward()
      optimizer:step()
      logits:free()
      loss:free()
   end)
end
print(("%-16s scute    %s %s B=%d %8.2f ms  %7.1f img/s rss %.0fMB"):format(
   name, what, dtype, batch, seconds * 1e3, batch / seconds, peak_megabytes()))
