-- Photos that look the same on both sides of a split, whatever their files are: a copy of which the tags were changed, or that
-- was saved as another kind. What a photo looks like the loader tells as it decodes it (see scute.loader). Augmentation may
-- decode a photo at a part of its size; then that it resembles another is known, and whether it is the same when it is seen
-- whole.
local look = {}

-- Levels of 255 between the means of one photo at two sizes: colours that a file puts out of bounds are cut off pixel by pixel,
-- in a synthetic photo by up to 6 levels of a mean.
local NEAR = 8
local SIDES = { train = "val", val = "train" }

local Looks = {}
Looks.__index = Looks

--- What has been seen of the photos of a data set.
function look.new()
   return setmetatable({ whole = { train = {}, val = {} }, parts = {}, smaller = {} }, Looks)
end

local function sum_of(parts)
   local sum = 0
   for i = 1, #parts do sum = sum + parts:byte(i) end
   return sum
end

-- Keeps the means of a photo that validates, by the size of the photo.
local function keep_parts(self, seen, path)
   local size, parts = seen:sub(1, 8), seen:sub(17)
   self.parts[size] = self.parts[size] or {}
   table.insert(self.parts[size], { sum = sum_of(parts), parts = parts, path = path })
end

--- Notes what a photo on a side ("train" or "val") looks like. Returns the photo of the other side that looks the same, if one
-- is known.
function Looks:meet(side, seen, path)
   local _, _, shrink = ("<i4i4i4"):unpack(seen)
   if shrink ~= 1 then
      self.smaller[#self.smaller + 1] = { seen = seen, path = path }
      return nil
   end
   if side == "val" then keep_parts(self, seen, path) end
   self.whole[side][seen] = path
   return self.whole[SIDES[side]][seen]
end

local function resembles(a, b)
   for i = 1, #a do
      if math.abs(a:byte(i) - b:byte(i)) > NEAR then return false end
   end
   return true
end

-- The first of a list, which is sorted by sums, whose sum is at least that.
local function first_from(list, sum)
   local low, high = 1, #list + 1
   while low < high do
      local middle = (low + high) // 2
      if list[middle].sum < sum then low = middle + 1 else high = middle end
   end
   return low
end

local function has_twin(list, parts, differs)
   local sum, most = sum_of(parts), NEAR * #parts
   for i = first_from(list, sum - most), #list do
      if list[i].sum > sum + most then return false end
      if resembles(list[i].parts, parts) and differs(list[i].path) then return true end
   end
   return false
end

--- The photos that train, were not seen whole since the last call, and resemble one that validates: a list of paths, to be
-- looked at whole. differs(path, other): whether two photos that resemble each other are worth it.
function Looks:uncertain(differs)
   local found = {}
   for _, list in pairs(self.parts) do
      table.sort(list, function(a, b) return a.sum < b.sum end)
   end
   for _, entry in ipairs(self.smaller) do
      local list = self.parts[entry.seen:sub(1, 8)]
      local function worth(other) return differs(entry.path, other) end
      if list and has_twin(list, entry.seen:sub(17), worth) then found[#found + 1] = entry.path end
   end
   self.smaller = {}
   return found
end

return look
