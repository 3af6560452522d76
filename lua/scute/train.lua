-- Training: one loop over epochs and steps; everything around it is a hook or a part of its own (lua/scute/train/).
--
--    train.fit(model, set, { optimizer = optim.adamw(model:groups { lr = 0.003 }), epochs = 10, output_dir = "models" })
local scute = require "scute"
local console = require "scute.base.console"
local options = require "scute.base.options"
local report = require "scute.report.text"
local strict = require "scute.base.strict"
local check = require "scute.train.check"
local checkpoint = require "scute.train.checkpoint"
local epoch = require "scute.train.epoch"
local folder = require "scute.train.folder"
local hooks = require "scute.train.hooks"
local lr_find = require "scute.train.lr_find"
local photos = require "scute.train.photos"
local position = require "scute.train.position"
local record = require "scute.train.record"
local runs = require "scute.train.run"
local snapshot = require "scute.train.snapshot"
local unfreeze = require "scute.train.unfreeze"
local FIT = require "scute.train.options"

local train = { unfreeze = strict.family("scute.train.unfreeze", unfreeze) }

--- The options of training that a command line says (see cli.parse and lua/scute/train/options.lua), as train.fit and
-- train.lr_find take them; what a script adds (optimizer, schedule, hooks, ...) is written into it. It is strict: a field that
-- is no option is an error with the nearest name. opt: what cli.parse returns, of which what is no option of training is passed
-- over, or a table of options.
function train.options(opt)
   if type(opt) ~= "table" then error("train.options: expected what cli.parse returns, found " .. console.brief(opt), 2) end
   local given, is_command_line = {}, options.declaration_of(opt) ~= nil
   for name, value in next, opt do
      local entry = FIT.by_name[name]
      if not entry and not is_command_line then error("train.options: " .. FIT:unknown(name), 2) end
      if entry and given[entry[1]] ~= nil then error(("train.options: option '%s' is given twice"):format(entry[1]), 2) end
      if entry then given[entry[1]] = value end
   end
   given.arguments = opt
   return FIT:strict(given)
end

local function loop(run)
   while run.epoch < run.epochs and not run.stopped do
      run.epoch = run.epoch + 1
      hooks.call(run, "on_epoch_begin")
      record.widen(run)
      runs.choose_feed(run)
      if run.interrupted() then return end
      run.started = true
      epoch.run(run)
      if run.stopped then run.stopped = type(run.stopped) == "string" and run.stopped or "a hook said so" end
      if run.interrupted() then return end
   end
   photos.epoch_has_begun(run) -- of a run that was at its end already
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

-- Everything before the first step: what is told, a folder of its own, and where a checkpoint says that the run stands.
local function begin(run)
   checkpoint.open(run)
   runs.describe(run)
   runs.clamp_batch(run)
   record.prepare(run)
   checkpoint.check(run)
   folder.clear(run)
   if checkpoint.restore(run) then position.tell(run) end
   if run.unfreeze then unfreeze.describe(run) end
end

--- Trains `model` on `set` (see scute.data) and leaves the best epoch's weights in it. given: a table of options, or what
-- train.options returns. With an output_dir, <output_dir>/<model>/ gets best.safetensors, last.safetensors, history.csv,
-- events.jsonl, run.json, report.html and schedule.png; another run that lies there is moved aside (see scute.train.folder).
-- Returns { history = rows, best = row, folder, confusion = of the best epoch, best_ema = row of the epoch in which the average
-- of the weights was best (with ema), stopped = why it ended early or nil, seconds }.
-- The first Ctrl-C finishes the step, saves and ends the program with status 130.
function train.fit(model, set, given)
   check.arguments("train.fit", model, set, given)
   local run = runs.new(FIT:read(given), model, set)
   local how <close> = finish_on_interrupt() -- luacheck: ignore
   local held <close> = folder.take(run) -- luacheck: ignore
   begin(run)
   local failure <close> = finish_on_error(run) -- luacheck: ignore
   hooks.call(run, "on_fit_begin")
   run.resumed = nil
   loop(run)
   if run.interrupted() then stop_politely(run, run.interrupted()) end
   finish(run, "finished")
   if run.checkpoint.failed then console.fail("the last checkpoint could not be saved: %s", run.checkpoint.failed) end
   local seconds = scute.clock() - run.times.clock
   report.finish(run, seconds)
   return { history = run.history, best = run.best, folder = run.folder, confusion = run.best.confusion,
      best_ema = run.average and run.average:best_row(), stopped = run.stopped, seconds = seconds }
end
FIT:describes(train.fit)

--- Looks for a learning rate: trains for a few steps at rates that rise, then puts everything back to the last bit (model,
-- optimizer, batch norm statistics, random numbers, what is known of photos). given: options of train.fit, so that one
-- table serves both, of which epochs, schedule, resume and hooks have no meaning here, and its own.
-- Prints what it found and returns { suggestion (nil where the loss never fell), rates = {group = suggestion}, lowest (the
-- rate with the lowest loss), stopped (the rate at which it diverged, or nil), group, points = {{lr, loss, smoothed}, ...} },
-- with figure() and save(folder); with an output_dir, curve and numbers go to <output_dir>/<model>/lr_find.png and .csv.
function train.lr_find(model, set, given)
   check.arguments("train.lr_find", model, set, given)
   local run = lr_find.OPTIONS:read(given)
   lr_find.check(run)
   local result
   do
      local kept <close> = snapshot.take { model = model, optimizer = run.optimizer } -- luacheck: ignore
      run.epochs = type(run.unfreeze) == "table" and run.unfreeze.epochs or run.epochs
      runs.new(run, model, set)
      runs.clamp_batch(run)
      record.prepare(run)
      lr_find.prepare(run)
      runs.choose_feed(run)
      result = lr_find.run(run)
      run.feed.close()
   end
   console.line("%s", tostring(result))
   if run.output_dir then result:save(("%s/%s"):format(run.output_dir, model.arch)) end
   return result
end
lr_find.OPTIONS:describes(train.lr_find)

return train
