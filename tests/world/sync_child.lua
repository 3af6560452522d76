-- What each process does in tests/world/sync.lua: it trains a network with batch norm over the photos of all processes, however
-- that is asked for, looks for a learning rate, mixes photos, and says what came out. Usage, once or several times at once:
-- scute -l SYNC_MODELS tests/world/sync_child.lua PHOTOS
local scute = require "scute"
local mix = require "scute.train.mix"

local function norms(model)
   local list = {}
   for _, module in model:named_modules() do list[#list + 1] = module.class_name == "BatchNorm2d" and module or nil end
   return list
end

local function set_all(model, field, value)
   for _, norm in ipairs(norms(model)) do norm[field] = value end
end

-- Options of train.fit and train.lr_find, with a model that prepare() has had.
local function begin(prepare, more)
   scute.manual_seed(1)
   local set = scute.data.open(arg[1], { seed = 0 })
   local model = scute.models.create("normed", { classes = set.classes })
   prepare(model)
   local options = { optimizer = scute.optim.sgd(model:groups { lr = 0.05 }), workers = 0, precision = "fp32" }
   for name, value in pairs(more) do options[name] = value end
   return model, set, options
end

-- The loss of the last epoch, and a checksum of all that was learned. Of 21 photos the last batch has two.
local function fit(prepare, more)
   local model, set, options = begin(prepare, more)
   options.epochs, options.batch_size = 2, options.batch_size or 19
   local result = scute.train.fit(model, set, options)
   local state, list = model:state_dict(), {}
   for i, name in ipairs(state.names) do list[i] = state.tensors[name] end
   return result.history[2].train_loss, scute.checksum(list), model
end

local function keep() end
local loss, bits = fit(keep, { sync_batch_norm = true })

-- Layers that the script makes synchronised, which stay so; frozen ones that thaw while an epoch trains.
local _, own, model = fit(function(made) set_all(made, "synchronised", true) end, {})
local stays = true
for _, norm in ipairs(norms(model)) do stays = stays and norm.synchronised == true end
local _, thawed = fit(function(made) set_all(made, "fixed", true) end, { sync_batch_norm = true, hooks = { {
   on_step_begin = function(run) set_all(run.model, "fixed", false) end,
} } })

-- What a frozen backbone says of photos is known to each process, which has whole batches.
local still = fit(function(made)
   set_all(made:freeze "backbone", "synchronised", true)
end, { sync_batch_norm = true })

local found = scute.train.lr_find(begin(keep, { sync_batch_norm = true, batch_size = 8, steps = 10, highest = 0.1 }))

-- Photos that are mixed with themselves, as nobody has another one.
local up, alone = mix.up, 0
function mix.up(x, y, share)
   if x.shape[1] == 1 then alone = alone + 1 end
   return up(x, y, share)
end
local function fix(made) made:set_batch_norm "train_affine" end
fit(fix, { mixup = 1, batch_size = 4 })
fit(fix, { mixup = 1, batch_size = 4, ordered = true })

print(("%.9g %.9g %.9g, own %s, stays %s, thawed %s, alone %d"):format(loss, still, found.points[10].loss, own == bits, stays,
   thawed == bits, alone))
