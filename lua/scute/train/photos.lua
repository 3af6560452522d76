-- Photos as batches: the loader with what a training run wants of it. Bad photos are named once and left out from then
-- on, or end the run.
local scute = require "scute"
local console = require "scute.base.console"
local upload = require "scute.data.upload"
local precision = require "scute.train.precision"

local photos = {}

local SHOWN = 5 -- bad photos that are named on the terminal; all are in bad_images.csv

local function note_bad(run, part, bad)
   for _, entry in ipairs(bad) do
      if not run.bad[entry.path] then
         run.bad[entry.path] = true
         run.bad[#run.bad + 1] = { path = entry.path, message = entry.message, index = entry.index,
            part = part == run.set.val and "val" or "train" }
         part.bad = part.bad or {}
         part.bad[entry.index] = true
         run.meter:clear()
         if #run.bad <= SHOWN then console.warn("left out: %s", entry.message) end
         if #run.bad == SHOWN + 1 then console.warn("more photos are left out; bad_images.csv lists them") end
      end
   end
end

--- Makes the first `n` entries of a list what is known of bad photos, and nothing else.
function photos.know_bad(run, list, n)
   run.bad, run.set.train.bad, run.set.val.bad = {}, nil, nil
   for i = 1, n do
      local entry, part = list[i], run.set[list[i].part]
      run.bad[i] = entry
      run.bad[entry.path] = true
      part.bad = part.bad or {}
      part.bad[entry.index] = true
   end
end

--- The indices of an order (default: all of a part) whose photos are not known to be bad.
function photos.good_ones(part, order)
   if order and not part.bad then return order end
   local kept = {}
   for i = 1, order and #order or #part.paths do
      local index = order and order[i] or i
      if not (part.bad and part.bad[index]) then kept[#kept + 1] = index end
   end
   return kept
end

--- The source of photos of a run: batches(part, options) and check_readable(...).
function photos.source(run)
   local source = {}
   -- Mixing blends photos before they are rounded to half precision.
   local to_device = upload.to(run.device, run.preprocess, not run.mixes and run.half or nil)

   --- Iterates over a part of the data set (train or val): x (n, 3, H, W), y (n), indices (n), and the number of batches
   -- of the order that are behind, with those of which no photo could be read.
   -- options: order (list of indices, default all), batch_size, merge_last_single, augment, epoch (of the augmentation),
   -- skip (batches to pass over, default 0).
   function source.batches(part, options)
      local order = photos.good_ones(part, options.order)
      local skip = options.skip or 0
      local steps = options.merge_last_single and photos.steps_of(#order, options.batch_size)
         or math.ceil(#order / options.batch_size)
      if skip >= steps then return function() end end
      order = table.move(order, skip * options.batch_size + 1, #order, 1, {})
      local at = 1
      local loader = scute.loader {
         paths = part.paths, labels = part.labels, order = order,
         batch_size = options.batch_size, merge_last_single = options.merge_last_single,
         preprocess = run.preprocess, workers = run.workers, on_bad = run.on_bad_image,
         augment = options.augment, seed = run.seed, epoch = options.epoch, late_normalize = to_device.late_normalize,
      }
      return function()
         local x, y, indices, bad = loader:next()
         note_bad(run, part, bad)
         if not x then
            loader:close()
            return nil
         end
         x = to_device.bring(x)
         if run.device ~= "cpu" then y = y:to(run.device) end
         local last = indices[indices:numel()]
         while order[at] ~= last do at = at + 1 end
         return x, y, indices, math.min(skip + (at - 1) // options.batch_size + 1, steps)
      end, nil, nil, setmetatable({}, { __close = function() loader:close() end })
   end

   --- Fails where nothing of a part could be read.
   function source.check_readable(found, part)
      if found then return end
      local first = run.bad[1]
      console.fail("data_dir: none of the %s in '%s' can be read as a photo%s", console.count(#part.paths, "file"), run.set.dir,
         first and "; the first: " .. first.message or "")
   end

   return source
end

--- Steps of an epoch over n photos: a last batch of one photo joins the one before it.
function photos.steps_of(n, batch_size)
   return n > batch_size and n % batch_size == 1 and n // batch_size or math.ceil(n / batch_size)
end

--- Trains and validates from the photos themselves, each decoded and sent through the whole network in every epoch.
function photos.feed(run)
   local set = run.set
   local n = #photos.good_ones(set.train)
   return {
      cached = false,
      photos = n,
      steps = photos.steps_of(n, run.batch_size),
      train = function(epoch, skip)
         return run.photos.batches(set.train, { order = run.shuffled(epoch, #set.train.paths), skip = skip,
            batch_size = run.batch_size, merge_last_single = true, augment = run.augment, epoch = epoch })
      end,
      val = function()
         return run.photos.batches(set.val, { batch_size = run.batch_size })
      end,
      forward = function(x)
         return precision.call(run, run.model, x)
      end,
      close = function() end,
   }
end

return photos
