-- How the machine does while a run trains: a sample every two seconds, for the bar, the events and the report; a warning
-- where a clock is held down. None of it goes into history.csv, which says only what would be the same again.
local scute = require "scute"
local console = require "scute.base.console"

local hardware = {}

local INTERVAL = 2 -- seconds between samples; one takes a fraction of a millisecond

-- Of many samples: the last of what only grows or is a state, the mean of what is used, the highest of what is hot.
local LAST, MEAN, HIGHEST = { "memory", "peak_memory", "pool", "pool_peak" }, { "cores", "machine", "use", "power" },
   { "temperature" }

-- Keeps sums of samples under the same names.
local function add(sum, sample)
   sum.n = (sum.n or 0) + 1
   for _, name in ipairs(LAST) do sum[name] = sample[name] or sum[name] end
   for _, name in ipairs(MEAN) do
      if sample[name] then
         local m = sum[name] or { total = 0, n = 0 }
         m.total, m.n, sum[name] = m.total + sample[name], m.n + 1, m
      end
   end
   for _, name in ipairs(HIGHEST) do
      if sample[name] then sum[name] = math.max(sum[name] or sample[name], sample[name]) end
   end
   sum.throttled = sum.throttled or sample.throttled
end

local function add_all(sum, sample)
   add(sum, sample)
   sum.gpus = sum.gpus or {}
   for i, gpu in ipairs(sample.gpus) do
      local own = sum.gpus[i] or { index = gpu.index, name = gpu.name, memory_total = gpu.memory_total }
      add(own, gpu)
      own.memory_most = gpu.memory and math.max(own.memory_most or 0, gpu.memory)
      sum.gpus[i] = own
   end
end

local function settle(sum)
   local out = { n = nil }
   for name, value in pairs(sum) do
      if name == "gpus" then
         out.gpus = #value > 0 and {} or nil
         for i, gpu in ipairs(value) do out.gpus[i] = settle(gpu) end
      elseif type(value) == "table" then
         out[name] = value.total / value.n
      elseif name ~= "n" then
         out[name] = value
      end
   end
   return out
end

-- ---- words ----

local function degrees(celsius)
   return ("%.0f C"):format(celsius)
end

-- The GPU that a device's name means: NVIDIA's number of "cuda:1", through CUDA_VISIBLE_DEVICES.
local function gpu_of(sample, device)
   local number = device:match "^cuda:?(%d*)$"
   if not number then return nil end
   local wanted, visible, i = tonumber(number) or 0, os.getenv "CUDA_VISIBLE_DEVICES", 0
   for entry in (visible or ""):gmatch "[^,]+" do
      if i == wanted and tonumber(entry) then
         wanted = tonumber(entry)
         break
      end
      i = i + 1
   end
   for _, gpu in ipairs(sample.gpus) do
      if gpu.index == wanted then return gpu end
   end
end

--- A sample in a few words, for the bar: list of parts, the most important first. device: what the run computes on.
function hardware.words(sample, device)
   local parts = {}
   local function part(format, value)
      if value then parts[#parts + 1] = format:format(value) end
   end
   local gpu = gpu_of(sample, device)
   if gpu then
      part("GPU %.0f%%", gpu.use and 100 * gpu.use)
      part("%s", gpu.memory and console.bytes(gpu.memory))
      part("%s", gpu.temperature and degrees(gpu.temperature))
      part("%.0f W", gpu.power)
   else
      part("%s", sample.memory and console.bytes(sample.memory))
      part("CPU %.0f%%", sample.cores and 100 * sample.cores)
      part("%s", sample.temperature and degrees(sample.temperature))
   end
   return parts
end

-- ---- the hook ----

local function warn(run, what, sample, why)
   run.meter:clear()
   console.warn("%s is throttled%s%s: training is slower than it could be", what, why and " by " .. why or "",
      sample.temperature and (" (%s)"):format(degrees(sample.temperature)) or "")
end

local function warn_once(run, told, sample)
   if sample.throttled and not told.cpu then
      told.cpu = true
      warn(run, "the processor's clock", sample, "heat")
   end
   for _, gpu in ipairs(sample.gpus) do
      if gpu.throttled and not told[gpu.index] then
         told[gpu.index] = true
         warn(run, ("the clock of GPU %d, %s,"):format(gpu.index, gpu.name), gpu, gpu.why)
      end
   end
end

--- The hook that samples. It keeps run.hardware = { now = the last sample, epoch = of the last epoch, total = of the run,
-- words = function that samples where it is due, and returns what hardware.words does };
-- see monitor:sample() for what is in a sample. pool and pool_peak are bytes of tensors on the run's device.
-- monitor: a stand-in for scute.monitor() in tests. interval: seconds, default 2.
function hardware.hook(monitor, interval)
   local last, told, epoch, total
   local function sample(run)
      last = scute.clock()
      local s = monitor:sample()
      local pool = scute.memory(run.device)
      s.pool, s.pool_peak = pool.live, pool.peak
      run.hardware.now = s
      add_all(epoch, s)
      add_all(total, s)
      warn_once(run, told, s)
   end
   local function sample_if_due(run)
      if scute.clock() - last >= (interval or INTERVAL) then sample(run) end
   end
   return {
      on_fit_begin = function(run)
         monitor = monitor or scute.monitor()
         last, told, epoch, total = scute.clock(), {}, {}, {}
         run.hardware = {}
         run.hardware.words = function()
            sample_if_due(run)
            return run.hardware.now and hardware.words(run.hardware.now, run.device)
         end
      end,
      on_step_end = sample_if_due,
      on_epoch_end = function(run)
         if total.n then sample_if_due(run) else sample(run) end
         -- An epoch too short for a sample of its own has that of the one before.
         run.hardware.epoch = epoch.n and settle(epoch) or run.hardware.epoch
         run.hardware.total = settle(total)
         epoch = {}
      end,
   }
end

return hardware
