-- Two learning rates, three seeds each: which is better, and is that more than chance? Each run is a process of its own.
-- Run it:  ./scute examples/two_learning_rates.lua --data_dir PHOTOS   where PHOTOS has a folder for each class; after a Ctrl-C
-- --resume goes on, --resume --seeds 5 adds two more seeds, and with --jobs 2 two runs go on at once
local scute = require "scute"
local cli, data, experiment, models, optim, train =
   scute.cli, scute.data, scute.experiment, scute.models, scute.optim, scute.train

local opt = cli.parse(arg, "Compare two learning rates", { cli.changed("data_dir", { required = false }),
   table.unpack(experiment.flags) })
local wanted = experiment.options(opt)
wanted.set = data.open(opt.data_dir or require("shapes").draw("shapes", 40))
wanted.budget = wanted.budget or "epochs=3"
wanted.variants = { { "fast", lr = 0.01 }, { "slow", lr = 0.0001 } }
function wanted.run(variant, context)
   local model = models.create("baseline_cnn", { classes = context.set.classes, image_size = 32, log = false })
   return train.fit(model, context.set, { optimizer = optim.adamw(model:groups { lr = variant.lr }), batch_size = 8 })
end

local trial = scute.experiment(wanted)
print(trial)
for _, row in ipairs(trial.rows) do print(("%s: accuracy %.3f in %d runs"):format(row.name, row.figure or 0, row.runs)) end
