-- What each process does in tests/world/script.lua: what a script brings (hooks, samplers, metrics) takes part in a run.
-- Usage, several times at once: scute -l SMALL tests/world/script_child.lua PHOTOS WAY [WAY] FOLDER
local scute = require "scute"
local late = require "scute.base.late"
local memory = require "scute.train.memory"
local world = scute.world
local set = scute.data.open(arg[1], { seed = 0 })

local function fit(more, name)
   scute.manual_seed(1)
   local model = scute.models.create(name or "plain", { classes = set.classes, image_size = 32 })
   if more.freeze then model:freeze "backbone" end
   more.freeze = nil
   local options = { optimizer = scute.optim.sgd(model:groups { lr = 0.05 }), workers = 0, batch_size = 8, epochs = 2,
      cache_features = "off", overwrite = true, output_dir = arg[#arg] }
   for key, value in pairs(more) do options[key] = value end
   local result = scute.train.fit(model, set, options)
   return model, result
end

local function say(text, ...)
   if world.rank == 0 then print("> " .. text:format(...)) end
end

local function message_of(ok, why)
   return ok and "fine" or type(why) == "table" and why.message or tostring(why)
end

local ways = {}

-- The squares of all weights, which a hook adds to the loss: their sum tells how often they counted.
local function squares(more, name)
   more.hooks = { { on_backward_begin = function(run)
      for _, tensor in run.model:named_parameters() do run.loss = run.loss + (tensor * tensor):sum() * 0.5 end
   end } }
   local sum = 0
   for _, tensor in fit(more, name):named_parameters() do
      for _, value in ipairs(tensor:values()) do sum = sum + value * value end
   end
   return sum
end

-- Batches of 19 leave two photos, which are fewer than there may be processes.
function ways.terms()
   for _, case in ipairs { { {} }, { { ordered = true } }, { { batch_size = 19, sync_batch_norm = true }, "normed" } } do
      say("%.6f", squares(table.unpack(case)))
   end
end

-- The same updates of one batch, of two that are accumulated, and in pieces.
function ways.pieces()
   say("%.6f", squares {})
   say("%.6f", squares { batch_size = 4, accumulate = 2 })
   local within = memory.within
   function memory.within(run, ...)
      run.micro = 3
      return within(run, ...)
   end
   say("%.6f", squares {})
   memory.within = within
end

-- Each process draws an order of its own from the epoch `from`.
local function draws_alone(from)
   return function(epoch, _, part)
      local list = {}
      for i = 1, part.n do list[i] = (i + (epoch >= from and world.rank or 0) - 1) % part.n + 1 end
      return list
   end
end

-- Rank 1 has another number of photos.
local function other_length(_, _, part)
   local list = {}
   for i = 1, part.n + 8 * world.rank do list[i] = (i - 1) % part.n + 1 end
   return list
end

function ways.samplers()
   for _, sampler in ipairs { draws_alone(1), draws_alone(2), other_length, draws_alone(9) } do
      local trained = 0
      local count = { on_step_end = function() trained = trained + 1 end }
      local told = message_of(pcall(fit, { sampler = sampler, hooks = { count } }))
      say("%d %s", trained, told)
   end
end

-- Whether what was best until then was written, and the run is known to have failed.
local function is_rescued()
   local folder = arg[#arg] .. "/plain"
   local weights, told = io.open(folder .. "/best.safetensors"), assert(io.open(folder .. "/run.json"))
   local text = told:read "a"
   told:close()
   if weights then weights:close() end
   return weights ~= nil and text:find '"state": "failed"' ~= nil
end

-- Ranks that meet it: all, or the second one alone.
local function meets(who)
   return who == "all" or world.rank == 1
end

-- f() where steps are read late, as on a GPU.
local function read_late(f)
   local queue = late.queue
   function late.queue(...)
      local made = queue(...)
      made.late = true
      return made
   end
   f()
   late.queue = queue
end

-- The loss of features that all have is no number in the second epoch, after so many updates (3 are behind the first one).
local function loss_fails(who, after, more)
   local run = { epoch = 0 } -- the loss is tried before
   local options = { hooks = { { on_epoch_begin = function(r) run = r end } }, cache_features = "auto", freeze = true,
      loss = function(logits, y)
         local loss = logits:cross_entropy(y)
         return run.epoch == 2 and run.step >= after and meets(who) and loss * (0 / 0) or loss
      end }
   for key, value in pairs(more or {}) do options[key] = value end
   local _, why = pcall(fit, options)
   say("%s %s: %s", who, is_rescued(), message_of(false, why):gsub(" in epoch.*", ""))
end

-- A metric, and a loss: each fails in the second epoch. A loss that is read late is met behind the last update.
function ways.faults()
   local epoch
   local hooks = { { on_epoch_begin = function(run) epoch = run.epoch end } }
   for _, who in ipairs { "all", "one" } do
      epoch = nil
      local _, why = pcall(fit, { hooks = hooks, metrics = { mine = function()
         if epoch == 2 and meets(who) then error("it is broken", 0) end
         return 1
      end } })
      say("%s %s: %s", who, is_rescued(), message_of(false, why))
   end
   loss_fails("all", 3)
   loss_fails("one", 3)
   loss_fails("one", 3, { ordered = true })
   read_late(function() loss_fails("one", 5) end)
end

-- A signal that one process alone gets while features that all have are validated: all save and stop.
function ways.signals()
   local pid, run = assert(io.open "/proc/self/stat"):read "n", { epoch = 0 }
   local _, why = pcall(fit, { hooks = { { on_epoch_begin = function(r) run = r end } }, cache_features = "auto", freeze = true,
      metrics = { mine = function() return 1 end },
      loss = function(logits, y)
         if run.epoch == 2 and world.rank == 1 and not run.model.training then os.execute("kill -USR2 " .. pid) end
         return logits:cross_entropy(y)
      end })
   scute.interrupt_over()
   local saved = io.open(arg[#arg] .. "/plain/checkpoint.safetensors")
   if saved then saved:close() end
   say("%s %s, saved %s", message_of(false, why), type(why) == "table" and why.exit, saved ~= nil)
end

for i = 2, #arg - 1 do ways[arg[i]]() end
