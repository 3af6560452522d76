-- All parts of one's own: head, metric, sampler, schedule, augmentation and optimizer.
local scute = require "scute"
require "own_head"
local cli, data, models, optim, train = scute.cli, scute.data, scute.models, scute.optim, scute.train
local opt = cli.parse(arg, "Parts of one's own", cli.common)

local lion = optim.define {
   name = "lion", defaults = { lr = 1e-4, beta1 = 0.9, beta2 = 0.99 }, state = { "momentum" },
   update = function(parameter, gradient, state, group)
      local along = state.momentum * group.beta1 + gradient * (1 - group.beta1)
      state.momentum = state.momentum * group.beta2 + gradient * (1 - group.beta2)
      local sign = along:gt(0):to "f32" - along:lt(0):to "f32"
      return parameter * (1 - group.lr * group.weight_decay) - sign * group.lr
   end,
}

local state
local careful = { name = "careful",
   factor = function(step) return state.share / math.sqrt(step) end,
   reset = function() state = { share = 1, lowest = math.huge } end,
   observe = function(row)
      if row.val_loss > state.lowest then state.share = state.share / 2 end
      state.lowest = math.min(state.lowest, row.val_loss)
   end,
   save = function() return state end, load = function(saved) state = saved end }

-- Of each class as many photos as the smallest has.
local function few(_, draw, part)
   local all, count, taken, chosen = {}, {}, {}, {}
   for i, class in ipairs(part.labels) do all[i], count[class] = i, (count[class] or 0) + 1 end
   for _, i in ipairs(draw:shuffle(all)) do
      local class = part.labels[i]
      taken[class] = (taken[class] or 0) + 1
      if taken[class] <= math.min(table.unpack(count)) then chosen[#chosen + 1] = i end
   end
   return chosen
end

local function sureness(seen) return seen.probabilities:max(2):mean():item() end
local function exposure(x, draw) return x * draw:uniform(0.8, 1.2) end

local set = data.open(opt.data_dir, data.options(opt))
local model = models.create("own", { classes = set.classes })
local run = train.options(opt)
run.optimizer = lion(model:groups { lr = opt.learning_rate }, { weight_decay = 0.1 })
run.schedule, run.sampler, run.augment = careful, { name = "few", indices = few }, { "light", exposure }
run.metrics, run.best_by = { "f1", sureness = sureness }, "f1"
local result = train.fit(model, set, run)
print(("f1 %.4f, of %d answers"):format(result.best.f1, #result.answers))
