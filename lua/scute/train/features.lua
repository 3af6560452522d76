-- Features computed once: what a frozen backbone says about each photo, kept for all epochs in which it stays frozen.
--
-- Photos go through in file order and in batches of a fixed size, so that a feature does not depend on the batch size of
-- the training, on the order of an epoch or on the number of workers. Where training photos are augmented, K views of
-- each are kept: those of the epochs 1 to K, which the epochs then take in turn. The order of photos and the batches are
-- those that training on the photos themselves would have.
local scute = require "scute"
local console = require "scute.base.console"
local joined = require "scute.base.joined"
local ordered = require "scute.train.ordered"
local parallel = require "scute.train.parallel"
local precision = require "scute.base.precision"
local repeats = require "scute.data.repeats"
local score = require "scute.score"
local augmenting = require "scute.train.augmenting"
local photos = require "scute.train.photos"
local recalled = require "scute.train.recalled"
local shares = require "scute.train.shares"

local features = {}

local BATCH = 16

-- ---- what to keep ----

local function is_random(run)
   return run.augmentation ~= nil and run.augmentation:is_random()
end

--- True if the coming epochs should train on cached features: the backbone is frozen, and they are wanted. "auto" wants
-- them where photos are the same in every epoch.
function features.wanted(run)
   local mode = run.cache_features
   if mode == "off" or mode == "auto" and (is_random(run) or run.mixes) then return false end
   return run.model:is_backbone_frozen()
end

--- Says that a function of the user's is why features of a frozen backbone are not kept.
function features.tell(run)
   if run.cache_features == "auto" and augmenting.has_functions(run) and run.model:is_backbone_frozen() then
      console.line("note: the backbone is frozen, but what it says about photos is not kept, since the augmentation changes "
         .. "them in each epoch; cache_features = K keeps K views of each")
   end
end

-- The last epoch up to which the backbone stays as it is.
local function last_epoch(run)
   return run.unfreeze and run.unfreeze:unchanged_until(run.epoch) or run.epochs
end

-- The view that an epoch trains on. It depends on nothing else, so that a resumed run sees what the whole one would have.
local function view_of(run, epoch)
   local views = is_random(run) and run.cache_features or 1
   return (epoch - 1) % views + 1
end

-- ---- computing ----

-- The photos of a part but those that the run could not read before it was broken off: one that was mended meanwhile stays left
-- out, as it would have been. nil: all of them.
local function order_of(run, part)
   if not run.replayed then return nil end
   local lost, order = {}, {}
   for _, entry in ipairs(run.replayed.list) do
      if run.set[entry.part] == part then lost[entry.index] = true end
   end
   for index = 1, #part.paths do
      if not lost[index] then order[#order + 1] = index end
   end
   return order
end

-- What several processes have computed together, each of its own photos of `order`. found: those, as compute gives them.
local function shared(run, part, order, found, report)
   local rows, indices = found and found.row or {}, {}
   for index, row in pairs(rows) do indices[row] = index end
   parallel.agree_to_stop(run)
   if run.interrupted() then return found end
   photos.share(run)
   local all = parallel.rows(order, found and found.x, indices)
   if not all then return nil end
   local whole = { x = all.x:to(run.device), y = {}, row = {} }
   for row, place in ipairs(all.places) do
      whole.y[row], whole.row[order[place]] = part.labels[order[place]], row
   end
   report(#whole.y - #indices)
   return whole
end

-- All features of one part of the data set: { x (N, F) f32, y = list of N class numbers, row = photo -> row of x };
-- nil where no photo is readable. options: of run.photos.batches.
local function compute(run, part, options, report)
   local _ <close> = scute.range "features"
   local chunks, found, order = {}, { y = {}, row = {} }, nil
   if run.shared then
      order = photos.good_ones(run, part, options.order)
      options = setmetatable({ order = shares.turns(order, BATCH) }, { __index = options })
   end
   local function keep(batch)
      chunks[#chunks + 1], batch.features = batch.features, nil -- (n, F), on the device
      local indices = batch.indices:values()
      for _, index in ipairs(indices) do
         found.y[#found.y + 1] = part.labels[index]
         found.row[index] = #found.y
      end
      report(#indices)
   end
   score(run.model, part, { want = { "features" }, device = run.device, each = keep, feed = { on_device = true,
      batches = function() return run.photos.batches(part, options) end,
      embed = function(x) return precision.call(run.half, run.model.features, run.model, x) end,
   } })
   found.x = joined(chunks)
   if not found.x then found = nil end
   return run.shared and shared(run, part, order, found, report) or not run.shared and found or nil
end

-- The same, where an earlier run of the same --watch has computed them without that. known: what recalled.open gave; epoch:
-- whose view it is.
local function find(run, part, known, augment, epoch, report)
   local options = { order = order_of(run, part), batch_size = BATCH, augment = augment, epoch = epoch }
   local entry = known and known:part(part, options)
   local found = entry and entry:find()
   if found then
      run.recalled = run.recalled + #found.y
      report(#found.y)
      return found
   end
   options.hear = entry and entry.recorder
   found = compute(run, part, options, report)
   if entry and found and not run.interrupted() then entry:keep(found) end
   return found
end

-- ---- batches ----

local function pick(part, indices)
   local rows, labels, kind = {}, {}, { dtype = "i64", device = part.x.device }
   for i, index in ipairs(indices) do
      rows[i] = part.row[index]
      labels[i] = part.y[rows[i]]
   end
   local which <close> = scute.tensor(rows, kind)
   return part.x:index_select(1, which), scute.tensor(labels, kind)
end

-- Iterates over photos of a part in an order after the first `skip` batches, as photos.source does; a last batch of one
-- photo joins the one before it. cut: function(first, last) that gives how a batch is cut (see scute.train.ordered), from its
-- places in the order, or nil.
local function batches(part, order, batch_size, skip, cut)
   local done, steps = skip or 0, photos.steps_of(#order, batch_size)
   return function()
      if done >= steps then return nil end
      local first = done * batch_size + 1
      done = done + 1
      local last = done == steps and #order or done * batch_size
      local chosen = table.move(order, first, last, 1, {})
      local x, y = pick(part, chosen)
      return x, y, scute.tensor(chosen, { dtype = "i64" }), done, cut and cut(first, last)
   end
end

-- How batches of an ordered run are cut; nil of another one.
local function cutting(run, order)
   if not run.ordered then return nil end
   local _, numbers = repeats(run.set.train, order)
   local least = shares.least(run)
   shares.tell_empty(run, least)
   return function(first, last) return ordered.cut_whole(run, table.move(numbers, first, last, 1, {}), least) end
end

-- n: photos that were sent through, every view of them; each: photos of one epoch.
local function describe(run, n, each, width)
   local seconds, epochs = run.times.features, last_epoch(run) - run.epoch + 1
   local saved = epochs * each * seconds / n - seconds
   if run.recalled == n then
      console.line("features: %s x %d numbers (%s), kept from an earlier save", console.count(n, "photo"), width,
         console.bytes(n * width * 4))
      return
   end
   console.line("features: %s x %d numbers (%s), computed once in %s (%.0f images/s)%s", console.count(n, "photo"), width,
      console.bytes(n * width * 4), console.duration(seconds), n / seconds,
      n < epochs * each and ("; not computing them in %s saves about %s"):format(
         console.count(epochs - 1, "more epoch"), console.duration(saved)) or "")
end

-- Training features by view, and the number of photos in each; nil where the run was interrupted.
local function compute_views(run, known, report)
   local parts, n = {}, 0
   for epoch = run.epoch, last_epoch(run) do
      local view = view_of(run, epoch)
      if not parts[view] then
         parts[view] = find(run, run.set.train, known, run.augment, view, report)
         if run.interrupted() then return nil end
         run.photos.check_readable(parts[view], run.set.train)
         n = #parts[view].y
      end
   end
   return parts, n
end

-- Two functions: one that is told of photos done and shows how far it is, one that returns how many were done.
local function reporter(run)
   local start, done, total = scute.clock(), 0, #run.set.val.paths
   local seen = {}
   for epoch = run.epoch, last_epoch(run) do
      local view = view_of(run, epoch)
      total = total + (seen[view] and 0 or #run.set.train.paths)
      seen[view] = true
   end
   return function(n)
      done = done + n
      local seconds = scute.clock() - start
      run.meter:show { what = "features", done = done, total = total, photos = done, seconds = seconds,
         left = seconds / done * (total - done), hardware = run.hardware and run.hardware.words() }
   end, function() return done end
end

-- Features of a part as reid.embeddings takes them: { x (n, F), rows = the photo of each row }; nil where there are none.
local function as_rows(found)
   local rows = {}
   for index, row in pairs(found and found.row or {}) do rows[row] = index end
   return found and { x = found.x, rows = rows } or nil
end

-- How many photos of an order have features: what could not be read may not be known as bad yet in a run that goes on.
local function count_rows(order, part)
   local n = 0
   for _, index in ipairs(order) do n = n + (part.row[index] and 1 or 0) end
   return n
end

--- Sends the photos of the run through the backbone and returns what trains and validates the head from then on, with the
-- fields of photos.feed; nil where the run was interrupted.
function features.feed(run)
   local set, start = run.set, scute.clock()
   local report, passed = reporter(run)
   local known = recalled.open(run, function(part, options) return compute(run, part, options, function() end) end)
   run.recalled = 0
   run.model:eval()
   local parts, n = compute_views(run, known, report)
   local val = parts and find(run, set.val, known, nil, nil, report)
   run.meter:clear()
   if run.interrupted() then return nil end
   run.photos.check_readable(val, set.val)
   run.times.features = scute.clock() - start
   describe(run, passed(), n + #val.y, val.x.shape[2])
   local each = count_rows(photos.order(run, run.epoch), parts[view_of(run, run.epoch)])

   return {
      cached = true,
      photos = each,
      steps = photos.steps_of(each, run.batch_size),
      train = function(epoch, skip)
         local order = photos.order(run, epoch)
         return batches(parts[view_of(run, epoch)], order, run.batch_size, skip, cutting(run, order))
      end,
      val = function()
         return batches(val, photos.good_ones(run, set.val), run.batch_size)
      end,
      forward = function(x)
         return precision.call(run.half, run.model.head, run.model, x)
      end,
      -- What the backbone says of the photos of a part as they are, where it is known: see as_rows.
      known = function(part)
         if part == set.val then return as_rows(val) end
         return part == set.train and not is_random(run) and as_rows(parts[view_of(run, run.epoch)]) or nil
      end,
      close = function()
         for _, part in pairs(parts) do part.x:free() end
         val.x:free()
      end,
   }
end

return features
