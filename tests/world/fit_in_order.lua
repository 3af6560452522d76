-- A training script for tests/world/ordered.lua: after each epoch the first process writes a checksum of all that the run has
-- learned to --hashes. Options: the exercises', and some more.
local scute = require "scute"
local state = require "scute.train.state"
local cli, data, models, optim, schedule, train =
   scute.cli, scute.data, scute.models, scute.optim, scute.schedule, scute.train

local opt = cli.parse(arg, "Fit in order", cli.flags {
   { "hashes", text = true, resume = "free", help = "file that gets a line after each epoch" },
   { "fixed_norms", flag = true, help = "batch norms stay as they are, but for scale and shift" },
   { "stop_after", whole = true, resume = "free", help = "steps after which all processes are killed" },
})
local set = data.open(opt.data_dir, data.options(opt))
local model = models.create(opt.model, { classes = set.classes, pretrained = "none" }):to(opt.device)
if opt.fixed_norms then model:set_batch_norm "train_affine" end
if opt.freeze_backbone then model:freeze "backbone" end

-- What two runs that are the same have the same.
local function told(run)
   local values, tensors = state.take(run, run.parts)
   local names, list = {}, {}
   for name in pairs(tensors) do names[#names + 1] = name end
   table.sort(names)
   for i, name in ipairs(names) do list[i] = tensors[name] end
   local row, random = run.row, values.random
   return ("%d %d %.17g %.17g %.17g %.17g %s %d %s %d %d"):format(run.epoch, run.step, row.train_loss, row.train_accuracy,
      row.val_loss, row.val_accuracy, scute.checksum(list), #names, table.concat(random, ","), run.best.epoch,
      run.confusion.total)
end

local run = train.options(opt)
run.optimizer = optim.adamw(model:groups { lr = opt.learning_rate }, { weight_decay = opt.weight_decay })
run.schedule = schedule.warmup_cosine { warmup = opt.warmup_epochs }
run.hooks = { {
   on_step_end = function(r)
      if opt.stop_after == r.step and scute.world.rank == scute.world.size - 1 then os.execute "kill -9 $PPID" end
   end,
   on_epoch_end = function(r)
      local text = told(r)
      if scute.world.rank > 0 then return end
      local file = assert(io.open(opt.hashes, "a"))
      file:write(text, "\n")
      file:close()
   end,
} }
train.fit(model, set, run)
