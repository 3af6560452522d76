-- The way of a loader's photos to the device that computes. To a GPU they go as bytes, a quarter of what normalised numbers
-- take on the way and in memory, and are normalised there; on the CPU the loader's threads do that.
local scute = require "scute"

local upload = {}

--- Whether a device is one that photos are uploaded to.
function upload.is_gpu(device)
   return device ~= "cpu" and device ~= "ref"
end

-- Rows or columns from one of `edges` (n, 4) up to the next one, as u8 (n, 1, size, 1) or (n, 1, 1, size).
local function between(edges, column, size, is_row)
   local line <close> = scute.arange(0, size - 1, { device = edges.device })
   local places <close> = line:reshape(is_row and { 1, 1, size, 1 } or { 1, 1, 1, size })
   local function edge(at)
      local one <close> = scute.slice(edges, 2, at, at)
      return one:reshape { edges.shape[1], 1, 1, 1 }
   end
   local first <close> = edge(column)
   local behind <close> = edge(column + 1)
   local after <close> = places:ge(first)
   local before <close> = places:lt(behind)
   return after * before
end

-- Photos (n, C, H, W) with `value` (1, C, 1, 1) where the loader leaves something to erase; see loader:next().
local function erased(x, holes, value)
   local edges <close> = holes:to(x.device)
   local rows <close> = between(edges, 1, x.shape[3], true)
   local columns <close> = between(edges, 3, x.shape[4], false)
   local inside <close> = rows * columns
   return scute.where(inside, value, x)
end

-- What a photo has where it is erased, (1, 3, 1, 1), of a table of augmentation.
local function value_of(augment, dtype, device)
   local value = type(augment.random_erasing) == "table" and augment.random_erasing.value or 0
   if type(value) ~= "table" then value = { value, value, value } end
   local list <close> = scute.tensor(value, { dtype = dtype, device = device })
   return list:reshape { 1, 3, 1, 1 }
end

--- Brings photos to a device. preprocess and augment: what the loader was given; mean and std normalise. dtype: of the photos
-- there, "f32" (default), "f16" or "bf16"; photos that the loader has normalised stay f32.
-- Returns { late_normalize = what the loader's option of that name has to be, bring = function(x, holes), close = function() };
-- bring takes a batch of that loader, which it may free, and returns it on the device; close frees what that needed there.
function upload.to(device, preprocess, dtype, augment)
   if not upload.is_gpu(device) or not (preprocess.mean and preprocess.std) then -- the loader knows what is meant without them
      return { late_normalize = false, bring = function(x) return device == "cpu" and x or x:to(device) end,
         close = function() end }
   end
   local mean, std, value
   local function bring(x, holes)
      local _ <close> = scute.range "upload"
      local there = x:to(device)
      x:free()
      if there.dtype ~= "u8" then return there end
      mean = mean or scute.tensor(preprocess.mean, { device = device })
      std = std or scute.tensor(preprocess.std, { device = device })
      local normalised = scute.normalize_photos { x = there, mean = mean, std = std, dtype = dtype or "f32" }
      there:free()
      if not holes then return normalised end
      local whole <close> = normalised
      local which <close> = holes
      value = value or value_of(augment, normalised.dtype, device)
      return scute.no_grad(erased, whole, which, value)
   end
   local function close()
      for _, tensor in pairs { mean, std, value } do tensor:free() end
      mean, std, value = nil, nil, nil
   end
   return { late_normalize = true, bring = bring, close = close }
end

return upload
