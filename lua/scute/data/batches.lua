-- Photos of a part of a data set as batches on the device that computes: what training, features, evaluation and prediction all
-- read from.
local crops = require "scute.data.crops"
local samples = require "scute.data.samples"
local scute = require "scute.core"
local upload = require "scute.data.upload"

local MOST_WORKERS = 8 -- beyond that a GPU is kept busy, or the disk is what is slow

-- Threads that decode, where nobody says how many. The CPU computes the network, too; a GPU leaves it to them.
local function workers_for(device)
   return upload.is_gpu(device) and math.min(scute.processors(), MOST_WORKERS) or nil
end

-- What is said of photos, with their names; the loader knows files.
local function named(part, entries)
   for _, entry in ipairs(entries) do entry.path = part.paths[entry.index] end
   return entries
end

--- Iterates over photos: x (n, 3, H, W), y (n; nil where the part has no labels), indices (n) into the part, all for use by the
-- caller, who frees them. part: { paths, labels, samples (nil: the paths are files), boxes, masks, ... (see
-- scute.data.crops) }. options: those of scute.loader but what the part says, and
--   device   "cpu"  where x and y go
--   dtype    "f32"  of x on a GPU, see scute.data.upload
--   note     none   function(bad, notes): hears of photos that cannot be read, a list of {path, message, index}, and of good
--   ones
--                   of which there is something to say (a file that lacks its end)
--   digested none   function(indices, digests, looks): hears of the digests of the files' bytes, and of what the pixels are
--   known
--                   again by (nil where they are augmented), lists as long as indices (see scute.loader)
-- To be used with a generic for, which closes the loader however it ends.
return function(part, options)
   if part.samples then return samples.batches(part, options) end
   local device = options.device or "cpu"
   local to_device = upload.to(device, options.preprocess, options.dtype, options.augment)
   local loading = crops.loading(part, { late_normalize = to_device.late_normalize })
   for name, value in pairs(options) do
      if name ~= "device" and name ~= "dtype" and name ~= "note" and name ~= "digested" then loading[name] = value end
   end
   loading.workers = loading.workers or workers_for(device)
   loading.digests = options.digested ~= nil
   local loader = scute.loader(loading)
   local function close()
      loader:close()
      to_device.close()
   end
   local function next_batch()
      local x, y, indices, bad, notes, digests, looks, holes = loader:next()
      if options.note then options.note(named(part, bad), named(part, notes)) end
      if digests then options.digested(indices, digests, looks) end
      if not x then
         close()
         return nil
      end
      x = to_device.bring(x, holes)
      if y and device ~= "cpu" then y = y:to(device) end
      return x, y, indices
   end
   return next_batch, nil, nil, setmetatable({}, { __close = close })
end
