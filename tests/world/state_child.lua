-- What each of two processes does in tests/world/state.lua: runs in which one of them has something for itself, and whether
-- they go on as if they had not stopped. Usage, twice at once: scute -l SMALL tests/world/state_child.lua PHOTOS OUTPUT
local scute = require "scute"
local nn = scute.nn
local rank = scute.world.rank
local set = scute.data.open(arg[1], { seed = 0 })
local said = {}

scute.models.register("drops", function(classes)
   return nn.Sequential { nn.Conv2d { 3, 8, 3, stride = 4 }, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
      nn.Sequential { nn.Dropout(0.4), nn.Linear { 8, #classes } } }
end, { image_size = 32 })

local function say(text, ...)
   said[#said + 1] = text:format(...)
end

-- Two epochs of three steps. Returns the loss of the last one, and a checksum of the weights.
local function fit(name, more, is_frozen)
   scute.manual_seed(1)
   local model = scute.models.create(name, { classes = set.classes, image_size = 32 })
   if is_frozen then model:freeze "backbone" end
   local options = { optimizer = scute.optim.sgd(model:groups { lr = 0.05 }), epochs = 2, batch_size = 8, workers = 0,
      cache_features = is_frozen and "auto" or "off" }
   for key, value in pairs(more) do options[key] = value end
   local result, list = scute.train.fit(model, set, options), {}
   local state = model:state_dict()
   for i, key in ipairs(state.names) do list[i] = state.tensors[key] end
   return ("%.17g %s"):format(result.history[#result.history].train_loss, scute.checksum(list))
end

local function message(ok, why)
   return ok and "fine" or type(why) == "table" and why.message or tostring(why)
end

-- Whether a run that ends in the middle of the second epoch and goes on comes to what a whole one does. make(): a hook, and a
-- function that tells what it has counted, or nil.
local function resumes(what, name, make, is_frozen)
   local folder, ends = ("%s/%s"):format(arg[2], what), {}
   local function with(more, last)
      local hook, counted = make()
      more.hooks = { hook, { on_step_end = function(run)
         if run.step == last then error("enough", 0) end
      end } }
      local found = fit(name, more, is_frozen)
      ends[#ends + 1] = found .. (counted and counted() or "")
   end
   with {}
   say("%s %s", what, message(pcall(with, { output_dir = folder, overwrite = true, save_steps = 1 }, 5)))
   with { output_dir = folder, resume = "auto" }
   say("%s", ends[1] == ends[2] and "the same" or table.concat(ends, " and "))
end

-- As if memory had run out in the second process.
resumes("pieces", "normed", function()
   return { on_step_end = function(run)
      if rank == 1 and run.step == 1 then run.micro = 2 end
   end }
end)

-- The first process alone draws, and each counts something else, by itself and in a layer.
local function draws_alone()
   local count, model = 0, nil
   local function alone()
      if rank == 0 then scute.rand(1) end
   end
   return { name = "counts", save = function() return { count = count } end, load = function(_, saved) count = saved.count end,
      on_epoch_begin = function(run) return run.epoch == 1 and alone() end, on_epoch_end = alone, on_step_end = function(run)
         alone()
         count = count + rank
         model = run.model
         rawset(model, "counts", (rawget(model, "counts") or 0) + rank)
      end }, function() return (" %d %d"):format(count, rawget(model, "counts")) end
end
resumes("draws", "drops", draws_alone)
resumes("features", "drops", draws_alone, true)

-- How often a loss is called while it validates, and where it may have a state.
local calls = 0
local Loss = { name = "growing" }
local own = setmetatable(Loss, { __call = function(_, logits, y)
   calls = calls + (logits.requires_grad and 0 or 1)
   return logits:cross_entropy(y)
end })
fit("plain", { loss = own })
say("%d calls", calls)
function Loss.save() return { calls = calls } end
function Loss.load(_, saved) calls = saved.calls end
say("%s", message(pcall(fit, "plain", { loss = own })))
say("frozen: %s", message(pcall(fit, "drops", { loss = own }, true)))

-- What is spoilt in the second process alone.
say("%s", message(pcall(fit, "plain", { ema = 0.9, hooks = { { on_step_end = function(run)
   local _, average = next(run.average.tensors)
   if rank == 1 then average:fill_(0) end
end } } })))
say("%s", message(pcall(fit, "plain", { hooks = { { name = "mine", load = function() end, save = function()
   return {}, { own = scute.full({ 1 }, rank) }
end } } })))

-- A hook that has nothing to tell before it has seen the end of an epoch.
local last
say("%s", message(pcall(fit, "plain", { save_steps = 4, hooks = { { name = "mine", load = function() end,
   save = function() return { loss = last.val_loss } end, on_epoch_end = function(run) last = run.row end } } })))

-- Memory that is short where each process computes whole batches of features: in all of them, or in the second one alone.
for first = 0, 1 do
   local took
   local ok, why = pcall(fit, "drops", { loss = function(logits, y)
      if rank >= first and y:numel() > 4 and logits.requires_grad then
         scute.memory_limit(1)
         local _, short = pcall(scute.zeros, 1000, 1000)
         scute.memory_limit(0)
         error(short, 0)
      end
      return logits:cross_entropy(y)
   end, hooks = { { on_step_end = function(run) took = run.micro end } } }, true)
   say("%s: %s", took, message(ok, why))
end
print(("%d: %s"):format(rank, table.concat(said, " | ")))
