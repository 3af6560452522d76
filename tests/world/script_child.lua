-- What each process does in tests/world/script.lua: what a script brings (hooks, samplers, metrics) takes part in a run.
-- Usage, several times at once: scute -l SMALL tests/world/script_child.lua PHOTOS WHAT [FOLDER]
local scute = require "scute"
local core = require "scute.core"
local world = core.world
local set = scute.data.open(arg[1], { seed = 0 })

local function fit(more, name)
   scute.manual_seed(1)
   local model = scute.models.create(name or "plain", { classes = set.classes, image_size = 32 })
   local options = { optimizer = scute.optim.sgd(model:groups { lr = 0.05 }), workers = 0, batch_size = 8, epochs = 2,
      cache_features = "off", overwrite = true, output_dir = arg[3] }
   for key, value in pairs(more) do options[key] = value end
   local result = scute.train.fit(model, set, options)
   return model, result
end

local function say(text, ...)
   if world.rank == 0 then print(text:format(...)) end
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
   say("%.6f %.6f %.6f", squares {}, squares { ordered = true }, squares({ batch_size = 19, sync_batch_norm = true }, "normed"))
end

-- The same update in one batch, in two that are accumulated, and in pieces.
function ways.pieces()
   local function in_pieces(run) run.micro = 3 end
   say("%.6f %.6f %.6f", squares {}, squares { batch_size = 4, accumulate = 2 }, (function()
      local memory = require "scute.train.memory"
      local within = memory.within
      function memory.within(run, ...)
         in_pieces(run)
         return within(run, ...)
      end
      return squares {}
   end)())
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
   local trained = 0
   local hooks = { { on_step_end = function() trained = trained + 1 end } }
   say("%s\n%d", message_of(pcall(fit, { sampler = draws_alone(1), hooks = hooks })), trained)
   say("%s\n%d", message_of(pcall(fit, { sampler = draws_alone(2), hooks = hooks })), trained)
   say("%s\n%d", message_of(pcall(fit, { sampler = other_length, hooks = hooks })), trained)
   local alike = pcall(fit, { sampler = draws_alone(9), hooks = hooks })
   say("%s", tostring(alike))
end

ways[arg[2]]()
