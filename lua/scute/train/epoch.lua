-- One epoch: every photo that trains once, in steps; then those that validate.
local scute = require "scute.core"
local alike = require "scute.train.alike"
local little_garbage = require "scute.base.little_garbage"
local metrics = require "scute.metrics"
local score = require "scute.score"
local answers = require "scute.train.answers"
local as_text = require "scute.train.as_text"
local average = require "scute.train.average"
local criterion = require "scute.train.criterion"
local draws = require "scute.train.draws"
local graph = require "scute.train.graph"
local hooks = require "scute.train.hooks"
local measures = require "scute.train.measures"
local parallel = require "scute.train.parallel"
local photos = require "scute.train.photos"
local position = require "scute.train.position"
local ranks = require "scute.train.ranks"
local step = require "scute.train.step"
local sync = require "scute.train.sync"
local worst = require "scute.train.worst"

local epoch = {}

-- What a generic for wants of an iterator, as one value that closes what belongs to it.
local function iterator(f, _, _, closing)
   return setmetatable({}, { __call = function() return f() end,
      __close = function() if closing then getmetatable(closing).__close(closing) end end })
end

local function train(run)
   ranks.begin(run)
   run.model:train()
   local skip = position.begin_epoch(run)
   photos.epoch_begins(run, skip ~= nil)
   run.unread = step.queue(run)
   local synchronised <close> = sync.hold(run) -- luacheck: ignore
   local recorded <close> = graph.begin(run)
   local _ <close> = little_garbage() -- luacheck: ignore
   local window, behind = {}, skip
   local next_batch <close> = iterator(run.feed.train(run.epoch, skip))
   photos.epoch_has_begun(run)
   for x, y, indices, done, cut in next_batch do
      window[#window + 1], behind = { x = x, y = y, indices = indices, cut = cut }, done
      if #window == run.accumulate then
         step.run(run, window, done, recorded)
         window = {}
         if run.interrupted() then return run.unread:settle() end
      end
   end
   if #window > 0 then step.run(run, window, behind, recorded) end
   run.unread:settle()
   ranks.finish(run)
   photos.share(run)
   run.photos.check_readable(run.confusion.total > 0 or nil, run.set.train)
end

-- The loss of a batch that is on the CPU. One of the user's may have tensors of its own where the run computes.
local function loss_of(run, batch)
   if not run.criterion or run.device == batch.logits.device then return criterion.loss(run, batch.logits, batch.y) end
   local logits <close> = batch.logits:to(run.device)
   local y <close> = batch.y:to(run.device)
   return criterion.loss(run, logits, y)
end

-- Batches as score tells them, of photos that several processes have sent through: all that is said of them follows from their
-- logits. order: what validates; found: of parallel.rows.
local function tell_shared(run, order, found, each)
   local places, size, from = found.places, run.batch_size, 1
   while from <= #places do
      local to, indices, y = from, {}, {}
      while places[to + 1] and (places[to + 1] - 1) // size == (places[from] - 1) // size do to = to + 1 end
      for i = from, to do
         indices[#indices + 1] = order[places[i]]
         y[#y + 1] = run.set.val.labels[order[places[i]]]
      end
      local batch = { indices = scute.tensor(indices, { dtype = "i64" }), y = scute.tensor(y, { dtype = "i64" }),
         logits = scute.slice(found.x, 1, from, to) }
      batch.guesses, batch.losses = batch.logits:argmax(2), scute.cross_entropy(batch.logits, batch.y, { reduction = "none" })
      batch.loss = loss_of(run, batch)
      each(batch)
      for _, tensor in pairs(batch) do tensor:free() end
      from = to + 1
   end
end

-- Each of several processes has scored its own photos, with these logits: all are told of all. Together.
local function share_validation(run, order, kept, each)
   photos.share(run)
   local logits <close> = kept:whole()
   local found = parallel.rows(order, logits, kept.indices)
   scute.no_grad(function()
      if found then tell_shared(run, order, found, each) end
   end)
   if found then found.x:free() end
end

-- Whether all photos were scored: of several processes, in all of them. Together.
local function came_to_the_end(run, seen)
   if not run.shared then return seen.complete end
   parallel.agree_to_stop(run)
   return not run.interrupted()
end

-- Confusion, loss and the worst photos of those that validate, what the run's metrics say of them, and the answers about all of
-- them, with the whole model evaluating; nil where the run was interrupted.
local function validate(run)
   local _ <close> = scute.range "validation"
   local confusion, mean = metrics.confusion(run.set.classes), metrics.mean()
   local highest, said = worst.new(run.set.val, run.set.classes), answers.new()
   run.model:eval()
   local function each(batch)
      confusion:add(batch.guesses, batch.y)
      mean:add(batch.loss:item(), batch.y:numel())
      highest:add(batch.logits, batch.losses, batch.y, batch.indices)
      said:add(batch)
   end
   local shared, kept = run.feed.shared, answers.new()
   local order = shared and photos.good_ones(run, run.set.val)
   local seen = score(run.model, run.set.val, {
      want = shared and { "logits" } or { "guesses", "logits", "losses" }, device = run.device,
      feed = { batches = run.feed.val, forward = run.feed.forward },
      loss = not shared and function(logits, y) return criterion.loss(run, logits, y) end or nil,
      each = shared and function(batch) kept:add(batch) end or each,
   })
   if not came_to_the_end(run, seen) then return end
   if shared then share_validation(run, order, kept, each) end
   run.photos.check_readable(confusion.total > 0 or nil, run.set.val)
   return confusion, mean:value(), as_text.worst(highest.list), measures.of_answers(run, said, confusion), said
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

local function end_epoch(run, row)
   local before = run.best
   run.row = row
   hooks.call(run, "on_epoch_end")
   local passed_by = run.best == row and before or row
   if passed_by ~= run.best then passed_by.confusion, passed_by.worst, passed_by.answers = nil, nil, nil end -- one is enough
end

--- Trains and validates one epoch, and tells the hooks of it; returns early where the run was interrupted.
function epoch.run(run)
   train(run)
   if run.interrupted() then return end
   local confusion, val_loss, worst_photos, measured, said = validate(run)
   if not confusion then return end
   local row = as_text.row {
      epoch = run.epoch, step = run.step, rates = rates_of(run.optimizer), train_loss = run.mean:value(),
      train_accuracy = run.confusion:accuracy(), val_loss = val_loss, val_accuracy = confusion:accuracy(),
      balanced = confusion:balanced_accuracy(), confusion = confusion, worst = worst_photos,
      answers = said,
   }
   for name, value in pairs(measured) do row[name] = value end
   parallel.share_row(run, row)
   if run.average and not average.validate(run, row, validate) then return end
   draws.alike(run)
   alike.check_state(run)
   end_epoch(run, row)
end

return epoch
