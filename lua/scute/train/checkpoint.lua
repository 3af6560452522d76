-- Checkpoints: everything a run needs to go on as if it had never stopped, in one file.
--
-- <output_dir>/<model>/checkpoint.safetensors is the newest, checkpoint-1.safetensors the one before it, and so on up to
-- the number that is kept. The tensors are
--    model.NAME         what can have changed since the start: trained parameters, batch norm statistics
--    best.NAME          the same of the best epoch so far
--    average.NAME       the moving average of the weights, where there is one
--    optimizer.NAME     the optimizer's state, by parameter
-- and the metadata are format ("scute checkpoint"), version, checksum (CRC-32 of the file, see host/files/seal.h) and state:
-- JSON with the position in the run, random numbers, history, what is frozen, known bad photos, the state of the hooks, and
-- what identifies the run. Nothing in the file is ever executed.
--
-- A new file is written beside the old one, read back and compared before it takes the old one's name. A thread does that
-- while training goes on; what it writes is what the tensors held when it began.
local lfs = require "lfs"
local scute = require "scute"
local console = require "scute.base.console"
local exact = require "scute.train.exact"
local identity = require "scute.train.identity"
local metrics = require "scute.metrics"
local photos = require "scute.train.photos"
local sorted_keys = require "scute.base.sorted_keys"

local checkpoint = {}

local VERSION = "2"
local SHARE = 50 -- saving takes at most one part in so many of the time

-- ---- files ----

local function name_of(folder, i)
   return folder .. (i == 0 and "/checkpoint.safetensors" or ("/checkpoint-%d.safetensors"):format(i))
end

-- Reads and verifies; nil and what is wrong.
local function read(path)
   local ok, file = pcall(scute.weights.load, path)
   if not ok then return nil, console.message(file) end
   local meta = file.metadata or {}
   if meta.format ~= "scute checkpoint" then return nil, path .. ": it is not a checkpoint" end
   if meta.version ~= VERSION then
      return nil, ("%s: it has version %s, this program reads %s"):format(path, tostring(meta.version), VERSION)
   end
   local whole, fault = pcall(scute.weights.verify, path)
   if not whole then return nil, console.message(fault) end
   local decoded, state = pcall(exact.decode, meta.state or "")
   if not decoded then return nil, ("%s: its state is damaged: %s"):format(path, tostring(state)) end
   file.state, file.path = state, path
   return file
end

-- The older ones move on by one name; at every moment there is a checkpoint.safetensors.
local function rotate(folder, keep)
   for i = keep - 1, 2, -1 do os.rename(name_of(folder, i - 1), name_of(folder, i)) end
   if keep > 1 and lfs.attributes(name_of(folder, 0)) then
      os.remove(name_of(folder, 1))
      lfs.link(name_of(folder, 0), name_of(folder, 1))
   end
end

-- Gives a new file its name.
local function put_in_place(folder, keep, path)
   rotate(folder, keep)
   local renamed, message = os.rename(path, name_of(folder, 0))
   if not renamed then error(message, 0) end
end

-- ---- what is in one ----

local function take(names, tensors, prefix, from, wanted)
   for name, tensor in pairs(from) do
      if not wanted or wanted[name] then
         names[#names + 1] = prefix .. name
         tensors[prefix .. name] = tensor
      end
   end
end

local function freeze_state(model)
   local frozen, fixed = {}, {}
   for name, tensor in model:named_parameters() do
      if not tensor.requires_grad then frozen[name] = true end
   end
   for name, module in model:named_modules() do
      if module.mode and module.fixed then fixed[name] = module.fixed end
   end
   return { frozen = frozen, fixed = fixed }
end

local function plain_rows(history)
   local rows = {}
   for i, row in ipairs(history) do
      rows[i] = {}
      for key, value in pairs(row) do
         if key ~= "confusion" and key ~= "state" and key ~= "saved" then rows[i][key] = value end
      end
   end
   return rows
end

local function hook_states(run)
   local states = {}
   for _, hook in ipairs(run.hooks) do
      if hook.name and hook.save then states[hook.name] = hook.save(run) end
   end
   return states
end

local function state_of(run, optimizer)
   local at = run.position
   return {
      identity = identity.of(run),
      position = { epoch = at.epoch, batches = at.batches, whole = at.whole, step = run.step, skipped = run.skipped,
         mean = { sum = run.mean.sum, weight = run.mean.weight }, cells = run.confusion:cells() },
      rng = scute.rng_state(),
      threads = scute.threads(),
      changing = sorted_keys(run.changing),
      freeze = freeze_state(run.model),
      optimizer = { kind = optimizer.kind, groups = optimizer.groups, steps = optimizer.steps },
      history = plain_rows(run.history),
      best = run.best and { epoch = run.best.epoch, cells = run.best.confusion:cells() } or nil,
      stopped = run.stopped,
      micro = run.micro,
      bad = { list = table.move(run.bad, 1, #run.bad, 1, {}), feed = run.feed_bad, epoch = run.epoch_bad },
      hooks = hook_states(run),
      seconds = scute.clock() - run.times.clock,
   }
end

-- Begins to write; returns the handle.
local function begin(run)
   scute.files.mkdirs(run.folder)
   local names, tensors = {}, {}
   local optimizer = run.optimizer:state_dict()
   take(names, tensors, "model.", run.model:state_dict().tensors, run.changing)
   take(names, tensors, "optimizer.", optimizer.tensors)
   if run.best then take(names, tensors, "best.", run.best.state) end
   if run.average then take(names, tensors, "average.", run.average.tensors) end
   table.sort(names)
   return scute.weights.save_later(run.folder .. "/checkpoint.new", { names = names, tensors = tensors },
      { format = "scute checkpoint", version = VERSION, state = exact.encode(state_of(run, optimizer)) })
end

-- f(...), what it took from the training being added to the cost; a failure is told and tried again at the next save.
local function attempt(run, f, ...)
   local state, start = run.checkpoint, scute.clock()
   local ok, result = pcall(f, ...)
   state.cost = state.cost + scute.clock() - start
   state.failed = not ok and console.message(result) or nil
   if not ok then
      run.meter:clear()
      console.warn("no checkpoint could be saved: %s; training goes on and tries again", state.failed)
   end
   return ok and result
end

-- Gives the checkpoint that is being written its name, once it is whole. With `wait` not before that.
local function settle(run, wait)
   local state = run.checkpoint
   local handle = state.writing
   if not handle or not wait and not handle:done() then return end
   state.writing = nil
   attempt(run, function()
      state.cost = state.cost + handle:finish() -- the thread's share of the processors
      put_in_place(run.folder, run.keep, run.folder .. "/checkpoint.new")
      state.saved = true
   end)
end

--- Begins to save a checkpoint of this moment, and with `wait` returns only when it is on disk. One that cannot be written is
-- told and tried again at the next; the run goes on.
function checkpoint.save(run, wait)
   if not run.folder or not run.position then return end
   if run.unread then run.unread:settle() end
   settle(run, true)
   local state = run.checkpoint
   state.cost, state.saved, state.at = 0, false, scute.clock()
   state.writing = attempt(run, begin, run) or nil
   if wait then settle(run, true) end
end

-- ---- going on ----

-- The newest whole checkpoint in a folder, or nil where there is none at all.
local function newest(folder)
   local faults, i = {}, 0
   while lfs.attributes(name_of(folder, i)) do
      local file, why = read(name_of(folder, i))
      if file then
         for _, fault in ipairs(faults) do console.warn("%s", fault) end
         if i > 0 then console.warn("the checkpoint before it is used: %s", file.path) end
         return file
      end
      faults[#faults + 1] = why
      i = i + 1
   end
   if #faults > 0 then console.fail("resume: no checkpoint in %s is whole: %s", folder, table.concat(faults, "; ")) end
   return nil
end

local function named(path)
   local mode = lfs.attributes(path, "mode")
   if not mode then console.fail("resume: there is no file '%s'", path) end
   if mode == "directory" then
      return newest(path) or console.fail("resume: there is no checkpoint in the folder '%s'", path)
   end
   local file, why = read(path)
   return file or console.fail("resume: %s", why)
end

local function hint(run)
   if not run.folder or not lfs.attributes(name_of(run.folder, 0)) then return end
   local file = io.open(run.folder .. "/run.json")
   local text = file and file:read "a" or ""
   if file then file:close() end
   if text:find('"state": "[ri]') then
      console.line("note: %s holds a checkpoint of a run that was not finished; --resume auto goes on with it", run.folder)
   end
end

--- Reads the checkpoint that the run shall go on from, verified and found to be of this run; nothing is changed yet.
-- run.resume: nil or "off", "auto" (the newest in the run's own folder, if there is one), or a path.
function checkpoint.open(run)
   run.checkpoint = { at = scute.clock(), cost = 0, steps = 0 }
   local how = run.resume
   if not how or how == "off" then return hint(run) end
   local file
   if how ~= "auto" then
      file = named(how)
   elseif not run.folder then
      console.fail "resume: without an output_dir there is nothing to go on from"
   else
      file = newest(run.folder)
      if not file then console.line("resume: there is no checkpoint in %s yet; starting at the beginning", run.folder) end
   end
   if file then identity.check(file, run) end
   run.resumed = file
end

local function restore_freezing(model, state)
   for name, tensor in model:named_parameters() do tensor:requires_grad_(not state.frozen[name]) end
   for name, module in model:named_modules() do
      if module.mode then module.fixed = state.fixed[name] or false end
   end
end

local function split(tensors, prefix)
   local part = {}
   for name, tensor in pairs(tensors) do
      if name:sub(1, #prefix) == prefix then part[name:sub(#prefix + 1)] = tensor end
   end
   return part
end

local function confusion_of(run, saved)
   return metrics.confusion(run.set.classes):add_cells(saved.cells)
end

local function restore_model(run, file)
   local own = run.model:state_dict().tensors
   scute.no_grad(function()
      for name, tensor in pairs(split(file.tensors, "model.")) do own[name]:copy_(tensor) end
   end)
   local optimizer = file.state.optimizer
   optimizer.tensors = split(file.tensors, "optimizer.")
   run.optimizer:load_state_dict(optimizer)
end

local function restore_history(run, file)
   local state = file.state
   run.history = state.history
   if not state.best then return end
   run.best = run.history[state.best.epoch]
   run.best.confusion = confusion_of(run, state.best)
   run.best.state = split(file.tensors, "best.")
end

-- Brings the run to where its checkpoint was made.
local function restore(run)
   local file = run.resumed
   if not file then return end
   local state = file.state
   local at = state.position
   if run.unfreeze then run.unfreeze:apply(run.model, at.epoch) end
   restore_freezing(run.model, state.freeze)
   run.changing = {}
   for _, name in ipairs(state.changing) do run.changing[name] = true end
   restore_model(run, file)
   restore_history(run, file)
   run.step, run.skipped, run.stopped, run.micro = at.step, at.skipped or 0, state.stopped, state.micro
   run.epoch = at.whole and at.epoch or at.epoch - 1
   run.position = at
   run.mean, run.confusion = metrics.mean(), confusion_of(run, at)
   run.mean.sum, run.mean.weight = at.mean.sum, at.mean.weight
   run.times.clock = run.times.clock - state.seconds
   if run.average then run.average:load(split(file.tensors, "average.")) end
   for _, hook in ipairs(run.hooks) do
      if hook.name and hook.load and state.hooks[hook.name] then hook.load(run, state.hooks[hook.name]) end
   end
   scute.rng_state(state.rng)
   photos.know_bad(run, state.bad.list, state.bad.feed)
   if state.threads ~= scute.threads() then
      console.warn("the checkpoint was made with --threads %d, this run has %d: the last digits will differ", state.threads,
         scute.threads())
   end
   console.line("going on from %s: epoch %d, step %d", file.path, at.epoch, at.step)
end

--- The hook that brings a run to where its checkpoint was made; before those that have a state of their own.
checkpoint.restorer = { on_fit_begin = restore }

--- Batches of the epoch that the checkpoint was made in which are done; nil for an epoch that starts afresh.
-- To be asked when an epoch starts.
function checkpoint.done(run)
   local file = run.resumed
   local at = file and file.state.position
   if not file or at.whole or at.epoch ~= run.epoch then return nil end
   return at.batches
end

--- What was known of bad photos when an order of the epoch was made must be known when it is made again. `moment`:
-- "epoch" before the order is made, "now" after it.
function checkpoint.know_bad(run, moment)
   local file = run.resumed
   if not file then return end
   local bad = file.state.bad
   local part_way = checkpoint.done(run) ~= nil
   photos.know_bad(run, bad.list, part_way and moment == "epoch" and bad.epoch or #bad.list)
   if moment == "now" then run.resumed = nil end
end

-- ---- when ----

-- Whether another save would take at most a SHARE of the time, and not have to wait for the last one.
local function is_cheap(run)
   local state = run.checkpoint
   return not state.writing and scute.clock() - state.at >= SHARE * state.cost
end

--- The hook that saves: after epochs (unless they are so short that it would take more than 2 % of the time), every
-- save_every minutes, every save_steps steps, at the end and when a signal stops the run.
checkpoint.hook = {
   on_step_end = function(run)
      settle(run)
      local every, since = run.save_steps, scute.clock() - run.checkpoint.at
      if every and run.step % every == 0 or since >= run.save_every * 60 and is_cheap(run) then checkpoint.save(run) end
   end,
   on_epoch_end = function(run)
      run.position = { epoch = run.epoch, batches = 0, whole = true }
      settle(run)
      local last = run.stopped or run.epoch == run.epochs
      if last or is_cheap(run) then checkpoint.save(run, last) end
   end,
   on_interrupt = function(run)
      settle(run, true)
      run.checkpoint.saved = false
      if run.started then checkpoint.save(run, true) end
   end,
   on_fit_end = function(run) settle(run, true) end, -- after an error there may be one under way
}

return checkpoint
