-- What each process does in tests/world/reducer.lua: it trains a network, and says at the end what came out. Usage, several
-- times at once: scute tests/world/fit_child.lua PHOTOS HOW [FOLDER]
-- HOW: "memory": once more, with memory that runs out in the backward of the second process; "unfreeze": half of the network
-- thaws in the second epoch, with accumulated and clipped gradients; "slow": the second process takes minutes for a step. The
-- first process writes into FOLDER.
local scute = require "scute"
local core = require "scute.core"
local world = core.world
local Wide = dofile "tests/lua/wide.lua"
scute.models.register("wide", Wide)

-- A limit is for a backward alone.
local features = Wide.features
function Wide:features(x)
   scute.memory_limit(0)
   return features(self, x)
end

local folder, how, output = arg[1], arg[2], arg[3]

-- Small buckets; how many are made, and how often a window is watched again that has begun already.
local again, reducers, make = 0, 0, world.reducer
function world.reducer(list)
   local reducer = make(list, 64)
   reducers = reducers + 1
   return setmetatable({}, { __index = function(_, name)
      return function()
         if name == "watch" and reducer:begun() > 0 then again = again + 1 end
         return reducer[name](reducer)
      end
   end })
end

local function fit(hook, epochs, more)
   scute.manual_seed(1)
   local set = scute.data.open(folder, { seed = 0 })
   local model = Wide(set.classes)
   local options = { optimizer = scute.optim.sgd(model:groups { lr = 0.05 }), workers = 1, batch_size = 8, epochs = epochs,
      hooks = { hook }, output_dir = output }
   for name, value in pairs(more or {}) do options[name] = value end
   scute.train.fit(model, set, options)
   return model
end

local function weights(model)
   local values = {}
   for _, tensor in model:named_parameters() do
      for _, value in ipairs(tensor:values()) do values[#values + 1] = ("%.9g"):format(value) end
   end
   return values
end

local ways = {}

-- The first attempt of the second step finds no memory, nor does the second one, after a collection; so the photos are halved.
function ways.memory()
   local plain = weights(fit({}, 1))
   local tries, micro = 0, nil
   local model = fit({
      on_backward_begin = function(run)
         if world.rank ~= 1 or run.step ~= 1 then return end
         tries = tries + 1
         if tries > 2 then return end
         collectgarbage()
         scute.flush()
         scute.memory_limit(scute.memory().live + 100000) -- less than the gradient of a map
      end,
      on_step_end = function(run) micro = run.micro end,
   }, 1)
   scute.memory_limit(0)
   local most = 0
   for i, value in ipairs(weights(model)) do most = math.max(most, math.abs(tonumber(value) - tonumber(plain[i]))) end
   print(("rank %d: tries %d, again %d, micro %s, %s"):format(world.rank, tries, again, tostring(micro),
      most < 2e-6 and "near" or "off by " .. most))
end

function ways.unfreeze()
   local model = fit({}, 3, { unfreeze = "head,stem@2", cache_features = "off", accumulate = 2, clip_norm = 0.05 })
   if world.size > 1 then assert(reducers == 2, reducers) end
   if world.rank == 0 then print(table.concat(weights(model), " ")) end
end

-- Its clock jumps: no machine is so busy that this would not be seen, and nobody has to wait for it.
function ways.slow()
   local clock, slept = core.clock, 0
   function core.clock() return clock() + slept end
   fit({ on_step_begin = function()
      if world.rank == 1 then slept = 600 end
   end }, 2)
end

ways[how]()
