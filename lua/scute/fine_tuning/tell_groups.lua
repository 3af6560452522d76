-- What --list_groups prints: the groups of a model as they stand in the first epoch, and when each joins.
local console = require "scute.base.console"
local unfreeze = require "scute.train.unfreeze"

-- opt: the command line; rates: function(opt, model) that gives the learning rate by group; about: words behind "epoch".
return function(model, opt, rates, about)
   local plan = unfreeze.plan(model, opt.unfreeze, { epochs = opt.epochs, batch_norm = opt.batch_norm })
   plan:apply(model, 1)
   local by_group = rates(opt, model)
   console.print(("%s, in the first epoch%s:\n%s\n"):format(model.arch, about or "", model:groups { lr = by_group }))
   console.print(tostring(plan:timeline(by_group)))
   for _, warning in ipairs(plan.warnings) do console.warn("%s", warning) end
end
