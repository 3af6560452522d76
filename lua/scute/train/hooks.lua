-- Hooks: what happens around the loop of train.fit. Schedule, unfreezing, average, early stopping, progress, records and
-- checkpoints are hooks as well, with no more rights than one of yours.
--
--    train.fit(model, set, { ..., hooks = { { on_epoch_end = function(run) print(run.row.val_loss) end } } })
--
-- A hook is a table with functions under any of these names. Each is called with the state of the run:
--
--    on_fit_begin       once, when everything is in place; after a resume with what the checkpoint brought
--    on_epoch_begin     before the photos of epoch run.epoch are chosen: the place to freeze and unfreeze, since what is frozen
--                       decides what is computed once and what checkpoints hold
--    on_step_begin      before the batches of update run.step + 1 go through the model
--    on_backward_begin  run.loss is the mean loss over the photos whose gradient comes next; a hook may put another in its
--                       place (with a term of its own, or scaled). Once for each piece of an update, where that has several
--                       (batches that are accumulated, shares of several processes, with `ordered` parts of a batch, fewer
--                       photos at a time where memory is short); what hooks leave there is averaged over all photos of the
--                       update, so that a term which does not look at photos counts once
--    on_backward_end    all gradients of the update are there, as they will be before clipping. Setting run.skip = "why"
--                       leaves this update out: weights, averages and schedule stay, run.skipped counts it
--    on_step_end        the update is done; run.last tells of it. On a GPU losses and guesses are read one update late, so
--                       that it never stands still: run.last.loss, mean and confusion are then those of the update before,
--                       and an update whose gradients overflowed becomes known as one (run.skipped) in the next
--    on_epoch_end       the epoch is trained and validated; run.row tells of it
--    on_interrupt       Ctrl-C or SIGTERM asked the run to stop; the last step is finished. on_fit_end follows
--    on_fit_end         once, however it ended: run.outcome is "finished", "interrupted" or "failed" (with run.failure, the
--                       error). Unless it failed the model has its best weights again and all files are written
--
-- On each event the library's own come first, in the order above, then yours in the order of the list, and last the one
-- that saves checkpoints, so that they hold what the others did.
--
-- The state has, to read:
--    model, set, optimizer, schedule      what train.fit was given, and every other option under its name
--    epoch, step                          number of this epoch, from 1; updates done so far, over all epochs
--    feed                                 of this epoch: steps (updates), photos, cached (features instead of photos)
--    last                                 of the last update: n (photos), loss, skipped (why) and, where it clips, grad_norm
--    mean, confusion                      of this epoch's training so far: mean:value() is the loss, confusion:accuracy()
--    row, history, best                   of the last epoch { epoch, step, rates, train_loss, train_accuracy, val_loss,
--                                         val_accuracy, balanced, confusion } and the metrics by their names; all rows; the
--                                         best row
--    folder                               where files go; nil without an output_dir
--    meter                                call meter:clear() before writing a line to the terminal
--    skipped, bad, times                  updates left out; photos left out; {started, clock, features}
--    hardware                             how the machine does: {now, epoch, total}, as in run.json
--    ranks                                where several processes train, of the last epoch { images_per_second, waited }, lists
--                                         with an entry for each of them: see scute.train.events
-- and to write: stopped = "why" ends the run after this epoch; loss, skip as above (what a hook writes into stopped or skip in
-- one of several processes holds for all of them); model and optimizer in place; fields of your own, where their names are like
-- none of these. Reading a name that is not there is an error.
--
-- Where no hook of yours has an event of steps or backward, a GPU does forward and backward of most updates from a recording
-- (scute.graphs), with the same numbers; on_epoch_begin and on_epoch_end leave that as it is.
--
-- Of several processes (scute --nproc) each calls its own hooks, losses and metrics: a hook decides alike in all of them, and
-- scute.world.rank == 0 guards what writes. run.folder is nil in all but the first.
--
-- A hook that sets learning rates in on_step_begin has sets_rates = true: it is called again where, on a GPU, the step's number
-- turns out to be another one because the update before overflowed.
--
-- A hook that has a state of its own has a `name` (without dots), save(run), which returns plain data for the checkpoint and,
-- if it likes, tensors by name, and load(run, data, tensors), which is called before on_fit_begin when a run goes on from one.
-- Of several processes each has plain data of its own, and all have the same tensors.
local options = require "scute.base.options"
local scute = require "scute.core"
local sorted_keys = require "scute.base.sorted_keys"

local hooks = {}

--- The names of the events, in the order in which they first happen.
hooks.EVENTS = { "on_fit_begin", "on_epoch_begin", "on_step_begin", "on_backward_begin", "on_backward_end", "on_step_end",
   "on_epoch_end", "on_interrupt", "on_fit_end" }

-- Events that come too often for a range of their own.
local of_steps = { on_step_begin = true, on_backward_begin = true, on_backward_end = true, on_step_end = true }

local known = { "save", "load" }
table.move(hooks.EVENTS, 1, #hooks.EVENTS, 3, known)
local is_known = {}
for _, name in ipairs(known) do is_known[name] = true end

-- `all`: every function must be an event; otherwise (a class, which has methods of its own) only what begins like one.
local function check_events(where, fields, all)
   for _, name in ipairs(sorted_keys(fields)) do
      local text, value = tostring(name), fields[name]
      if not is_known[name] and (all and type(value) == "function" or text:find "^on_") then
         error(("%s: there is no event '%s'%s"):format(where, text, options.hint(text, known)), 0)
      end
   end
end

local function check(hook, i)
   local where = ("hooks: number %d"):format(i)
   if type(hook) ~= "table" then error(("%s: expected a table of functions, found %s"):format(where, tostring(hook)), 0) end
   check_events(where, hook, true)
   local class = getmetatable(hook)
   if class and type(class.__index) == "table" then check_events(where, class.__index, false) end
   for _, name in ipairs(known) do
      if hook[name] ~= nil and type(hook[name]) ~= "function" then
         error(("%s: %s: expected a function, found %s"):format(where, name, tostring(hook[name])), 0)
      end
   end
   if (hook.save or hook.load) and (type(hook.name) ~= "string" or hook.name:find(".", 1, true)) then
      error(("%s: one that saves a state needs a name without dots, under which the checkpoint keeps it"):format(where), 0)
   end
end

--- Fails where a list of hooks has something in it that would never be called.
function hooks.check(list)
   if type(list) ~= "table" or list[1] == nil and next(list) ~= nil then
      error("hooks: expected a list of hooks, as in hooks = { { on_step_end = function(run) ... end } }", 0)
   end
   for i, hook in ipairs(list) do check(hook, i) end
end

--- Fails where two of the parts of a run's state would keep it under the same name. yours: those that the user brought.
function hooks.check_names(list, yours)
   local names, is_yours = {}, {}
   for _, hook in ipairs(yours) do is_yours[hook] = true end
   for _, part in ipairs(list) do
      local other = part.name and (part.save or part.load) and names[part.name]
      if other and is_yours[part] and is_yours[other] then
         error(("hooks: two have the name '%s'"):format(part.name), 0)
      elseif other then
         error(("hooks: the name '%s' is one of the library's own; call yours something else"):format(part.name), 0)
      end
      if part.name and (part.save or part.load) then names[part.name] = part end
   end
end

--- Asks those that set learning rates (hooks with sets_rates = true) once more in the middle of a step.
function hooks.set_rates(run)
   for _, hook in ipairs(run.hooks) do
      if hook.sets_rates then hook.on_step_begin(run) end
   end
end

local function refuse_set(name, event, expected, found)
   if found == expected then return end
   error(("hooks: run.%s is the loop's own: %s left %s there, in place of %s; run.stopped = \"why\" ends the run, epochs is an "
      .. "option of train.fit"):format(name, event, tostring(found), tostring(expected)), 0)
end

--- Calls what the hooks of a run have for an event. The numbers of epoch and update are to read.
function hooks.call(run, event)
   local _ <close> = not of_steps[event] and scute.range "hooks" -- luacheck: ignore
   for _, hook in ipairs(run.hooks) do
      local epoch, step = run.epoch, run.step
      if hook[event] then hook[event](run) end
      if epoch ~= run.epoch or step ~= run.step then
         local is_own = false
         for _, own in ipairs(run.own_hooks) do is_own = is_own or own == hook end
         if is_own then
            refuse_set("epoch", event, epoch, run.epoch)
            refuse_set("step", event, step, run.step)
         end
      end
   end
end

return hooks
