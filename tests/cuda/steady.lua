-- A step of training like the one before takes no memory from the GPU and gives none back: cudaMalloc may wait for all work
-- that is under way, and giving back does. Counted in train.fit on the software GPU, which computes nothing meanwhile
-- (SOFTGPU_COMPUTE=none): for both widths, several sizes of a batch, and gradual unfreezing.
-- Usage: SOFTGPU_COMPUTE=none scute tests/cuda/steady.lua [DEVICE [all | model ...]]
package.cpath = os.getenv "SCUTE_PLUGINS" .. "/?.so;" .. package.cpath
local scute = require "scute"
local softgpu = require "softgpu"
local here = arg[0]:match "^(.*)/" or "."
local photos = dofile(here .. "/../cli/photos.lua")
local best = require "scute.train.best"
local metrics, optim, train = scute.metrics, scute.optim, scute.train

local device = arg[1] or "cuda"
local names = #arg > 1 and table.move(arg, 2, #arg, 1, {})
   or { "baseline_cnn", "resnet18", "resnet34", "resnet50", "efficientnet_b0", "mobilenet_v2" }
if names[1] == "all" then names = scute.models.list() end
local tally = dofile "tests/tally.lua"
local check = tally.check
require("scute.base.console").quiet = true

local NEW = 3 -- steps in which something new finds its memory

local folder = os.tmpname()
os.remove(folder)
photos.set(folder, { blue = 15, red = 15 }) -- 24 train, 6 validate

-- What a network guesses is nothing where nothing is computed, nor is its loss: the first epoch is the best, or each is.
local improves
function best.is_better(_, other)
   return improves or not other
end
local confusion = metrics.confusion
metrics.confusion = function(...)
   local own = confusion(...)
   return setmetatable({ add = function(_, _, y) own:add(y, y) end }, { __index = own })
end

local function trains(run)
   local list = {}
   for _, group in ipairs(run.optimizer.groups) do
      for _, entry in ipairs(group.parameters) do
         if entry[2].requires_grad then list[#list + 1] = group.name break end
      end
   end
   return table.concat(list, " ")
end

-- Of the device's memory, and of the host's pinned one.
local function calls(name)
   return softgpu.calls(name) + softgpu.calls(name .. "Host")
end

-- Memory in which a convolution was timed, which is given back at once.
local function timings()
   local n = 0
   for _, pass in ipairs { "Forward", "BackwardData", "BackwardFilter" } do
      n = n + softgpu.calls(("cudnnFindConvolution%sAlgorithmEx"):format(pass))
   end
   return n
end

-- A hook that counts what steps take and give back. New is what the first epoch does, and one in which a group joins; and the
-- one after that, where evaluation has folded filters; and the first step of the next, where those lie beside weights that are
-- remembered and others that have moved on. Elsewhere, and after a few steps, nothing is new.
local function counter()
   local self = { steady = 0, faults = {}, joined = 0 }
   local groups, since, size, old
   local malloc, free, timed
   function self.on_epoch_begin()
      since, size = 0, nil
   end
   function self.on_step_begin()
      malloc, free, timed = calls "cudaMalloc", calls "cudaFree", timings()
   end
   function self.on_step_end(run)
      if trains(run) ~= groups then groups, old, self.joined = trains(run), run.epoch + 1, self.joined + 1 end
      since = run.last.n == size and since + 1 or 1
      size = run.last.n
      local took, gave = calls "cudaMalloc" - malloc, calls "cudaFree" - free
      local lent = math.min(timings() - timed, took, gave)
      took, gave = took - lent, gave - lent
      local is_new = run.epoch <= old and since <= NEW or run.epoch == old + 1 and since == 1
      if not is_new then self.steady = self.steady + 1 end
      if gave > 0 or took > 0 and not is_new then
         self.faults[#self.faults + 1] = ("step %d of epoch %d took %d and gave %d"):format(run.step, run.epoch, took, gave)
      end
   end
   return self
end

-- Hooks on steps switch graphs off (see scute.train.graph), so that with those epochs are counted, validation included.
local function epochs_with_graphs(name, precision)
   scute.manual_seed(1)
   local set = scute.data.open(folder, { seed = 0 })
   local options = { classes = set.classes, pretrained = "none", image_size = 32 }
   local model = scute.nn.init.skip(scute.models.create, name, options):to(device)
   local counts, before = {}, nil
   local function now()
      return { calls "cudaMalloc", calls "cudaFree", softgpu.calls "cudaGraphLaunch" }
   end
   local function count()
      local after = now()
      for i, n in ipairs(after) do counts[i] = n - before[i] end
      before = after
   end
   before = now()
   collectgarbage "stop"
   local ok, why = pcall(train.fit, model, set, { device = device, workers = 0, epochs = 4, batch_size = 4,
      precision = precision, optimizer = optim.sgd(model:groups { lr = 1e-3 }), hooks = { { on_epoch_end = count } } })
   collectgarbage "restart"
   scute.flush()
   check(ok and counts[1] == 0 and counts[2] == 0 and counts[3] > 0, ("%s, %s, with graphs"):format(name, precision),
      ok and ("the last epoch took %d, gave %d and launched %d"):format(table.unpack(counts)) or why)
end

local function fit(name, what, options)
   scute.manual_seed(1)
   local set = scute.data.open(folder, { seed = 0 })
   local options_of_model = { classes = set.classes, pretrained = "none", image_size = 224 }
   local model = scute.nn.init.skip(scute.models.create, name, options_of_model):to(device)
   local counts = counter()
   options.optimizer = optim.sgd(model:groups { lr = 1e-3 }, { momentum = 0.9 })
   options.device, options.workers, options.hooks, improves = device, 0, { counts }, options.precision == "bf16"
   collectgarbage "stop" -- what it does now and then is not what is counted
   local ok, why = pcall(train.fit, model, set, options)
   collectgarbage "restart"
   scute.flush()
   check(ok and #counts.faults == 0 and counts.steady > 5, ("%s, %s"):format(name, what),
      ok and table.concat(counts.faults, "\n") .. ("\n%d steady steps"):format(counts.steady) or why)
   return counts.joined
end

for _, name in ipairs(names) do
   fit(name, "float32, all batches alike", { precision = "fp32", batch_size = 4, epochs = 4 })
   fit(name, "bfloat16, the last batch shorter", { precision = "bf16", batch_size = 5, epochs = 4 })
end
for _, name in ipairs { "resnet18", "mobilenet_v2" } do
   local joined = fit(name, "groups join", { precision = "bf16", batch_size = 4, epochs = 6,
      unfreeze = name == "resnet18" and "head,layer4@2,layer3@3" or "head,backbone@2" })
   check(joined > 1, name .. ": a group joined", joined)
end
for _, precision in ipairs { "fp32", "bf16" } do epochs_with_graphs("resnet18", precision) end
os.execute(("rm -rf '%s'"):format(folder))
tally.finish()
