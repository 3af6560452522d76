-- One run of a real backbone with all that has a state, in a process of its own that may be killed at any moment: groups join
-- one after the other with a warmup, updates of two batches, mixup, a moving average, bfloat16 where the CPU computes in it.
-- Usage: scute tests/resume/backbone.lua MODEL DATA OUTPUT [resume] [save_steps]
local scute = require "scute"
local models, optim, train = scute.models, scute.optim, scute.train

local name, data, output, resume, save_steps = table.unpack(arg)
scute.manual_seed(7)
require("scute.base.console").quiet = os.getenv "LOUD" == nil

local set = scute.data.open(data, { seed = 0 })
local model = models.create(name, { classes = set.classes, image_size = 64 })
local groups = {}
for i, group in ipairs(model:group_paths()) do groups[i] = group[1] end
local plan = ("head,%s@2,%s@3"):format(groups[#groups - 1], groups[#groups - 2])

train.fit(model, set, {
   unfreeze = train.unfreeze.plan(model, plan, { epochs = 4, warmup = 2 }),
   optimizer = optim.adamw(model:groups { lr = { backbone = 1e-3, head = 1e-2 }, weight_decay = { head = 0.1 } }),
   schedule = scute.schedule.warmup_cosine { warmup = 1.5, epochs = 4 },
   epochs = 4, batch_size = 4, accumulate = 2, mixup = 0.2, label_smoothing = 0.1, ema = 0.9, clip_norm = 5,
   augment = scute.augment.preset "light", precision = scute.computes("cpu", "bf16") and "bf16" or "fp32",
   output_dir = output, seed = 3, workers = 2, resume = resume ~= "" and resume or nil, save_steps = tonumber(save_steps),
})
