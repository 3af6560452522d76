-- One run of a small network, in a process of its own that may be killed at any moment.
-- Usage: scute tests/resume/child.lua KIND DATA OUTPUT [resume] [save_steps]
-- From the environment: THREADS, how many compute (1); EVENTS, as "STEP COMMAND;...", says which line of shell is run after
-- which step ($PPID is the run).
local scute = require "scute"
local Tiny = dofile(debug.getinfo(1, "S").source:match "^@(.*/)" .. "tiny.lua")

local kind, data, output, resume, save_steps = table.unpack(arg)
scute.threads(tonumber(os.getenv "THREADS") or 1)
scute.manual_seed(5)
require("scute.base.console").quiet = os.getenv "LOUD" == nil

local set = scute.data.open(data, { seed = 0 })
local model = Tiny(set.classes)
local options = { epochs = 4, batch_size = 4, output_dir = output, workers = 1, seed = 3,
   resume = resume ~= "" and resume or nil, save_steps = tonumber(save_steps) }

local function rates(lr)
   return model:groups { lr = lr }
end

-- What is different from run to run: kinds of feeds, optimizers and schedules, so that each has a state to lose.
local kinds = {
   all = function() -- everything trains, updates of three batches, augmentation, an average beside
      options.optimizer = scute.optim.adamw(rates { backbone = 0.005, head = 0.02 }, { weight_decay = 0.1 })
      options.schedule = scute.schedule.warmup_cosine { warmup = 1.5, epochs = 4 }
      options.accumulate, options.ema, options.clip_norm, options.label_smoothing = 3, 0.9, 1, 0.1
      options.augment = { horizontal_flip = 0.5 }
      options.mixup = 0.2
   end,
   cached = function() -- a frozen backbone, features computed once
      model:freeze "backbone"
      options.optimizer = scute.optim.sgd(rates(0.05), { momentum = 0.9, nesterov = true })
      options.epochs, options.early_stop = 12, 9
   end,
   frozen = function() -- the same without the cache
      model:freeze "backbone"
      options.optimizer = scute.optim.rmsprop(rates(0.01), { momentum = 0.5 })
      options.cache_features = "off"
   end,
   progressive = function() -- the head first, then the rest: the cache gives way to photos
      options.epochs = 6
      options.unfreeze = require("scute.train.unfreeze").plan(model, "head,body@3,stem@5", { epochs = 6, warmup = 2 })
      options.optimizer = scute.optim.adam(rates(0.01))
   end,
}
kinds[kind]()

local events = {}
for step, command in ((os.getenv "EVENTS" or "") .. ";"):gmatch "(%d+) ([^;]+);" do events[tonumber(step)] = command end
options.hooks = { { on_step_end = function(run)
   if events[run.step] then io.popen(events[run.step]):close() end -- os.execute would ignore SIGINT meanwhile
end } }
scute.train.fit(model, set, options)
