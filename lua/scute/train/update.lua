-- One update of the weights from a window of batches (one, or as many as are accumulated): forward, loss, backward,
-- clipping, the optimizer's step. The gradient is that of the mean loss over all photos of the window, however many its
-- batches have; so the last, shorter window of an epoch counts each photo as much as any other.
--
-- Where memory runs out the batches are taken in halves, and in halves of those, with the gradients added up: the photos of
-- an update and the learning rate stay what they were.
local scute = require "scute"
local console = require "scute.base.console"
local criterion = require "scute.train.criterion"
local hooks = require "scute.train.hooks"
local late = require "scute.train.late"
local mix = require "scute.train.mix"
local precision = require "scute.train.precision"
local record = require "scute.train.record"

local update = {}

-- ---- a loss that is no number ----

local function files_of(run, window)
   local names = {}
   for _, batch in ipairs(window) do
      for _, index in ipairs(batch.indices:values()) do names[#names + 1] = run.set.train.paths[index] end
   end
   local shown = table.concat(names, ", ", 1, math.min(#names, 4))
   return #names > 4 and ("%s and %d more"):format(shown, #names - 4) or shown
end

local function is_finite(value)
   return value == value and value ~= math.huge and value ~= -math.huge
end

-- seen: the update that it is the loss of, see gradients(); x: what went into the network.
local function check_loss(run, loss, seen, x)
   if run.finds_rates or is_finite(loss) then return end
   run.meter:clear()
   local where = precision.first_nonfinite(run, x)
   record.rescue(run)
   console.fail("the loss became %s in epoch %d, step %d%s; lower --learning_rate (it was %.3g there)%s. The photos of that "
      .. "step: %s", loss ~= loss and "NaN" or "infinite", seen.epoch, seen.step, where and ": " .. where or "", seen.lr,
      run.best and run.folder and (". The best weights so far, of epoch %d, are in %s/best.safetensors"):format(
         run.best.epoch, run.folder) or "", files_of(run, seen.window))
end

-- ---- forward and backward ----

local function loss_of(run, logits, batch)
   if not batch.partner then return criterion.loss(run, logits, batch.y, run.label_smoothing) end
   local own <close> = criterion.loss(run, logits, batch.y, run.label_smoothing)
   local other <close> = criterion.loss(run, logits, batch.partner, run.label_smoothing)
   local left <close> = own * batch.share
   local right <close> = other * (1 - batch.share)
   return left + right
end

-- The gradient of what the hooks leave in run.loss.
local function backward(run, loss)
   run.loss = loss
   hooks.call(run, "on_backward_begin")
   local final <close> = run.loss
   run.loss = nil
   final:backward()
end

-- Where losses are read late the host learns only after the step that one is not finite: found_inf, which is then not 0,
-- lets the device leave the step out. The loss scaler has a flag of its own.
local function guard(run, seen, loss)
   if not run.unread.late or run.scaler then return end
   local doubt = scute.no_grad(function() return (loss - loss):to "f32" end)
   if seen.doubt then
      local before <close> = seen.doubt
      local more <close> = doubt
      doubt = before + more
   end
   seen.doubt = doubt
end

-- Adds the gradient of the batch's summed loss, or of its mean where it is all there is. Returns what it saw, see
-- gradients().
local function one(run, batch, alone, seen)
   local logits <close> = run.feed.forward(batch.x) -- (n, classes)
   local loss <close> = loss_of(run, logits, batch)
   if not run.unread.late then check_loss(run, loss:item(), seen, batch.x) end
   guard(run, seen, loss)
   local guesses <close> = logits:argmax(2)
   local asked = late.ask { loss = loss, guesses = guesses, y = batch.y }
   if alone then
      backward(run, loss)
   else
      local sum <close> = loss * batch.y:numel()
      backward(run, sum)
   end
   return { n = batch.y:numel(), x = batch.whole or batch.x, asked = asked }
end

local function piece(batch, from, to)
   local part = { y = scute.slice(batch.y, 1, from, to), x = scute.slice(batch.x, 1, from, to), share = batch.share,
      whole = batch.x }
   if batch.partner then part.partner = scute.slice(batch.partner, 1, from, to) end
   return part
end

-- The window in pieces of at most `micro` photos.
local function pieces(window, micro)
   local list = {}
   for _, batch in ipairs(window) do
      local n = batch.y:numel()
      if not micro or n <= micro then
         list[#list + 1] = batch
      else
         for from = 1, n, micro do list[#list + 1] = piece(batch, from, math.min(from + micro - 1, n)) end
      end
   end
   return list
end

local function free_pieces(list, window)
   local kept = {}
   for _, batch in ipairs(window) do kept[batch] = true end
   for _, batch in ipairs(list) do
      if not kept[batch] then
         for _, key in ipairs { "x", "y", "partner" } do
            if batch[key] then batch[key]:free() end
         end
      end
   end
end

-- Gradients of the window. Returns what the update saw: a list of {n (photos), x (what the loss came from), asked (of
-- loss, guesses and y)}, with n over all, the window, and epoch, step and learning rate for messages.
local function gradients(run, window)
   local list = pieces(window, run.micro)
   local seen = { n = 0, window = window, epoch = run.epoch, step = run.step + 1, lr = run.optimizer.groups[1].lr }
   run.optimizer:zero_grad()
   for i, batch in ipairs(list) do
      seen[i] = one(run, batch, #list == 1, seen)
      seen.n = seen.n + seen[i].n
      -- Where the next piece found no memory for what this one left, collecting it would give up the caches, too.
      if run.micro then collectgarbage() end
   end
   if #list > 1 then run.optimizer:scale_grad(1 / seen.n) end
   free_pieces(list, window)
   return seen
end

-- ---- out of memory ----

local function is_out_of_memory(err)
   return type(err) == "string" and err:find("out of memory", 1, true) ~= nil
end

-- What a failed attempt may have moved: random numbers, and running statistics where `buffers` says so. Returns a
-- function that puts it back (with true) or forgets it.
local function remember(run, buffers)
   local kept = {}
   if buffers then
      for _, buffer in run.model:named_buffers() do kept[#kept + 1] = { buffer, buffer:clone() } end
   end
   local state = scute.rng_state()
   return function(back)
      if back then scute.rng_state(state) end
      for _, entry in ipairs(kept) do
         if back then entry[1]:copy_(entry[2]) end
         entry[2]:free()
      end
   end
end

local function halve(run, window, err)
   local largest = 0
   for _, batch in ipairs(window) do largest = math.max(largest, batch.y:numel()) end
   largest = math.min(largest, run.micro or largest)
   if largest == 1 then error(err, 0) end
   run.micro = (largest + 1) // 2
   run.meter:clear()
   console.warn("out of memory: from here on %s at a time, with the gradients of a batch added up, so that batch size and "
      .. "learning rate stay as they are (batch norm sees the smaller batches)", console.count(run.micro, "photo"))
end

-- The gradients, in smaller pieces as often as memory asks for it. Steps differ little in what they need, so that it is
-- the first of an epoch whose running statistics are worth keeping for a second attempt.
local function try(run, window)
   local collected = false -- garbage may have been all that was in the way
   while true do
      local settle = remember(run, run.proven ~= run.epoch)
      local results = table.pack(pcall(gradients, run, window))
      local again = not results[1] and is_out_of_memory(results[2])
      settle(again)
      if again then
         run.optimizer:zero_grad()
         collectgarbage()
         scute.flush()
         if collected then halve(run, window, results[2]) end
         collected = true
      elseif not results[1] then
         error(results[2], 0)
      else
         run.proven = run.epoch
         return table.unpack(results, 2, results.n)
      end
   end
end

-- ---- the step ----

local function clip(run, seen)
   if run.clip_value then run.optimizer:clip_grad_value(run.clip_value) end
   if not run.clip_norm then return end
   local norm <close> = run.optimizer:clip_grads(run.clip_norm)
   if norm then seen.asked = late.ask { grad_norm = norm } end
end

local function free_window(window)
   for _, batch in ipairs(window) do
      for _, key in ipairs { "x", "y", "indices", "partner" } do
         if batch[key] then batch[key]:free() end
      end
   end
end

-- Counts what an update saw, once its numbers are there. Loss and norm become those of run.last, which is the update's own
-- or, where this is late, the one after.
local function count(run, seen)
   local sum, losses = 0, {}
   for i, part in ipairs(seen) do
      local values = late.take(part.asked)
      losses[i] = values.loss:item()
      if run.unread.late then check_loss(run, losses[i], seen, part.x) end
      run.confusion:add(values.guesses, values.y)
      run.mean:add(losses[i], part.n)
      sum = sum + losses[i] * part.n
      for _, tensor in pairs(values) do tensor:free() end
   end
   run.last.loss = #seen == 1 and losses[1] or sum / seen.n
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

-- Moves the weights, unless a hook says why not.
local function apply(run, seen)
   if seen.doubt then run.optimizer.found_inf = seen.doubt end
   hooks.call(run, "on_backward_end")
   run.last.skipped, run.skip = run.skip, nil
   if run.last.skipped then
      run.skipped = run.skipped + 1
      return
   end
   clip(run, seen)
   run.optimizer:step()
   run.step = run.step + 1
end

-- Reads what the update before saw, while the device has this one's gradients to compute. An update that turns out not to
-- have been one has been counted, and the rates of this one are of a step too late.
local function settle(run)
   local before = run.step
   run.unread:settle()
   if run.step ~= before then hooks.set_rates(run) end
end

--- Where updates leave what they saw, to be read at once, or late on a GPU: run.unread.
function update.queue(run)
   return late.queue(run.device, function(seen) count(run, seen) end, run.finds_rates)
end

--- Updates the weights from a list of batches { x (n, ...), y (n), indices (n) } and counts what was seen in run.mean,
-- run.confusion and run.last = {n, loss, grad_norm, skipped}. Where run.unread is late, all of that but n is one update
-- behind; run.unread:settle() catches up. The batches' tensors are freed.
function update.run(run, window)
   local before = run.unread.late and run.last or {}
   run.last = { loss = before.loss, grad_norm = before.grad_norm }
   if run.mixes then
      for i, batch in ipairs(window) do mix.apply(run, batch, i) end
   end
   local seen = try(run, window)
   seen.last, run.last.n = run.last, seen.n
   settle(run)
   apply(run, seen)
   run.unread:put(seen)
end

return update
