-- The way of a loader's photos to the device that computes. To a GPU they go as bytes, a quarter of what normalised numbers
-- take on the way and in memory, and are normalised there; on the CPU the loader's threads do that.
local scute = require "scute"

local upload = {}

--- Whether a device is one that photos are uploaded to.
function upload.is_gpu(device)
   return device ~= "cpu" and device ~= "ref"
end

--- Brings photos to a device. preprocess: what the loader was given; its mean and std normalise. dtype: of the photos there,
-- "f32" (default), "f16" or "bf16"; photos that the loader has normalised stay f32.
-- Returns { late_normalize = what the loader's option of that name has to be, bring = function(x), close = function() }; bring
-- takes a batch of that loader, which it may free, and returns it on the device; close frees what that needed there.
function upload.to(device, preprocess, dtype)
   if not upload.is_gpu(device) or not (preprocess.mean and preprocess.std) then -- the loader knows what is meant without them
      return { late_normalize = false, bring = function(x) return device == "cpu" and x or x:to(device) end,
         close = function() end }
   end
   local mean, std
   local function bring(x)
      local _ <close> = scute.range "upload"
      local there = x:to(device)
      x:free()
      if there.dtype ~= "u8" then return there end
      mean = mean or scute.tensor(preprocess.mean, { device = device })
      std = std or scute.tensor(preprocess.std, { device = device })
      local normalised = scute.normalize_photos { x = there, mean = mean, std = std, dtype = dtype or "f32" }
      there:free()
      return normalised
   end
   local function close()
      for _, tensor in pairs { mean, std } do tensor:free() end
      mean, std = nil, nil
   end
   return { late_normalize = true, bring = bring, close = close }
end

return upload
