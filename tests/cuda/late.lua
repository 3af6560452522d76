-- Training on a GPU reads losses and guesses one update late. What that must not change: any number, overflows that leave
-- updates out, the message of a loss that is no number, a run that goes on from a checkpoint. And it must be late.
-- Usage: scute tests/cuda/late.lua [DEVICE]
local scute = require "scute"
local late = require "scute.base.late"
local optim, train = scute.optim, scute.train
local here = arg[0]:match "^(.*)/" or "."
local photos = dofile(here .. "/../cli/photos.lua")

local device = arg[1] or "cuda"
local tally = dofile "tests/tally.lua"
local check = tally.check
require("scute.base.console").quiet = true
scute.deterministic(true)

local folder = os.tmpname()
os.remove(folder)
photos.set(folder .. "/photos", { blue = 12, red = 12 }) -- 20 train, 4 validate

local Tiny = dofile(here .. "/tiny.lua")

local function fit(options)
   scute.manual_seed(5)
   local set = scute.data.open(folder .. "/photos", { seed = 0 })
   local model = Tiny(set.classes):to(device)
   options.optimizer = optim.adamw(model:groups { lr = 0.02 })
   options.device, options.workers, options.batch_size, options.seed = device, 1, 4, 3
   options.epochs = options.epochs or 2
   return train.fit(model, set, options), model
end

-- f() with all numbers read at once, as on the CPU.
local function promptly(f)
   local own = late.queue
   late.queue = function(where, read) return own(where, read, true) end
   local results = table.pack(pcall(f))
   late.queue = own
   assert(results[1], results[2])
   return table.unpack(results, 2, results.n)
end

-- ---- the same numbers ----

-- All that a run ends with, as text: what its history and its last update say, and weights.
local function outcome_of(options)
   local parts, state = {}, nil
   local function put(...)
      for _, value in ipairs { ... } do parts[#parts + 1] = ("%.17g"):format(value) end
   end
   options.hooks = options.hooks or {}
   table.insert(options.hooks, { on_epoch_end = function(run) state = run end })
   local result, model = fit(options)
   for _, row in ipairs(result.history) do
      put(row.step, row.train_loss, row.train_accuracy, row.val_loss, row.val_accuracy, row.ema_val_loss or 0)
      for _, photo in ipairs(row.worst or {}) do put(photo.loss, photo.probability) end
   end
   put(state.step, state.skipped, state.last.loss, state.last.grad_norm or 0)
   for _, tensor in model:named_parameters() do put(table.unpack(tensor:values())) end
   for _, count in pairs(state.optimizer.steps) do put(count) end
   return table.concat(parts, " "), state
end

-- The scale of a float16 run is too high for the first updates, and with `again` for some in the middle.
local function overflowing(again)
   return {
      on_fit_begin = function(run)
         if run.step == 0 and run.skipped == 0 then run.scaler.scale:fill_(2 ^ 24) end
      end,
      on_step_begin = function(run)
         if not again or run.step ~= 5 then return end
         run.scaler.scale:fill_(2 ^ 24)
         again = false
      end,
   }
end

local kinds = {
   plain = function() return {} end,
   ["with all there is"] = function()
      return { accumulate = 2, clip_norm = 0.5, clip_value = 0.3, ema = 0.9, label_smoothing = 0.1, mixup = 0.2,
         augment = { horizontal_flip = 0.5 }, schedule = scute.schedule.warmup_cosine { warmup = 1, epochs = 2 } }
   end,
   ["in bfloat16"] = function() return { precision = "bf16", clip_norm = 1 } end,
   ["in float16, overflowing"] = function()
      return { precision = "fp16", clip_norm = 1, ema = 0.5, schedule = scute.schedule.linear(), epochs = 6,
         hooks = { overflowing(true) } }
   end,
   ["in float16, a hook leaving out updates"] = function()
      return { precision = "fp16", epochs = 3, hooks = { overflowing(), { on_backward_end = function(run)
         if run.step == 3 and run.skipped < 25 then run.skip = "odd" end
      end } } }
   end,
}

for name, options in pairs(kinds) do
   local found, state = outcome_of(options())
   local expected = promptly(function() return (outcome_of(options())) end)
   check(found == expected, "the same numbers, " .. name, found .. "\n instead of\n" .. expected)
   check(not name:find "overflow" or state.skipped > 2 and state.step > 2, "updates overflow, " .. name,
      state.skipped .. " of " .. state.step)
end

-- ---- late ----

-- The photos that are counted at the events of each update, and how often the program waited for values in the middle.
local function watch()
   local seen, waits = {}, 0
   local function waited()
      local _, counts = scute.syncs()
      return counts["values read"] or 0
   end
   local from
   fit { clip_norm = 1, ema = 0.9, epochs = 2, hooks = { {
      on_epoch_begin = function() seen = {} end,
      on_backward_begin = function(run) seen[#seen + 1] = { within = run.mean.weight } end,
      on_step_end = function(run)
         seen[#seen].after = run.mean.weight
         if #seen > 1 then waits = waits + waited() - from end
         from = waited()
      end,
      on_epoch_end = function(run) seen.epoch = run.mean.weight end,
   } } }
   return seen, waits
end

local function counts_of(seen, field)
   local list = {}
   for i, update in ipairs(seen) do list[i] = ("%d"):format(update[field]) end
   return table.concat(list, " ")
end

-- Five updates of 4 photos. The first is read at once, so that there is something to tell.
local seen, waits = watch()
check(counts_of(seen, "within") == "0 4 4 8 12" and counts_of(seen, "after") == "4 4 8 12 16" and seen.epoch == 20,
   "updates are counted while the next is under way", counts_of(seen, "within") .. ", " .. counts_of(seen, "after"))
check(waits == 0, "nothing is waited for within an epoch", waits)
local at_once, many = promptly(watch)
check(counts_of(at_once, "after") == "4 8 12 16 20" and many >= 8, "which read at once would be",
   counts_of(at_once, "after") .. ", " .. many)

-- A batch is uploaded while the step of the one before it is under way, so that it is there when its own step begins.
local plugins = os.getenv "SCUTE_PLUGINS"
if plugins then
   package.cpath = plugins .. "/?.so;" .. package.cpath
   local softgpu = require "softgpu"
   local upload = require "scute.data.upload"
   local to, under_way = upload.to, {}
   upload.to = function(...)
      local made = to(...)
      local bring = made.bring
      made.bring = function(...)
         under_way[#under_way + 1] = softgpu.pending() > 20 and "yes" or "no"
         return bring(...)
      end
      return made
   end
   fit { epochs = 1 }
   upload.to = to
   local found = table.concat(under_way, " ")
   check(found:find "^%a+ yes yes yes yes ", "uploads are one batch ahead", found)
end

-- Features of a frozen backbone stay on the device, and nothing is asked of it while they are computed.
local before, copies
local function copies_so_far()
   return plugins and require("softgpu").calls "cudaMemcpyAsync" or 0
end
fit { hooks = { {
   on_fit_begin = function(run)
      run.model:freeze "backbone"
      scute.syncs "reset"
      copies = copies_so_far()
   end,
   on_step_begin = function()
      if not before then before, copies = select(2, scute.syncs()), copies_so_far() - copies end
   end,
} } }
local asked = {}
for what, times in pairs(before) do asked[#asked + 1] = what .. " " .. times end
check(#asked == 0, "computing features waits for nothing", table.concat(asked, ", "))
-- Two batches of 16 photos train and one validates: photos and classes of each, mean and deviation of the pixels for both, rows
-- and classes of the first step. So nothing comes back.
if plugins then check(copies == 2 * 3 + 2 * 2 + 2, "computing features copies what it needs to the device alone", copies) end

-- ---- a loss that is no number ----

local function message_of(precision)
   local weights
   local ok, why = pcall(fit, { precision = precision, hooks = { {
      on_step_begin = function(run)
         if run.step ~= 2 then return end
         scute.no_grad(function() run.model:get("conv").weight:fill_(1e38) end) -- a few times that is infinite
      end,
      on_fit_end = function(run) weights = run.model:get("fc").weight:values() end,
   } } })
   local finite = not ok
   for _, value in ipairs(weights) do finite = finite and value == value end
   return tostring(not ok and type(why) == "table" and why.message or why), finite
end

for _, precision in ipairs { "fp32", "bf16", "fp16" } do
   local found, finite = message_of(precision)
   local expected = promptly(function() return (message_of(precision)) end)
   check(found:find("step 3: the first output that is not finite is that of ", 1, true) ~= nil and found == expected,
      "a loss that is no number, " .. precision, found .. "\n instead of\n" .. expected)
   check(finite, "a loss that is no number moves no weight, " .. precision)
end

-- ---- going on ----

for _, precision in ipairs { "fp32", "fp16" } do
   local function options(name)
      return { precision = precision, output_dir = folder .. "/" .. name .. precision, epochs = 3, ema = 0.9, clip_norm = 1,
         save_steps = 1, hooks = { precision == "fp16" and overflowing() or nil } }
   end
   local expected = outcome_of(options "whole")
   for _, stop in ipairs { 1, 3, 7 } do
      local broken, calls = options("part" .. stop), 0
      table.insert(broken.hooks, { on_step_begin = function()
         calls = calls + 1
         if calls > stop then error("stopped here", 0) end
      end })
      local ok, why = pcall(fit, broken)
      check(not ok and tostring(why):find "stopped here", "a run that breaks off", why)
      local rest = options("part" .. stop)
      rest.resume = "auto"
      local found = outcome_of(rest)
      check(found == expected, ("going on after %d updates, %s"):format(stop, precision),
         found .. "\n instead of\n" .. expected)
   end
end

os.execute(("rm -rf '%s'"):format(folder))
tally.finish()
