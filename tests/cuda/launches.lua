-- How many kernels a training step in bfloat16 launches, as train.fit takes it: those of scute's own, copies on the device
-- among them, and the calls of cuDNN and cuBLAS that compute. Each costs the host about as much as a small layer costs the device, so there is a ceiling for them.
-- Usage: SCUTE_PLUGINS=build/softgpu scute tests/cuda/launches.lua [DEVICE [model ...]]; VERBOSE=1 lists the kernels.
local scute = require "scute"
local here = arg[0]:match "^(.*)/" or "."
package.cpath = assert(os.getenv "SCUTE_PLUGINS", "SCUTE_PLUGINS does not name the software GPU's folder") .. "/?.so;"
   .. package.cpath
local softgpu = require "softgpu"
local photos = dofile(here .. "/../cli/photos.lua")
local sorted_keys = require "scute.base.sorted_keys"

local device = arg[1] or "cuda"
local CEILINGS = { resnet50 = 330, efficientnet_b0 = 500, mobilenet_v2 = 370 } -- of scute's own
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

-- The counts from one end of a step to the next, when all that is made once has been made.
local function watch(set, name)
   local model = scute.models.create(name, { classes = set.classes, pretrained = "none", image_size = 32 }):to(device)
   local before, after
   scute.train.fit(model, set, { device = device, workers = 1, batch_size = 2, epochs = 1, seed = 3,
      precision = "bf16", optimizer = scute.optim.adamw(model:groups { lr = 0.001 }),
      hooks = { { on_step_end = function(run)
         if run.step == 2 then before = table.pack(counts()) end
         if run.step == 3 then after = table.pack(counts()) end
      end } } })
   local own, own_sum = since(before[1], after[1])
   local libraries, sum = since(before[2], after[2])
   return { own = own, own_sum = own_sum, libraries = libraries, libraries_sum = sum }
end

local function list(each)
   local kinds = sorted_keys(each)
   table.sort(kinds, function(a, b) return each[a] > each[b] end)
   for _, kind in ipairs(kinds) do print(("%6d %s"):format(each[kind], kind)) end
end

local folder = os.tmpname()
os.remove(folder)
photos.set(folder, { blue = 4, red = 4 })
local set = scute.data.open(folder, { seed = 0 })
for _, name in ipairs(names) do
   local seen = watch(set, name)
   local text = ("%s: %d own launches, %d of cuDNN and cuBLAS"):format(name, seen.own_sum, seen.libraries_sum)
   print(text)
   if os.getenv "VERBOSE" then
      list(seen.own)
      list(seen.libraries)
   end
   tally.check(seen.own_sum > 0 and seen.own_sum <= (CEILINGS[name] or math.huge), text,
      ("at most %d were expected"):format(CEILINGS[name] or 0))
end
os.execute(("rm -rf '%s'"):format(folder))
tally.finish()
