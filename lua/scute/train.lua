-- Training: one loop over epochs and steps; everything around it is a hook or a part of its own (lua/scute/train/).
--
--    train.fit(model, set, { optimizer = optim.adamw(model:groups { lr = 0.003 }), epochs = 10, output_dir = "models" })
local scute = require "scute"
local console = require "scute.base.console"
local options = require "scute.base.options"
local session = require "scute.base.session"
local profiled = require "scute.profile.program"
local report = require "scute.report.text"
local strict = require "scute.base.strict"
local surplus = require "scute.base.surplus"
local algorithms = require "scute.train.algorithms"
local check = require "scute.train.check"
local checkpoint = require "scute.train.checkpoint"
local criterion = require "scute.train.criterion"
local draws = require "scute.train.draws"
local epoch = require "scute.train.epoch"
local folder = require "scute.train.folder"
local hooks = require "scute.train.hooks"
local lr_find = require "scute.train.lr_find"
local measures = require "scute.train.measures"
local mix = require "scute.train.mix"
local outlook = require "scute.train.outlook"
local parallel = require "scute.train.parallel"
local photos = require "scute.train.photos"
local position = require "scute.train.position"
local record = require "scute.train.record"
local results = require "scute.train.result"
local runs = require "scute.train.run"
local snapshot = require "scute.train.snapshot"
local sync = require "scute.train.sync"
local unfreeze = require "scute.train.unfreeze"
local within = require "scute.train.within"
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
   parallel.agree_on_end(run)
   while run.epoch < run.epochs and not run.stopped do
      run.epoch = run.epoch + 1
      hooks.call(run, "on_epoch_begin")
      draws.alike(run)
      record.widen(run)
      runs.choose_feed(run)
      parallel.agree_to_stop(run)
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

-- Where it stopped and how to go on.
local function tell_stopped(run, goes_on)
   local where = run.step > 0 and ("in epoch %d after step %d"):format(run.epoch, run.step) or "before the first step"
   local kept, further = "", goes_on and "; --resume auto goes on from there" or ""
   if run.folder and run.step > 0 then kept = ("; the weights of that moment are in %s/last.safetensors"):format(run.folder) end
   if session.interrupted() then
      further = "; resume() of the result goes on from there"
      if run.best then kept = ("%s; the model has its best weights, of epoch %d"):format(kept, run.best.epoch) end
   end
   console.warn("stopped %s%s%s", where, kept, further)
   run.stopped = "interrupted " .. where
end

local again

-- Returns the result so far to somebody at the prompt; ends a script. A run that a save ends is replaced by the next one: it
-- gets no checkpoint.
local function stop_politely(run, signal)
   run.meter:clear()
   local from
   if signal ~= "save" then
      hooks.call(run, "on_interrupt")
      from = results.leave(run)
   end
   finish(run, "interrupted")
   draws.alike(run)
   tell_stopped(run, signal ~= "save" and run.checkpoint.saved)
   local so_far = results.of(run, from, function(given) return again(run.model, run.set, given, from) end)
   if not session.interrupted() then console.stop_with(so_far, signal == "SIGTERM" and 143 or 130, "interrupted") end
   scute.interrupt_over()
   return so_far
end

-- Everything before the first step: what is told, a folder of its own, and where a checkpoint says that the run stands.
local function begin(run)
   checkpoint.open(run)
   parallel.wait(run) -- until all have read what they go on from: the first one may move it
   runs.count_photos(run)
   outlook.check(run)
   runs.describe(run)
   runs.clamp_batch(run)
   mix.tell(run)
   record.prepare(run)
   checkpoint.check(run)
   folder.clear(run)
   profiled.place(run.folder)
   if checkpoint.restore(run) then position.tell(run) end
   if run.unfreeze then unfreeze.describe(run) end
   runs.agree(run)
end

-- All of a run from its options. from: what an interrupted one left. Called at the end of what the user calls, whose caller a
-- mistake among the options is then blamed on.
local function fit(model, set, given, from)
   local run = runs.new(FIT:read(given), model, set)
   check.files(run)
   run.given = given
   criterion.check(run)
   measures.check(run)
   within.check(run)
   local how <close> = finish_on_interrupt() -- luacheck: ignore
   local held <close> = folder.take(run) -- luacheck: ignore
   local computing <close> = algorithms.hold(run) -- luacheck: ignore
   if from then results.continue(run, from) end
   begin(run)
   local failure <close> = finish_on_error(run) -- luacheck: ignore
   local meter <close> = run.meter -- luacheck: ignore
   hooks.call(run, "on_fit_begin")
   run.resumed, run.continued = nil, nil
   loop(run)
   run.seconds = scute.clock() - run.times.clock
   if run.interrupted() then return stop_politely(run, run.interrupted()) end
   finish(run, "finished")
   if run.checkpoint.failed then console.fail("the last checkpoint could not be saved: %s", run.checkpoint.failed) end
   run.seconds = scute.clock() - run.times.clock
   report.finish(run, run.seconds)
   draws.alike(run) -- and what the first process has written is there for all
   return within.ended(run, results.of(run))
end
again = fit

--- Trains `model` on `set` (see scute.data) and leaves the best epoch's weights in it. given: a table of options, or what
-- train.options returns. With an output_dir, <output_dir>/<model>/ gets best.safetensors, last.safetensors, history.csv,
-- events.jsonl, run.json, report.html and schedule.png; another run that lies there is moved aside (see scute.train.folder).
-- Returns { history = rows, best = row, folder, confusion = of the best epoch, answers = what was said in it about each photo
-- that validated (records as evaluate.photos returns them, with logits (n, classes)), best_ema = row of the epoch in which the
-- average of the weights was best (with ema), stopped = why it ended early or nil, interrupted = true where Ctrl-C did,
-- seconds }.
-- The first Ctrl-C finishes the step and saves. At the prompt that returns the result so far, whose resume() goes on; a script
-- ends with status 130.
function train.fit(model, set, given, ...)
   surplus.refuse("train.fit(model, set, options)", "options stand in one table", ...)
   check.arguments("train.fit", model, set, given)
   return fit(model, set, within.options(given))
end
FIT:describes(surplus.refused_by(train.fit))

-- The curve, or nil where Ctrl-C came before the first step. Everything is as it was afterwards.
local function find_rates(run, model, set)
   local kept <close> = snapshot.take { model = model, optimizer = run.optimizer } -- luacheck: ignore
   run.epochs = type(run.unfreeze) == "table" and run.unfreeze.epochs or run.epochs
   runs.new(run, model, set)
   local computing <close> = algorithms.hold(run) -- luacheck: ignore
   local meter <close> = run.meter -- luacheck: ignore
   runs.count_photos(run)
   sync.tell(run)
   runs.clamp_batch(run)
   mix.tell(run)
   record.prepare(run)
   runs.agree(run)
   lr_find.prepare(run)
   runs.choose_feed(run)
   local result = run.feed and lr_find.run(run)
   if run.feed then run.feed.close() end
   return result
end

--- Looks for a learning rate: trains for a few steps at rates that rise, then puts everything back to the last bit (model,
-- optimizer, batch norm statistics, random numbers, what is known of photos). given: options of train.fit, so that one
-- table serves both, of which epochs, schedule, resume and hooks have no meaning here, and its own.
-- Prints what it found and returns { suggestion (nil where the loss never fell), rates = {group = suggestion}, lowest (the
-- rate with the lowest loss), stopped (the rate at which it diverged, or nil), group, points = {{lr, loss, smoothed}, ...} },
-- with figure() and save(folder); with an output_dir, curve and numbers go to <output_dir>/<model>_lr_find/, as lr_find.png and
-- .csv.
-- Ctrl-C ends a script after the step; at the prompt that returns the curve so far, with interrupted = true.
function train.lr_find(model, set, given)
   check.arguments("train.lr_find", model, set, given)
   local run = lr_find.OPTIONS:read(within.rates(given))
   lr_find.check(run)
   local how <close> = finish_on_interrupt() -- luacheck: ignore
   run.model, run.set = model, set
   local place = folder.of_rates(run)
   if scute.world.rank > 0 then place = nil end -- of several processes the first one writes
   local held <close> = place and folder.hold(place) -- luacheck: ignore
   local result = find_rates(run, model, set)
   local signal = run.interrupted()
   if signal and not (result and session.interrupted()) then console.stop(signal == "SIGTERM" and 143 or 130, "interrupted") end
   if signal then console.warn "interrupted; the curve so far:" end
   console.line("%s", tostring(result))
   if signal then
      result.interrupted = true
      scute.interrupt_over()
   elseif place then
      result:save(place)
   end
   return result
end
lr_find.OPTIONS:describes(train.lr_find)

return train
