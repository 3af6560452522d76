-- How many kernels a training step in bfloat16 launches, as train.fit takes it: those of scute's own, copies on the device
-- among them, and the calls of cuDNN and cuBLAS that compute. Each costs the host about as much as a small layer costs the
-- device, so there is a ceiling for them; what a step that is a graph's launches beside it; and that where nothing needs a
-- gradient what follows a convolution is in it, or one kernel.
-- Usage: SCUTE_PLUGINS=build/softgpu scute tests/cuda/launches.lua [DEVICE [model ...]]; VERBOSE=1 lists the kernels.
local scute = require "scute"
local here = arg[0]:match "^(.*)/" or "."
package.cpath = assert(os.getenv "SCUTE_PLUGINS", "SCUTE_PLUGINS does not name the software GPU's folder") .. "/?.so;"
   .. package.cpath
local softgpu = require "softgpu"
local photos = dofile(here .. "/../cli/photos.lua")
local step = require "scute.train.step"
local sorted_keys = require "scute.base.sorted_keys"

local device = arg[1] or "cuda"
local CEILINGS = { resnet50 = 330, efficientnet_b0 = 500, mobilenet_v2 = 370 } -- of scute's own
local FORWARD = { resnet50 = 4, efficientnet_b0 = 100, mobilenet_v2 = 38 } -- where nothing needs a gradient
local BESIDE = 40 -- a graph: photos, the optimizer, what is read late
local names = #arg > 1 and table.move(arg, 2, #arg, 1, {}) or sorted_keys(CEILINGS)
local tally = dofile "tests/tally.lua"
require("scute.base.console").quiet = true

-- The op of a kernel, which begins its name: "void (anonymous namespace)::batch_norm_normalise<...>(...)".
local function short(kernel)
   return kernel:gsub("%(anonymous namespace%)::", ""):match "([%w_]+)[<(]" or kernel
end

-- {what = calls so far}: kernels, and functions of the libraries that compute.
local function counts()
   local own, libraries = {}, {}
   for kernel, n in pairs(softgpu.launches()) do own[short(kernel)] = (own[short(kernel)] or 0) + n end
   own.copies = softgpu.calls "cudaMemcpyAsync"
   for name, n in pairs(softgpu.functions()) do
      if name:find "^cublas.*Gemm" or name:find "^cudnn.*Forward$" or name:find "^cudnn.*Backward" then
         libraries[name] = not name:find "Algorithm" and not name:find "Workspace" and n or nil
      end
   end
   return own, libraries
end

-- What happened since `before`: {what = how often}, and the sum.
local function since(before, now)
   local each, sum = {}, 0
   for what, n in pairs(now) do
      local more = n - (before[what] or 0)
      if more > 0 then each[what], sum = more, sum + more end
   end
   return each, sum
end

-- The counts of the second step, when all that is made once has been made, and of the fourth, which is a graph's: the first
-- two are done without, the third records it.
local function watch(set, name)
   local model = scute.nn.init.skip(scute.models.create, name, { classes = set.classes, pretrained = "none",
      image_size = 32 }):to(device)
   local at, run_step = { [0] = table.pack(counts()) }, step.run
   function step.run(...)
      run_step(...)
      at[#at + 1] = table.pack(counts())
   end
   scute.train.fit(model, set, { device = device, workers = 1, batch_size = 2, epochs = 1, seed = 3,
      precision = "bf16", optimizer = scute.optim.adamw(model:groups { lr = 0.001 }) })
   step.run = run_step
   local own, own_sum = since(at[1][1], at[2][1])
   local libraries, sum = since(at[1][2], at[2][2])
   local again, again_sum = since(at[3][1], at[4][1])
   local _, none = since(at[3][2], at[4][2])
   return { model = model, own = own, own_sum = own_sum, libraries = libraries, libraries_sum = sum, again = again,
      again_sum = again_sum + none }
end

-- The counts of a forward pass in evaluation, when filters have been folded: with ReLU6 and SiLU, which cuDNN does not know, a
-- kernel after each convolution; one for each depthwise convolution with all that follows it, and up to five for a
-- squeeze-and-excitation.
local function watch_forward(model)
   local x, before = scute.randn(1, 3, 32, 32):to(device), nil
   model:eval()
   for _ = 1, 2 do
      before = table.pack(counts())
      scute.no_grad(function() scute.autocast("bf16", function() return model(x) end):free() end)
   end
   local own, sum = since(before[1], (counts()))
   local _, libraries = since(before[2], select(2, counts()))
   return own, sum, libraries
end

local function list(each)
   local kinds = sorted_keys(each)
   table.sort(kinds, function(a, b) return each[a] > each[b] end)
   for _, kind in ipairs(kinds) do print(("%6d %s"):format(each[kind], kind)) end
end

local folder = os.tmpname()
os.remove(folder)
photos.set(folder, { blue = 5, red = 5 })
local set = scute.data.open(folder, { seed = 0 })
for _, name in ipairs(names) do
   local seen = watch(set, name)
   local text = ("%s: %d own launches, %d of cuDNN and cuBLAS; %d in all beside a graph"):format(name, seen.own_sum,
      seen.libraries_sum, seen.again_sum)
   print(text)
   if os.getenv "VERBOSE" then
      list(seen.own)
      list(seen.libraries)
      print "   beside a graph"
      list(seen.again)
   end
   tally.check(seen.own_sum > 0 and seen.own_sum <= (CEILINGS[name] or math.huge), text,
      ("at most %d were expected"):format(CEILINGS[name] or 0))
   local each, sum, libraries = watch_forward(seen.model)
   text = ("%s, forward alone: %d own launches, %d of cuDNN and cuBLAS"):format(name, sum, libraries)
   print(text)
   if os.getenv "VERBOSE" then list(each) end
   tally.check(sum > 0 and sum <= (FORWARD[name] or math.huge), text, ("at most %d were expected"):format(FORWARD[name] or 0))
   tally.check(seen.again_sum <= BESIDE, text, ("at most %d were expected beside a graph"):format(BESIDE))
end
os.execute(("rm -rf '%s'"):format(folder))

-- Operands that broadcast are read sixteen bytes at a time where the last dimension is a whole number of those.
for _, channels in ipairs { 16, 15 } do
   local x, row = scute.randn(3, channels, 4, 5):to(device), scute.randn(channels, 1, 1):to(device)
   for name, op in pairs { add = function() return x + row end, lt = function() return scute.lt(x, row) end,
      where = function() return scute.where(x:gt(0), x, row) end } do
      local before = counts()
      op():free()
      local each = since(before, (counts()))
      local kernels = table.concat(sorted_keys(each), " ")
      tally.check((kernels:find "_vectors" ~= nil) == (channels == 16), ("%s of %d channels"):format(name, channels), kernels)
   end
end
tally.finish()
