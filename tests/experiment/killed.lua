-- An experiment for tests of kills: KILL_AT = "VARIANT RUN STEP TARGET SIGNAL" in the environment stops it in the middle, as in
-- "fast seed0 7 parent KILL", once: KILL_MARK is a file that tells of it; VARIANTS=2 leaves it with so many of them.
-- Usage: scute tests/experiment/killed.lua --data_dir ... and the flags of an experiment
local scute = require "scute"
local cli, data, models, optim, schedule, train = scute.cli, scute.data, scute.models, scute.optim, scute.schedule, scute.train
dofile "tests/lua/small.lua"

local opt = cli.parse(arg, "An experiment that is killed", cli.flags(scute.experiment.flags))
local set = data.open(opt.data_dir, data.options(opt))

-- Kills what the environment asks for, once its moment has come.
local function killer(variant, context)
   local wanted = os.getenv "KILL_AT" or ""
   local name, run, step, target, signal = wanted:match "^(%S+) (%S+) (%d+) (%S+) (%S+)$"
   return { name = "killer", on_step_end = function(state)
      if name ~= variant.name or run ~= context.run or state.step ~= math.tointeger(step) then return end
      if io.open(os.getenv "KILL_MARK") then return end
      scute.files.write(os.getenv "KILL_MARK", "killed")
      local id = target == "parent" and os.getenv "SCUTE_EXPERIMENT_PARENT" or scute.process.id()
      os.execute(("kill -%s %d"):format(signal, id))
   end }
end

local given = scute.experiment.options(opt)
given.set = set
local all = { { "slow", lr = 0.001 }, { "smooth", lr = 0.01, smoothing = 0.1 }, { "fast", lr = 0.01 } }
given.variants = { table.unpack(all, 1, tonumber(os.getenv "VARIANTS" or #all)) }
function given.run(variant, context)
   local model = models.create("small", { classes = context.set.classes })
   return train.fit(model, context.set, { optimizer = optim.adamw(model:groups { lr = variant.lr }), batch_size = 8,
      schedule = schedule.warmup_cosine { warmup = 1 }, label_smoothing = variant.smoothing, augment = "light",
      save_steps = 2, hooks = { killer(variant, context) } })
end
scute.experiment(given)
