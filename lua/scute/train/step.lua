-- One step of training: one update of the weights, from a window of batches (one, or as many as are accumulated). The gradient
-- is that of the mean loss over all photos of the window, however many its batches have; so the last, shorter window of an
-- epoch counts each photo as much as any other (or as its class weighs).
--
-- On a GPU what a step computed is read while the next one is under way (see scute.base.late), so that the device never stands
-- still; elsewhere it is read at once.
local scute = require "scute"
local console = require "scute.base.console"
local late = require "scute.base.late"
local criterion = require "scute.train.criterion"
local draws = require "scute.train.draws"
local hooks = require "scute.train.hooks"
local memory = require "scute.train.memory"
local mix = require "scute.train.mix"
local ordered = require "scute.train.ordered"
local parallel = require "scute.train.parallel"
local precision = require "scute.train.precision"
local ranks = require "scute.train.ranks"
local record = require "scute.train.record"
local reducing = require "scute.train.reducing"
local sync = require "scute.train.sync"

local step = {}

-- ---- a loss that is no number ----

local function files_of(run, window)
   local names = {}
   for _, batch in ipairs(window) do
      local own = not batch.stands_in and batch.indices and batch.indices:values() or {} -- false: of other processes
      for _, index in ipairs(own) do names[#names + 1] = run.set.train.paths[index] end
   end
   local shown = table.concat(names, ", ", 1, math.min(#names, 4))
   return #names > 4 and ("%s and %d more"):format(shown, #names - 4) or shown
end

local function is_finite(value)
   return value == value and value ~= math.huge and value ~= -math.huge
end

-- seen: the update that it is the loss of, see gradients(); x: what went into the network.
local function text_of(run, loss, seen, x)
   sync.leave(run)
   local where, folder = precision.first_nonfinite(run, x), run.folder or run.read_folder
   return ("the loss became %s in epoch %d, step %d%s; lower --learning_rate (it was %.3g there)%s. The photos of that "
      .. "step: %s"):format(loss ~= loss and "NaN" or "infinite", seen.epoch, seen.step, where and ": " .. where or "", seen.lr,
      run.best and folder and (". The best weights so far, of epoch %d, are in %s/best.safetensors"):format(run.best.epoch,
         folder) or "", files_of(run, seen.window))
end

-- Several processes end all, at the next place where they meet: see end_together().
local function check_loss(run, loss, seen, x)
   if run.finds_rates or is_finite(loss) then return end
   if run.shared then
      seen.failed = seen.failed or { loss = loss, x = x }
      return
   end
   run.meter:clear()
   local text = text_of(run, loss, seen, x)
   record.rescue(run)
   console.fail("%s", text)
end

-- Ends the run for what check_loss has met in this process or another one. Together.
local function end_together(run, seen)
   local own = seen.failed
   run.meter:clear()
   parallel.fail(run, own and text_of(run, own.loss, seen, own.x), function() record.rescue(run) end)
end

-- Where losses are read late the host learns only after the step that one is not finite: found_inf, which is then not 0,
-- lets the device leave the step out. The loss scaler has a flag of its own.
local function doubt(run, seen, loss)
   if not run.unread.late or run.scaler then return end
   local found = scute.no_grad(function() return (loss - loss):to "f32" end)
   if seen.doubt then
      local before <close> = seen.doubt
      local more <close> = found
      found = before + more
   end
   seen.doubt = found
end

-- ---- forward and backward ----

-- The gradient of what the hooks leave in run.loss, which is the mean over these photos until then, so that what they add
-- counts once in an update, however many processes and pieces it has. share: what it counts beside others; nil: it is all there
-- is. is_last: there is no other backward in this update.
local function backward(run, mean, share, is_last)
   run.loss = mean
   hooks.call(run, "on_backward_begin")
   local left <close> = run.loss
   run.loss = nil
   local final <close> = share and left * share or left
   local _ <close> = scute.range "backward"
   local beside <close> = reducing.beside(run, is_last) -- luacheck: ignore
   final:backward()
end

local function forward(run, batch)
   local _ <close> = scute.range "forward"
   return run.feed.forward(batch.x)
end

-- Adds the gradient of the batch's summed loss, or of its mean where it is all there is (alone). Returns what it saw, see
-- gradients().
local function forward_backward(run, batch, alone, seen, is_last)
   local logits <close> = forward(run, batch) -- (n, classes)
   local loss <close> = criterion.of_batch(run, logits, batch)
   if not run.unread.late then check_loss(run, loss:item(), seen, run.shared and batch.whole or batch.x) end
   doubt(run, seen, loss)
   local guesses <close> = logits:argmax(2)
   local asked = late.ask { loss = loss, guesses = guesses, y = batch.y }
   local weight = criterion.weight(run, batch)
   backward(run, loss, not alone and weight / parallel.unit(run) or nil, is_last)
   return { n = batch.y:numel(), weight = weight, x = batch.whole or batch.x, asked = asked }
end

-- The same for photos of another process, which has them: nothing is counted and no gradient grows.
local function go_along(run, batch, is_last)
   local logits <close> = forward(run, batch)
   local loss <close> = criterion.of_batch(run, logits, batch)
   backward(run, loss, 0, is_last)
end

-- What an update has seen of before it begins: see gradients().
local function begin_seen(run, window)
   return { n = 0, weight = 0, window = window, epoch = run.epoch, step = run.step + 1, lr = run.optimizer.groups[1].lr }
end

-- Gradients of the window. Returns what the update saw: a list of {n (photos), weight, x (what the loss came from), asked
-- (of loss, guesses and y)}, with n and weight over all, the window, and epoch, step and learning rate for messages.
local function gradients(run, window)
   local list = memory.pieces(window, run.micro)
   local seen = begin_seen(run, window)
   run.optimizer:zero_grad()
   local alone = #list == 1 and not run.feed.shared
   for i, batch in ipairs(list) do
      if batch.stands_in then
         sync.beside(run, go_along, run, batch, i == #list)
      else
         local part = forward_backward(run, batch, alone, seen, i == #list)
         seen[#seen + 1] = part
         seen.n, seen.weight = seen.n + part.n, seen.weight + part.weight
      end
      -- Where the next piece found no memory for what this one left, collecting it would give up the caches, too.
      if run.micro then collectgarbage() end
   end
   if #list > 1 and not run.feed.shared then run.optimizer:scale_grad(1 / seen.weight) end
   memory.free_pieces(list, window)
   return seen
end

-- The same of an ordered run: a part of a batch at a time, which others have too.
local function gradients_in_order(run, window, parts)
   local seen = begin_seen(run, window)
   return ordered.gradients(run, parts, #window, seen, function(part) return forward_backward(run, part, false, seen) end)
end

-- The same from work that was recorded, or nil; see scute.train.graph.
local function gradients_again(run, window, recorded)
   local loss, guesses
   if recorded then loss, guesses = recorded:gradients(run, window) end
   if not loss then return nil end
   local seen, batch = begin_seen(run, window), window[1]
   doubt(run, seen, loss)
   seen.n, seen.weight = batch.y:numel(), criterion.weight(run, batch)
   seen[1] = { n = seen.n, weight = seen.weight, x = batch.x,
      asked = late.ask { loss = loss, guesses = guesses, y = batch.y } }
   return seen
end

-- How a step comes by its gradients. own: batches of the window, or parts of them, that this process computes.
local function compute(run, window, own, recorded)
   if run.ordered then return gradients_in_order(run, window, own) end
   local drawn <close> = draws.apart(run) -- luacheck: ignore
   return gradients_again(run, own, recorded) or memory.within(run, own, gradients)
end

-- ---- moving the weights ----

local function clip(run, seen)
   if run.clip_value then run.optimizer:clip_grad_value(run.clip_value) end
   if not run.clip_norm then return end
   local norm <close> = run.optimizer:clip_grads(run.clip_norm)
   if norm then seen.asked = late.ask { grad_norm = norm } end
end

-- Moves the weights, unless a hook said why not.
local function move(run, seen)
   run.last.skipped, run.skip = run.skip, nil
   if run.last.skipped then
      run.skipped = run.skipped + 1
      return
   end
   local _ <close> = scute.range "optimizer"
   clip(run, seen)
   run.optimizer:step()
   run.step = run.step + 1
end

-- ---- reading what was seen ----

local function free_window(window)
   for _, batch in ipairs(window) do
      for _, key in ipairs { "x", "y", "indices", "partner" } do
         if batch[key] then batch[key]:free() end
      end
   end
end

local function add_all(list, more)
   table.move(more, 1, #more, #list + 1, list)
end

-- Counts what an update saw, once its numbers are there. Loss and norm become those of run.last, which is the update's own
-- or, where this is late, the one after. Together.
local function count(run, seen)
   local sum, losses, guesses, truths = 0, {}, {}, {}
   for i, part in ipairs(seen) do
      local values = late.take(part.asked)
      losses[i] = values.loss:item()
      if run.unread.late then check_loss(run, losses[i], seen, part.x) end
      if seen.total then
         add_all(guesses, values.guesses:values())
         add_all(truths, values.y:values())
      else
         run.confusion:add(values.guesses, values.y)
         run.mean:add(losses[i], part.weight)
      end
      sum = sum + losses[i] * part.weight
      for _, tensor in pairs(values) do tensor:free() end
   end
   -- On features each counts for itself, and what was read in time all have heard of, see parallel.is_fine.
   if run.unread.late and not run.feed.shared and parallel.any(run, seen.failed) then end_together(run, seen) end
   if seen.total then
      local sums = run.ordered and ordered.losses(seen, losses) or { sum }
      run.last.loss = parallel.count(run, seen, sums, guesses, truths) or end_together(run, seen)
   else
      run.last.loss = #seen == 1 and losses[1] or sum / seen.weight
   end
   if seen.asked then
      local norm <close> = late.take(seen.asked).grad_norm
      run.last.grad_norm = norm:item()
   end
   precision.settle(run, seen.last)
   free_window(seen.window)
   if seen.doubt then
      if run.optimizer.found_inf == seen.doubt then run.optimizer.found_inf = nil end
      seen.doubt:free()
   end
end

--- Where steps leave what they saw, to be read at once, or late on a GPU: run.unread.
function step.queue(run)
   return late.queue(run.device, function(seen) count(run, seen) end, run.finds_rates)
end

-- Reads what the step before saw, while the device has this one's gradients to compute. An update that turns out not to
-- have been one has been counted, and the rates of this one are of a step too late.
local function settle(run)
   local before = run.step
   run.unread:settle()
   if run.step ~= before then hooks.set_rates(run) end
end

-- What is told of this step: numbers that are read late are still those of the step before.
local function begin(run)
   local before = run.unread.late and run.last or {}
   run.last = { loss = before.loss, grad_norm = before.grad_norm }
end

--- One step, from a list of batches { x (n, ...), y (n), indices (n) }, which are freed; `done` batches of the epoch are behind
-- afterwards. What was seen is counted in run.mean, run.confusion and run.last = {n, loss, grad_norm, skipped}; where
-- run.unread is late, all of that but n is one step behind, and run.unread:settle() catches up.
function step.run(run, window, done, recorded)
   hooks.call(run, "on_step_begin")                         -- the schedule sets the rates
   begin(run)
   local own = sync.window(run, window)
      or (run.ordered and ordered.parts or parallel.own)(run, window) -- of several processes, the photos of this one
   mix.window(run, own)                                     -- mixup and cutmix
   reducing.prepare(run)                                    -- sums over the processes
   local seen = compute(run, window, own, recorded)         -- forward, loss, backward; in pieces where memory runs out
   if not (run.ordered and ordered or parallel).gather(run, seen) then
      if seen.total.failed then end_together(run, seen) end
      return free_window(window)
   end
   seen.last, run.last.n = run.last, (seen.total or seen).n
   ranks.count(run, seen.n)
   settle(run)                                              -- what the step before saw
   run.optimizer.found_inf = seen.doubt or run.optimizer.found_inf
   hooks.call(run, "on_backward_end")                       -- the loss scaler unscales
   parallel.agree_on_skip(run)
   move(run, seen)                                          -- clipping, the optimizer
   run.unread:put(seen)                                     -- what this one saw: losses, guesses
   run.position = { epoch = run.epoch, batches = done, whole = false }
   hooks.call(run, "on_step_end")                           -- averages, checkpoints, the bar
   if run.ordered and run.feed.shared then parallel.agree_to_stop(run) end -- else they have, see parallel.gather
end

return step
