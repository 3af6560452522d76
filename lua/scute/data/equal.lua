-- Photos that are on both sides of a split under two names: what validates has then been seen in training.
local lfs = require "lfs"
local scute = require "scute.core"
local console = require "scute.base.console"
local digest = require "scute.data.digest"

local equal = {}

local HEAD = 4096 -- first bytes, which are compared before whole files
local SHOWN = 3   -- pairs that are named

-- Groups of photos that have the same key and stand on both sides: list of { train = paths, val = paths }. key(path): nil where
-- it cannot be told.
local function both_sides(groups, key)
   local found = {}
   for _, group in ipairs(groups) do
      local by_key, list = {}, {}
      for side, paths in pairs(group) do
         for _, path in ipairs(paths) do
            local value = key(path)
            if value then
               if not by_key[value] then
                  by_key[value] = { train = {}, val = {} }
                  list[#list + 1] = by_key[value]
               end
               table.insert(by_key[value][side], path)
            end
         end
      end
      for _, entry in ipairs(list) do
         if #entry.train > 0 and #entry.val > 0 then found[#found + 1] = entry end
      end
   end
   return found
end

local function size_of(path)
   return lfs.attributes(path, "size")
end

local function head_of(path)
   local file = io.open(path, "rb")
   local text = file and file:read(HEAD)
   if file then file:close() end
   return text and scute.checksum { text }
end

-- digest.of, but links to one file are read once.
local function once()
   local known = {}
   return function(path)
      local at = lfs.attributes(path)
      local id = at and at.dev .. ":" .. at.ino
      if id and not known[id] then known[id] = digest.of(path) end
      return id and known[id]
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
   if set.samples then return { function(name) return set.samples.digests[name] end, first_like(set.samples) } end
   return { size_of, head_of, once() }
end

--- Pairs of photos with the same bytes, one that trains and one that validates: list of { train, val = paths }, a pair for each
-- that validates.
function equal.find(set)
   local groups = { { train = set.train.paths, val = set.val.paths } }
   for _, key in ipairs(keys_of(set)) do groups = both_sides(groups, key) end
   local pairs_found = {}
   for _, group in ipairs(groups) do
      for _, path in ipairs(group.val) do pairs_found[#pairs_found + 1] = { train = group.train[1], val = path } end
   end
   table.sort(pairs_found, function(a, b) return a.val < b.val end)
   return pairs_found
end

--- Warns of such pairs, if there are any. what: "bytes", "pixels" or "numbers".
function equal.warn(list, what)
   if #list == 0 then return end
   local named = {}
   for i = 1, math.min(#list, SHOWN) do named[i] = ("%s = %s"):format(list[i].val, list[i].train) end
   console.warn("%s the same %s as one that trains (%s%s): the accuracy will be better than on new photos",
      #list == 1 and "1 photo that validates has" or #list .. " photos that validate have", what, table.concat(named, ", "),
      #list > SHOWN and ", ..." or "")
end

--- Warns of equal bytes on both sides of a data set's split, of each pair once. Samples are known only as they are read (see
-- scute.data.source), so that there may be more to tell after an epoch. Returns whether there are any.
function equal.tell(set)
   local known = set.samples and set.samples.known or 0
   if set.known_equal ~= known then
      local told, fresh = set.told_equal or {}, {}
      for _, pair in ipairs(equal.find(set)) do
         if not told[pair.val] then told[pair.val], fresh[#fresh + 1] = true, pair end
      end
      equal.warn(fresh, set.samples and "numbers" or "bytes")
      set.told_equal, set.known_equal = told, known
   end
   return next(set.told_equal) ~= nil
end

return equal
