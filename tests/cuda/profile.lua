-- A profile on a GPU waits for each op, so that what is told is its time, lets no graph hide ops, says both, and changes
-- no number. Usage: scute tests/cuda/profile.lua [DEVICE]
local scute = require "scute"
local here = arg[0]:match "^(.*)/" or "."
local photos = dofile(here .. "/../cli/photos.lua")
local Tiny = dofile(here .. "/tiny.lua")
local tally = dofile "tests/tally.lua"
local check = tally.check
require("scute.base.console").quiet = true
scute.deterministic(true)

local device = arg[1] or "cuda"
local folder = os.tmpname()
os.remove(folder)
photos.set(folder, { blue = 12, red = 12 }) -- 20 train, 4 validate

local function fit()
   scute.manual_seed(5)
   local set = scute.data.open(folder, { seed = 0 })
   local model = Tiny(set.classes):to(device)
   return scute.train.fit(model, set, { optimizer = scute.optim.sgd(model:groups { lr = 0.02 }), device = device, workers = 1,
      batch_size = 4, epochs = 2, seed = 3 })
end

local function row(profile, name)
   for _, entry in ipairs(profile) do
      if entry.name == name then return entry end
   end
end

local plain = fit()
local p, result = scute.profile(fit)
check(scute.graphs(), "graphs are as they were")
for i, epoch in ipairs(plain.history) do
   check(epoch.train_loss == result.history[i].train_loss and epoch.val_loss == result.history[i].val_loss,
      "the numbers are the same", ("%.17g %.17g"):format(epoch.train_loss, result.history[i].train_loss))
end
local conv = row(p, "conv2d on cuda:0") or row(p, "conv2d")
check(conv and conv.backward_calls == 10, "no graph hides an op", tostring(p))
check(conv and conv.flops > 0 and conv.seconds > 0 and conv.gflops_per_second > 0, "what a convolution reached", tostring(p))
check(tostring(p):find "cuda:%d+ was waited for after every op, and steps were no graphs", "what it did is said", tostring(p))
check(not row(p, "steps that are graphs"), "there were none", tostring(p))

-- The device's work is done when the op's time ends.
local x = scute.randn(64, 64, { device = device })
local waits = scute.profile(function()
   for _ = 1, 3 do x = x:matmul(x):tanh() end
end)
check(row(waits, "matmul").forward_calls == 3 and row(waits, "matmul").flops == 3 * 2 * 64 ^ 3, "products", tostring(waits))

os.execute("rm -r " .. folder)
tally.finish()
