-- Training: one loop over epochs and steps; everything around it is a hook or a part of its own (lua/scute/train/).
--
--    train.fit(model, set, { optimizer = optim.adamw(model:groups { lr = 0.003 }), epochs = 10, output_dir = "models" })
local scute = require "scute"
local console = require "scute.base.console"
local metrics = require "scute.metrics"
local report = require "scute.report.text"
local schedule = require "scute.schedule"
local draw = require "scute.data.draw"
local average = require "scute.train.average"
local board = require "scute.train.board"
local checkpoint = require "scute.train.checkpoint"
local criterion = require "scute.train.criterion"
local events = require "scute.train.events"
local features = require "scute.train.features"
local hardware = require "scute.train.hardware"
local hooks = require "scute.train.hooks"
local late = require "scute.train.late"
local lr_find = require "scute.train.lr_find"
local option_ranges = require "scute.train.options"
local outlook = require "scute.train.outlook"
local photos = require "scute.train.photos"
local precision = require "scute.train.precision"
local progress = require "scute.train.progress"
local record = require "scute.train.record"
local snapshot = require "scute.train.snapshot"
local stopping = require "scute.train.stopping"
local unfreeze = require "scute.train.unfreeze"
local update = require "scute.train.update"
local worst = require "scute.train.worst"

local train = { unfreeze = unfreeze }

-- ---- options ----

local defaults = {
   epochs = 10, batch_size = 32, seed = 0, workers = 2, early_stop = 0, device = "cpu", cache_features = "auto",
   on_bad_image = "skip", hooks = {}, arguments = {}, accumulate = 1, label_smoothing = 0, mixup = 0, cutmix = 0, keep = 2,
   save_every = 10, precision = "fp32",
}
local without_default = { "optimizer", "schedule", "output_dir", "unfreeze", "augment", "ema", "clip_norm", "clip_value",
   "resume", "save_steps", "loss", "tensorboard" }

local function check_arguments(what, model, set, options)
   local function expect(good, text, found)
      if not good then error(("%s: expected %s, found %s"):format(what, text, console.brief(found)), 4) end
   end
   expect(type(model) == "table" and model.named_parameters, "a model of scute.models", model)
   expect(type(set) == "table" and set.train and set.val, "photos as data.open returns them", set)
   expect(type(options) == "table", "a table of options", options)
end

-- more: names that the nearest one may be of as well.
local function read_options(options, what, more)
   local known, run = { table.unpack(without_default) }, {}
   for name, value in pairs(defaults) do
      known[#known + 1] = name
      run[name] = value
   end
   for name in pairs(more or {}) do known[#known + 1] = name end
   table.sort(known)
   for name, value in pairs(options) do
      local found = false
      for _, other in ipairs(known) do found = found or other == name end
      if not found then
         local nearest = scute.nearest(tostring(name), known)
         error(("%s: unknown option '%s'%s"):format(what, name, nearest and (", did you mean '%s'?"):format(nearest)
            or "; expected " .. table.concat(known, ", ")), 3)
      end
      run[name] = value
   end
   if not run.optimizer then error(what .. ": option 'optimizer' is missing", 3) end
   option_ranges.check(run, what, 3)
   run.device = scute.device(run.device)
   run.schedule = run.schedule or schedule.constant()
   if type(run.schedule) == "function" then run.schedule = schedule.custom(run.schedule) end
   criterion.read(run)
   return run
end

-- ---- hooks ----

local schedule_hook = {
   name = "schedule",
   sets_rates = true,
   save = function(run) return run.schedule.save and run.schedule.save() or {} end,
   load = function(run, state)
      if run.schedule.load then run.schedule.load(state) end
   end,
   on_step_begin = function(run)
      run.optimizer:scale_lr(run.schedule.factor {
         step = run.step, steps_per_epoch = run.feed.steps, epochs = run.epochs,
      })
   end,
   on_epoch_end = function(run)
      if run.schedule.observe then run.schedule.observe(run.row) end
   end,
}

-- All hooks of a run, in the order in which they are called.
local function all_hooks(run)
   hooks.check(run.hooks)
   local list = { record.hook, checkpoint.restorer, schedule_hook, outlook.hook, stopping.hook(run.early_stop),
      hardware.hook(), events.hook(), progress.hook() }
   if run.unfreeze then table.insert(list, 4, unfreeze.hook) end -- its warmup scales what the schedule has set
   if run.average then table.insert(list, average.hook) end
   if run.tensorboard then table.insert(list, board.hook()) end
   if run.scaler then table.insert(list, 1, precision.hook(run)) end -- an update that it leaves out is none for the others
   table.move(run.hooks, 1, #run.hooks, #list + 1, list)
   list[#list + 1] = checkpoint.hook -- the last, so that it saves what the others did
   hooks.check(list)
   return list
end

-- ---- one epoch ----

-- What a generic for wants of an iterator, as one value that closes what belongs to it.
local function iterator(f, _, _, closing)
   return setmetatable({}, { __call = function() return f() end,
      __close = function() if closing then getmetatable(closing).__close(closing) end end })
end

-- One update of the weights; `done` batches of the epoch are behind afterwards.
local function step(run, window, done)
   hooks.call(run, "on_step_begin")
   update.run(run, window)
   run.position = { epoch = run.epoch, batches = done, whole = false }
   hooks.call(run, "on_step_end")
end

local function train_epoch(run)
   run.model:train()
   local skip = checkpoint.done(run)
   if not skip then run.confusion, run.mean = metrics.confusion(run.set.classes), metrics.mean() end
   checkpoint.know_bad(run, "epoch")
   run.epoch_bad = #run.bad
   run.unread = update.queue(run)
   local window, behind = {}, skip
   local next_batch <close> = iterator(run.feed.train(run.epoch, skip))
   checkpoint.know_bad(run, "now")
   for x, y, indices, done in next_batch do
      window[#window + 1], behind = { x = x, y = y, indices = indices }, done
      if #window == run.accumulate then
         step(run, window, done)
         window = {}
         if run.interrupted() then return run.unread:settle() end
      end
   end
   if #window > 0 then step(run, window, behind) end
   run.unread:settle()
   run.photos.check_readable(run.confusion.total > 0 or nil, run.set.train)
end

-- Confusion, loss and the worst photos of those that validate, with the whole model evaluating; nil where the run was
-- interrupted.
local function validate(run)
   local confusion, mean = metrics.confusion(run.set.classes), metrics.mean()
   local highest = worst.new(run.set.val, run.set.classes)
   local unread = late.queue(run.device, function(seen)
      local values = late.take(seen.asked)
      confusion:add(values.guesses, values.y)
      mean:add(values.loss:item(), values.y:numel())
      highest:add(values.logits, values.each, values.y, seen.indices)
      for _, t in pairs(values) do t:free() end
   end)
   run.model:eval()
   for x, y, indices in run.feed.val() do
      scute.no_grad(function()
         local logits = run.feed.forward(x)
         local loss, guesses, each = criterion.loss(run, logits, y), logits:argmax(2), worst.losses(logits, y)
         unread:settle()
         unread:put { indices = indices,
            asked = late.ask { loss = loss, guesses = guesses, y = y, logits = logits, each = each } }
         for _, t in ipairs { x, y, logits, loss, guesses, each } do t:free() end
      end)
      if run.interrupted() then return end
   end
   unread:settle()
   run.photos.check_readable(confusion.total > 0 or nil, run.set.val)
   return confusion, mean:value(), highest.list
end

-- The learning rates of the last step, of the groups that train.
local function rates_of(optimizer)
   local rates = {}
   for _, group in ipairs(optimizer.groups) do
      for _, entry in ipairs(group.parameters) do
         if entry[2].requires_grad then rates[group.name] = group.lr end
      end
   end
   return rates
end

local function epoch(run)
   train_epoch(run)
   if run.interrupted() then return end
   local confusion, val_loss, worst_photos = validate(run)
   if not confusion then return end
   local before = run.best
   local row = {
      epoch = run.epoch, step = run.step, rates = rates_of(run.optimizer), train_loss = run.mean:value(),
      train_accuracy = run.confusion:accuracy(), val_loss = val_loss, val_accuracy = confusion:accuracy(),
      balanced = confusion:balanced_accuracy(), confusion = confusion, worst = worst_photos,
   }
   if run.average and not average.validate(run, row, validate) then return end
   run.row = row
   hooks.call(run, "on_epoch_end")
   local passed_by = run.best == row and before or row
   if passed_by ~= run.best then passed_by.confusion, passed_by.worst = nil, nil end -- of thousands of classes one is enough
end

-- ---- the run ----

local function clamp_batch(run)
   local n = #run.set.train.paths
   if run.batch_size > n then
      console.line("batch size %d is more than the %s that train: using %d", run.batch_size, console.count(n, "photo"), n)
      run.batch_size = n
   end
end

local function describe(run)
   local set = run.set
   console.line("%s: %s in %s; %d train, %d validate; split: %s", set.dir, console.count(#set.train.paths + #set.val.paths,
      "photo"), console.count(#set.classes, "class", "classes"), #set.train.paths, #set.val.paths, set.split)
   for _, note in ipairs(set.notes) do console.line("note: %s", note) end
   if run.half then console.line("precision: %s", run.precision) end
   if run.unfreeze then unfreeze.describe(run) end
end

local function check_trains(model)
   for _, parameter in model:named_parameters() do
      if parameter.requires_grad then return end
   end
   console.fail("nothing to train: every parameter of %s is frozen; unfreeze some, as in model:unfreeze \"head\"",
      model.arch or "the model")
end

local function new_run(run, model, set)
   run.model, run.set, run.preprocess = model, set, model.preprocessing
   precision.read(run)
   run.epoch, run.step, run.skipped = 0, 0, 0
   run.times = { started = os.time(), clock = scute.clock() }
   run.meter = progress.new()
   run.mixes = run.mixup > 0 or run.cutmix > 0
   run.photos = photos.source(run)
   run.interrupted = scute.interrupted
   run.shuffled = function(number, n) return draw.permutation(run.seed, "shuffle", number, n) end
   if run.unfreeze then run.unfreeze:apply(model, 1) end
   check_trains(model)
   if run.ema then run.average = average.new(model, run.ema) end
   run.hooks = all_hooks(run)
   return run
end

-- What the next epoch reads: features while the backbone is frozen and they are wanted, otherwise the photos.
local function choose_feed(run)
   local source = features.wanted(run) and features or photos
   if run.source == source then return end
   if run.feed then run.feed.close() end
   run.feed_bad = #run.bad
   run.source, run.feed = source, source.feed(run)
   if run.feed then run.feed.steps = math.ceil(run.feed.steps / run.accumulate) end -- updates, not batches
end

local function loop(run)
   while run.epoch < run.epochs and not run.stopped do
      run.epoch = run.epoch + 1
      hooks.call(run, "on_epoch_begin")
      record.widen(run)
      choose_feed(run)
      if run.interrupted() then return end
      run.started = true
      epoch(run)
      if run.interrupted() then return end
   end
   checkpoint.know_bad(run, "now") -- of a run that was at its end already
end

-- Until the value goes out of scope, Ctrl-C only asks the loop to finish its step.
local function finish_on_interrupt()
   local before = scute.on_interrupt "finish"
   return setmetatable({}, { __close = function() scute.on_interrupt(before) end })
end

-- The end of a run, told once: "finished", "interrupted" or "failed".
local function finish(run, outcome)
   run.outcome = outcome
   hooks.call(run, "on_fit_end")
   run.closed = true
end

-- Tells the hooks of an error too; what they raise then does not hide it.
local function finish_on_error(run)
   return setmetatable({}, { __close = function(_, err)
      if err == nil or run.closed then return end
      run.outcome, run.failure = "failed", err
      for _, hook in ipairs(run.hooks) do
         if hook.on_fit_end then pcall(hook.on_fit_end, run) end
      end
   end })
end

local function stop_politely(run, signal)
   run.meter:clear()
   hooks.call(run, "on_interrupt")
   finish(run, "interrupted")
   local where = run.step > 0 and ("in epoch %d after step %d"):format(run.epoch, run.step) or "before the first step"
   local kept = run.folder and run.step > 0 and "; the weights of that moment are in " .. run.folder .. "/last.safetensors"
   console.warn("stopped %s%s%s", where, kept or "", run.checkpoint.saved and "; --resume auto goes on from there" or "")
   console.stop(signal == "SIGTERM" and 143 or 130, "interrupted")
end

--- Trains `model` on `set` (see scute.data) and leaves the best epoch's weights in it.
-- options:
--   optimizer        required; its groups' rates are what the schedule scales
--   schedule         constant  of scute.schedule, or a function f(step, epoch) -> factor on the rates, both from 1
--   epochs           10        passes over the training photos
--   batch_size       32        photos per step
--   early_stop       0         stop after so many epochs without a better validation accuracy; 0: never; or a table, see
--                              scute.train.stopping
--   output_dir       none      <output_dir>/<model>/ gets best.safetensors, last.safetensors, history.csv, events.jsonl,
--                              run.json, report.html, schedule.png
--   seed             0         of the order of the photos
--   workers          2         threads that decode
--   device           "cpu"     or "cuda", "cuda:1", "auto" (a GPU where one answers), "ref"
--   unfreeze         none      a plan of scute.train.unfreeze: what trains from which epoch on
--   precision        "fp32"    "bf16", "fp16" or "auto"; see scute.train.precision
--   augment          none      a description of random augmentation (see scute.augment), for training photos
--   cache_features   "auto"    while the backbone is frozen each photo passes it once, unless it is augmented; a number K:
--                              the photos of K epochs, augmented or not, pass it, and are used in turn; "off": in every epoch
--   on_bad_image     "skip"    or "error"
--   accumulate       1         batches per update of the weights; each photo of them counts the same
--   loss             none      in place of the cross entropy: a function f(logits, y) -> the mean over the photos, a scalar;
--                              logits (n, classes), y (n) class numbers from 1. Validation uses it too
--   label_smoothing  0         share of the target that is spread over all classes, in training
--   mixup, cutmix    0         the parameter alpha of Beta(alpha, alpha); 0: not at all; both: a coin decides for each batch
--   ema              none      decay of a moving average of the weights, evaluated and saved beside (see train.average)
--   clip_norm        none      gradients are scaled to at most this norm over all parameters
--   clip_value       none      each entry of a gradient is kept within -value to value
--   resume           none      "auto": go on from the newest checkpoint of output_dir, if there is one; or the path of one
--   save_every       10        minutes between checkpoints within an epoch; after each epoch there is one anyway, unless
--                              epochs are so short that saving would take more than 2 % of the time
--   save_steps       none      a checkpoint every so many steps, whatever it costs
--   keep             2         checkpoints on disk
--   tensorboard      false     whether to write a TensorBoard event file into the run's folder, see scute.train.board
--   hooks            {}        a list of hooks of your own, see scute.train.hooks
--   arguments        {}        for run.json
-- Returns { history = rows, best = row, folder, confusion = of the best epoch, stopped = why it ended early or nil, seconds }.
-- The first Ctrl-C finishes the step, saves and ends the program with status 130.
function train.fit(model, set, options)
   check_arguments("train.fit", model, set, options)
   local run = new_run(read_options(options, "train.fit"), model, set)
   local how <close> = finish_on_interrupt() -- luacheck: ignore
   describe(run)
   clamp_batch(run)
   record.prepare(run)
   checkpoint.open(run)
   local failure <close> = finish_on_error(run) -- luacheck: ignore
   hooks.call(run, "on_fit_begin")
   loop(run)
   if run.interrupted() then stop_politely(run, run.interrupted()) end
   finish(run, "finished")
   if run.checkpoint.failed then console.fail("the last checkpoint could not be saved: %s", run.checkpoint.failed) end
   local seconds = scute.clock() - run.times.clock
   report.finish(run, seconds)
   return { history = run.history, best = run.best, folder = run.folder, confusion = run.best.confusion,
      stopped = run.stopped, seconds = seconds }
end

--- Looks for a learning rate: trains for a few steps at rates that rise, then puts everything back to the last bit (model,
-- optimizer, batch norm statistics, random numbers, what is known of photos). options are those of train.fit, so that one
-- table serves both, of which epochs, schedule, resume and hooks have no meaning here; and
--   lowest, highest  1e-6, 1   rates of the group with the highest one; the others keep their proportions to it
--   steps            100       updates
--   diverged         4         stop where the loss is so many times its lowest
-- Prints what it found and returns { suggestion (nil where the loss never fell), rates = {group = suggestion}, lowest (the
-- rate with the lowest loss), stopped (the rate at which it diverged, or nil), group, points = {{lr, loss, smoothed}, ...} },
-- with figure() and save(folder); with an output_dir, curve and numbers go to <output_dir>/<model>/lr_find.png and .csv.
function train.lr_find(model, set, options)
   check_arguments("train.lr_find", model, set, options)
   local own, rest = lr_find.split(options)
   local run = read_options(rest, "train.lr_find", lr_find.DEFAULTS)
   local result
   do
      local kept <close> = snapshot.take(model, run.optimizer, set, run.unfreeze) -- luacheck: ignore
      new_run(run, model, set)
      clamp_batch(run)
      record.prepare(run)
      lr_find.prepare(run, own)
      choose_feed(run)
      result = lr_find.run(run, own)
      run.feed.close()
   end
   console.line("%s", tostring(result))
   if rest.output_dir then result:save(("%s/%s"):format(rest.output_dir, model.arch)) end
   return result
end

return train
