-- Training on a GPU whose memory is too small for a batch: it goes on with smaller pieces of it, and comes to the weights of
-- the CPU, which has room for it all. Usage: SOFTGPU_MEMORY=6000000 scute tests/cuda/memory.lua [DEVICE]
local scute = require "scute"
local photos = dofile "tests/cli/photos.lua"
local data, optim, train = scute.data, scute.optim, scute.train

local device = arg[1] or "cuda"
local tally = dofile "tests/tally.lua"
local check = tally.check
local folder = os.tmpname()
os.remove(folder)
require("scute.base.console").quiet = true

local Wide = dofile "tests/lua/wide.lua"

-- The weights after an epoch of 21 photos, how many photos were taken at a time in the end, and in each step.
local function fit(where)
   scute.manual_seed(1)
   local set = data.open(folder, { seed = 0 })
   local model, micro, sizes = Wide(set.classes):to(where), nil, {}
   local hook = {
      on_step_end = function(run)
         micro = run.micro
         sizes[#sizes + 1] = run.last.n
      end,
   }
   train.fit(model, set, { optimizer = optim.sgd(model:groups { lr = 0.05 }), workers = 1, batch_size = 8, epochs = 1,
      device = where, precision = "fp32_strict", hooks = { hook } })
   local weights = {}
   for _, p in ipairs(model:parameters()) do table.move(p:values(), 1, p:numel(), #weights + 1, weights) end
   return weights, micro, sizes
end

local function distance(a, b)
   local off = 0
   for i, value in ipairs(b) do off = math.max(off, math.abs(a[i] - value)) end
   return #a == #b and off or math.huge
end

photos.set(folder, { blue = 14, red = 13 })
local told, warn = {}, require("scute.base.console").warn
require("scute.base.console").warn = function(format, ...) told[#told + 1] = format:format(...) end
local expected, all = fit "cpu"
local ok, weights, micro, sizes = pcall(fit, device)
require("scute.base.console").warn = warn
os.execute(("rm -rf '%s'"):format(folder))
if ok then
   check(all == nil and #expected > 400, "the CPU has room for all of a batch", all)
   check(micro and micro < 8, "the GPU takes smaller pieces (SOFTGPU_MEMORY=6000000 makes it small)", micro)
   check(table.concat(sizes, " ") == "8 8 5", "and batches stay what they are", table.concat(sizes, " "))
   check(#told >= 1 and told[1]:find "out of memory: from here on %d photos? at a time", "which is told", told[1])
   -- the same sums in another order, in float32
   check(distance(weights, expected) < 2e-6, "the weights are the CPU's", distance(weights, expected))
else
   check(false, "training", weights)
end
tally.finish()
