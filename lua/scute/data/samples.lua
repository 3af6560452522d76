-- Samples that are no photo files: numbers of a tensor, or what a function returns. Like files they have names, "sample 12",
-- under which results, split.csv and messages know them; a part of a data set that has `samples` is read from them.
local console = require "scute.base.console"
local scute = require "scute"
local is_tensor = require("scute.nn.module").is_tensor

local Samples = {}
Samples.__index = Samples

local samples = {}

--- None yet. normalize: whether they get the mean and deviation of the model's preprocessing as photos do (u8: from 0 to 255,
-- floating point: from 0 to 1); otherwise they go to the network as they are.
function samples.new(normalize)
   return setmetatable({ reads = {}, digests = {}, known = 0, normalize = normalize }, Samples)
end

--- Adds n samples. prefix: before their number in their names; get(i) -> tensor (C, H, W) or (1, C, H, W), the words that a
-- message about it begins with, and its label, if it tells one. Returns their names.
function Samples:add(prefix, n, get)
   local names = {}
   for i = 1, n do
      names[i] = ("%s %d"):format(prefix, i)
      self.reads[names[i]] = function() return get(i) end
   end
   return names
end

--- A tensor of a sample as (1, C, H, W); nil and what is wrong with it. The first one says which shape all have.
function Samples:checked(x)
   if not is_tensor(x) then return nil, "expected a tensor (C, H, W), found " .. console.brief(x) end
   local shape = #x.shape == 4 and x.shape[1] == 1 and { table.unpack(x.shape, 2) } or x.shape
   local text = "(" .. table.concat(shape, ", ") .. ")"
   if #shape ~= 3 then return nil, ("expected a tensor (C, H, W), found shape (%s)"):format(table.concat(x.shape, ", ")) end
   if x.dtype ~= "u8" and not x.dtype:find "^b?f%d" then
      return nil, ("expected floating point numbers or u8, found %s"):format(x.dtype)
   end
   self.shape = self.shape or shape
   local expected = "(" .. table.concat(self.shape, ", ") .. ")"
   if text ~= expected then return nil, ("expected shape %s, as the first has it, found %s"):format(expected, text) end
   if self.normalize and shape[1] ~= 3 then
      return nil, ("normalize: mean and deviation are those of three channels, found %d; give floating point numbers as the "
         .. "network shall get them, or normalize = false"):format(shape[1])
   end
   return x:reshape { 1, table.unpack(shape) }
end

-- What is wrong with the numbers of a sample (1, C, H, W); nil where nothing is.
local function fault_of(self, x)
   if x.dtype == "u8" then return nil end
   local low, high = x:min():item(), x:max():item()
   if low ~= low or high ~= high or low == -math.huge or high == math.huge then return "it has numbers that are not finite" end
   if self.normalize and (low < 0 or high > 1) then
      return ("normalize: expected numbers from 0 to 1, found %.4g to %.4g"):format(low, high)
   end
end

-- What a sample is known again by.
local function digest_of(x)
   return ("%s-%d"):format(scute.checksum { x }, x:numel())
end

-- self.digests are of the samples that were read so far, self.known is how many these are. What is something else each time
-- gives no result. say: before a message.
local function know(self, name, x, say)
   local digest, before = digest_of(x), self.digests[name]
   if not before then
      self.digests[name], self.known = digest, self.known + 1
   elseif before ~= digest then
      error(say .. "its numbers are others than before; give the same each time, and what is drawn as augment = function(x, "
         .. "draw)", 0)
   end
end

--- The sample of a name as it was made, (1, C, H, W) on the CPU, checked, and its label; a fault is an error without a
-- position.
function Samples:read(name)
   local x, say, label = self.reads[name]()
   local one, fault = self:checked(x)
   fault = fault or fault_of(self, one)
   if fault then error(say .. fault, 0) end
   one = one.device == "cpu" and one or one:to "cpu"
   know(self, name, one, say)
   return one, label
end

--- Whether two samples have the same numbers.
function Samples:are_equal(name, other)
   local x <close> = self:read(name)
   local y <close> = self:read(other)
   if x.dtype ~= y.dtype then return false end
   local same <close> = x:eq(y)
   return same:min():item() == 1
end

--- Looks at a sample before anything trains; returns its label. self.digest is of all that were looked at.
function Samples:look(name)
   local x, label = self:read(name)
   self.digest = scute.checksum { (self.digest or "") .. self.digests[name] }
   x:free()
   return label
end

local function normalized(x, preprocess)
   local mean = scute.tensor(preprocess.mean or { 0.485, 0.456, 0.406 })
   local std = scute.tensor(preprocess.std or { 0.229, 0.224, 0.225 })
   if x.dtype == "u8" then return scute.normalize_photos { x = x, mean = mean, std = std, dtype = "f32" } end
   return (x:to "f32" - mean:reshape { 1, 3, 1, 1 }) / std:reshape { 1, 3, 1, 1 }
end

--- Samples as the network gets them, (n, C, H, W) f32 on the CPU, and their digests. names: list of n.
function Samples:batch(names, preprocess)
   local list, digests = {}, {}
   for i, name in ipairs(names) do
      list[i] = self:read(name)
      digests[i] = self.digests[name]
   end
   local x <close> = scute.concat(list, 1)
   for _, one in ipairs(list) do one:free() end
   return scute.no_grad(function() return self.normalize and normalized(x, preprocess) or x:to("f32"):clone() end), digests
end

local function bring(x, device)
   if device == "cpu" then return x end
   local from <close> = x
   return from:to(device)
end

--- Iterates over a part of a data set that has samples, as scute.data.batches does, with options of that.
function samples.batches(part, o)
   local device, order, size, at = o.device or "cpu", o.order, o.batch_size or 32, 0
   if not order then
      order = {}
      for i = 1, #part.paths do order[i] = i end
   end
   return function()
      local left = #order - at
      if left == 0 then return nil end
      local n = (o.merge_last_single and left == size + 1) and left or math.min(size, left)
      local indices, names, labels = {}, {}, part.labels and {}
      for i = 1, n do
         local index = order[at + i]
         indices[i], names[i] = index, part.paths[index]
         if labels then labels[i] = part.labels[index] end
      end
      at = at + n
      local x, digests = part.samples:batch(names, o.preprocess)
      local numbers = scute.tensor(indices, { dtype = "i64" })
      if o.digested then o.digested(numbers, digests) end
      return bring(x, device), labels and scute.tensor(labels, { dtype = "i64", device = device }), numbers
   end
end

return samples
