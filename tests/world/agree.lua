-- What each of two processes does in tests/world/training.lua, of which the second one alone has something to say: a hook's
-- reasons, a loss that is no number, steps that are read late as on a GPU, photos that cannot be read. Usage, twice
-- at once, where there is PHOTOS_broken, too: scute -l SMALL tests/world/agree.lua PHOTOS OUTPUT
local scute = require "scute"
local late = require "scute.base.late"
local rank = scute.world.rank
local set = scute.data.open(arg[1], { seed = 0 })

local function fit(more, is_frozen)
   scute.manual_seed(1)
   local model = scute.models.create("plain", { classes = set.classes })
   if is_frozen then model:freeze "backbone" end
   local options = { optimizer = scute.optim.adamw(model:groups { lr = 0.003 }), epochs = 3, batch_size = 8, workers = 0,
      overwrite = not more.resume, output_dir = arg[2] }
   for name, value in pairs(more) do options[name] = value end
   return scute.train.fit(model, set, options)
end

local said = {}

-- A hook of the second process.
local skipped
local result = fit { hooks = { {
   on_backward_end = function(run)
      if rank == 1 and run.step == 1 and run.skipped == 0 then run.skip = "a photo that it knows" end
   end,
   on_step_end = function(run) skipped = run.last.skipped or skipped end,
   on_epoch_end = function(run)
      if rank == 1 and run.epoch == 2 then run.stopped = "its own clock" end
   end,
} } }
said[1] = ("%s after %d, without %s"):format(result.stopped, #result.history, tostring(skipped))

-- A metric that each process finds another number for.
result = fit { metrics = { mine = function() return rank + 0.25 end }, best_by = "mine", hooks = {} }
said[2] = ("mine %g"):format(result.history[3].mine)

-- Whether what was best until then was written.
local function is_rescued()
   local weights, told = io.open(arg[2] .. "/plain/best.safetensors"), assert(io.open(arg[2] .. "/plain/run.json"))
   local text = told:read "a"
   told:close()
   if weights then weights:close() end
   return weights ~= nil and text:find '"state": "failed"' ~= nil
end

-- The loss of the second process, at once and, as a GPU has it, late.
local queue = late.queue
for at = 3, 4 do
   local epoch = 0
   local fine, why = pcall(fit, { hooks = { { on_epoch_begin = function(run) epoch = run.epoch end } },
      loss = function(logits, y)
         local loss = logits:cross_entropy(y)
         return rank == 1 and epoch == 2 and loss * (0 / 0) or loss
      end })
   said[at] = ("%s, rescued %s: %s"):format(tostring(fine), tostring(is_rescued()), tostring(type(why) == "table"
      and why.message or why):gsub(" in epoch.*", ""))
   late.queue = function(...)
      local made = queue(...)
      made.late = true
      return made
   end
end
result = fit { save_steps = 2, save_every = 1e-6 }
said[5] = ("late %d"):format(#result.history)
late.queue = queue

-- Photos that one of them could not read are known behind a checkpoint in the middle of an epoch.
set = scute.data.open(arg[1] .. "_broken", { seed = 0 })
local whole = fit {}
local fine = pcall(fit, { save_steps = 1, hooks = { { on_step_end = function(run) assert(run.step < 2) end } } })
local again = fit { save_steps = 1, resume = "auto" }
said[6] = ("%s, the same %s"):format(tostring(fine), tostring(whole.history[3].train_loss == again.history[3].train_loss))

-- Features of a frozen backbone are known to all of them, and a batch is not shared out.
set = scute.data.open(arg[1], { seed = 0 })
said[7] = ("batches of one: %d"):format(fit({ batch_size = 1, epochs = 1 }, true).history[1].step)
print(("%d: %s"):format(rank, table.concat(said, "; ")))
