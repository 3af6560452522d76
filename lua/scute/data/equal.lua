-- Photos that are on both sides of a split under two names: what validates has then been seen in training.
local lfs = require "lfs"
local scute = require "scute.core"
local console = require "scute.base.console"
local crops = require "scute.data.crops"
local digest = require "scute.data.digest"

local equal = {}

local READERS = 4 -- threads that read first bytes
local SHOWN = 3   -- pairs that are named

-- Groups of photos that have the same key and stand on both sides: list of { train = paths, val = paths }. keys(paths): a list,
-- with false where it cannot be told.
local function both_sides(groups, keys)
   local found = {}
   for _, group in ipairs(groups) do
      local of_val, by_key = keys(group.val), {}
      for _, key in ipairs(of_val) do
         if key then by_key[key] = false end
      end
      for i, key in ipairs(keys(group.train)) do
         if by_key[key] == false then
            by_key[key] = { train = {}, val = {} }
            found[#found + 1] = by_key[key]
         end
         if by_key[key] then table.insert(by_key[key].train, group.train[i]) end
      end
      for i, key in ipairs(of_val) do
         if by_key[key] then table.insert(by_key[key].val, group.val[i]) end
      end
   end
   return found
end

local function each(key)
   return function(paths)
      local keys = {}
      for i, path in ipairs(paths) do keys[i] = key(path) or false end
      return keys
   end
end

local function size_of(path)
   return lfs.attributes(crops.file(path), "size")
end

local function marks(paths)
   local files = {}
   for i, path in ipairs(paths) do files[i] = crops.file(path) end
   return scute.photo_marks(files, READERS)
end

-- digest.of, but links to one file are read once.
local function once()
   local known, at = {}, {}
   return function(name)
      local path = crops.file(name)
      if not lfs.attributes(path, at) then return nil end
      known[at.dev] = known[at.dev] or {}
      local of_device = known[at.dev]
      of_device[at.ino] = of_device[at.ino] or digest.of(path)
      return of_device[at.ino]
   end
end

-- The first sample that has the numbers of one: a digest alone is short, and among many samples two agree in it by chance.
local function first_like(samples)
   local firsts = {} -- by digest
   return function(name)
      local text = samples.digests[name]
      firsts[text] = firsts[text] or {}
      for _, first in ipairs(firsts[text]) do
         if samples:are_equal(first, name) then return first end
      end
      table.insert(firsts[text], name)
      return name
   end
end

-- What photos are compared by, one after the other: sizes first, then first bytes, then whole files; samples that are no files
-- by their digests as far as they were read, then by their numbers.
local function keys_of(set)
   if set.samples then return { each(function(name) return set.samples.digests[name] end), each(first_like(set.samples)) } end
   return { each(size_of), marks, each(once()) }
end

-- A pair for each that validates.
local function pairs_of(groups)
   local found = {}
   for _, group in ipairs(groups) do
      for _, path in ipairs(group.val) do found[#found + 1] = { train = group.train[1], val = path } end
   end
   table.sort(found, function(a, b) return a.val < b.val end)
   return found
end

-- Of groups of photos whose files are the same those that are the same part of it, too.
local function same_parts(set, side, groups)
   local mark = {}
   for _, part in ipairs { set.train, set[side] } do
      if not crops.has(part) then return groups end
      for i, path in ipairs(part.paths) do mark[path] = crops.mark(part, i) end
   end
   return both_sides(groups, each(function(path) return mark[path] end))
end

--- Pairs of photos with the same bytes (of a file's parts: with the same box and mask, too), one that trains and one that
-- validates: list of { train, val = paths }, a pair for each that validates; and those that are different parts of one file.
-- side: "test" for those that test instead, which stand in `val`, too.
function equal.find(set, side)
   side = side or "val"
   local groups = { { train = set.train.paths, val = set[side].paths } }
   for _, keys in ipairs(keys_of(set)) do groups = both_sides(groups, keys) end
   local same, is_same, parts = pairs_of(same_parts(set, side, groups)), {}, {}
   for _, pair in ipairs(same) do is_same[pair.val] = true end
   for _, pair in ipairs(pairs_of(groups)) do
      if not is_same[pair.val] then parts[#parts + 1] = pair end
   end
   return same, parts
end

local function shown(list, sign)
   local named = {}
   for i = 1, math.min(#list, SHOWN) do named[i] = list[i].val .. sign .. list[i].train end
   return table.concat(named, ", ") .. (#list > SHOWN and ", ..." or "")
end

local VERB = { val = "validate", test = "test" }

-- "1 photo that validates has", "3 photos that validate have".
local function those(list, side, has, have)
   if #list == 1 then return ("1 photo that %ss %s"):format(VERB[side], has) end
   return ("%d photos that %s %s"):format(#list, VERB[side], have)
end

--- Warns of such pairs, if there are any. what: "bytes", "pixels" or "numbers"; side: as equal.find has it.
function equal.warn(list, what, side)
   if #list == 0 then return end
   console.warn("%s the same %s as one that trains (%s): the accuracy will be better than on new photos",
      those(list, side or "val", "has", "have"), what, shown(list, " = "))
end

local function warn_of_parts(list, side)
   if #list == 0 then return end
   console.warn("%s of a file of which another part trains (%s): the accuracy will be better than on new photos",
      those(list, side, "is a part", "are parts"), shown(list, ", "))
end

-- Photos that test are looked at once, where they are files.
local function tell_test(set)
   if set.samples or not rawget(set, "test") or rawget(set, "told_test") then return end
   local same, parts = equal.find(set, "test")
   equal.warn(same, "bytes", "test")
   warn_of_parts(parts, "test")
   set.told_test = true
end

--- Warns of equal bytes on both sides of a data set's split, of each pair once, and of those that test, where some do. Samples
-- are known only as they are read (see scute.data.source), so that there may be more to tell after an epoch. Returns whether
-- there are any that validate.
function equal.tell(set)
   tell_test(set)
   local known = set.samples and set.samples.known or 0
   if set.known_equal ~= known then
      local told = set.told_equal or {}
      local function fresh(list)
         local new = {}
         for _, pair in ipairs(list) do
            if not told[pair.val] then told[pair.val], new[#new + 1] = true, pair end
         end
         return new
      end
      local same, parts = equal.find(set)
      equal.warn(fresh(same), set.samples and "numbers" or "bytes")
      warn_of_parts(fresh(parts), "val")
      set.told_equal, set.known_equal = told, known
   end
   return next(set.told_equal) ~= nil
end

return equal
