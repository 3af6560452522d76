-- Features computed once: what a frozen backbone says about each photo, kept for all epochs.
--
-- Photos go through in file order and in batches of a fixed size, so that a feature does not depend on the batch size of
-- the training, on the order of an epoch or on the number of workers.
local scute = require "scute"
local console = require "scute.console"

local features = {}

local BATCH = 16

-- All features of one part of the data set: { x (N, F) f32, y = list of N class numbers }; nil where no photo is readable.
local function compute(run, part, report)
   local chunks, labels = {}, {}
   for x, y in run.photos.batches(part, { batch_size = BATCH }) do
      local chunk = run.model:embed(x) -- (n, F)
      x:free()
      chunks[#chunks + 1] = chunk
      for _, class in ipairs(y:values()) do labels[#labels + 1] = class end
      report(#labels)
      if run.interrupted() then break end
   end
   if #labels == 0 then return nil end
   local all = #chunks == 1 and chunks[1] or scute.concat(chunks, 1)
   return { x = all, y = labels, n = #labels }
end

local function pick(part, indices)
   local labels, kind = {}, { dtype = "i64", device = part.x.device }
   for i, index in ipairs(indices) do labels[i] = part.y[index] end
   local rows <close> = scute.tensor(indices, kind)
   return part.x:index_select(1, rows), scute.tensor(labels, kind)
end

-- Iterates over the rows of a part in an order, as x (n, F), y (n).
local function batches(part, order, batch_size)
   local at = 1
   return function()
      if at > #order then return nil end
      local last = math.min(at + batch_size - 1, #order)
      local x, y = pick(part, table.move(order, at, last, 1, {}))
      at = last + 1
      return x, y
   end
end

local function in_order(n)
   local order = {}
   for i = 1, n do order[i] = i end
   return order
end

--- Sends all photos of the run through the backbone and returns what trains and validates the head from then on, with the
-- fields of photos.feed; nil where the run was interrupted.
function features.feed(run)
   local set, meter, start = run.set, run.meter, scute.clock()
   local total = #set.train.paths + #set.val.paths
   run.model:eval()
   local function reporter(before)
      return function(done)
         local seconds = scute.clock() - start
         meter:show { what = "features", done = before + done, total = total, photos = before + done, seconds = seconds,
            left = seconds / (before + done) * (total - before - done) }
      end
   end
   local train = compute(run, set.train, reporter(0))
   local val = train and compute(run, set.val, reporter(#set.train.paths))
   meter:clear()
   if run.interrupted() then return nil end
   run.photos.check_readable(train, set.train)
   run.photos.check_readable(val, set.val)
   run.times.features = scute.clock() - start
   local n, width = train.n + val.n, train.x.shape[2]
   console.line("features: %s x %d numbers (%s), computed once in %s (%.0f images/s)%s", console.count(n, "photo"), width,
      console.bytes(n * width * 4), console.duration(run.times.features), n / run.times.features,
      run.epochs > 1 and ("; not computing them in %s saves about %s"):format(
         console.count(run.epochs - 1, "more epoch"), console.duration(run.times.features * (run.epochs - 1))) or "")

   return {
      cached = true,
      photos = train.n,
      steps = math.ceil(train.n / run.batch_size),
      train = function(epoch)
         return batches(train, run.shuffled(epoch, train.n), run.batch_size)
      end,
      val = function()
         return batches(val, in_order(val.n), run.batch_size)
      end,
      forward = function(x)
         return run.model:head(x)
      end,
   }
end

return features
