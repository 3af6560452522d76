-- Cross validation: every photo validates once. For data sets so small that one split is a matter of luck.
local as_text = require "scute.data.as_text"
local console = require "scute.base.console"
local draw = require "scute.data.draw"
local folder = require "scute.data.folder"

-- All photos of the set by class, in byte order, whatever part they are in.
local function by_class(set)
   local paths = {}
   for class = 1, #set.classes do paths[class] = {} end
   for _, part in ipairs { set.train, set.val } do
      for i, path in ipairs(part.paths) do table.insert(paths[part.labels[i]], path) end
   end
   for class = 1, #paths do folder.sort_bytes(paths[class]) end
   return paths
end

local function add(part, class, path)
   part.paths[#part.paths + 1], part.labels[#part.labels + 1] = path, class
   part.counts[class] = part.counts[class] + 1
end

local function empty(classes)
   local part = as_text.part { paths = {}, labels = {}, counts = {} }
   for class = 1, classes do part.counts[class] = 0 end
   return part
end

--- The set (see scute.data.open) with fold `fold` of `of` validating and the rest training: its photos, those that
-- validated and those that trained, are dealt out anew class by class, in an order that `seed` alone draws. A class with
-- a single photo trains in every fold.
return function(set, fold, of, seed)
   local made = as_text.set { dir = set.dir, classes = set.classes, notes = {}, digests = set.digests,
      train = empty(#set.classes), val = empty(#set.classes), split = ("fold %d of %d, seed %d"):format(fold, of, seed) }
   local most, start = 0, 0
   for class, paths in ipairs(by_class(set)) do
      local order = draw.permutation(seed, "split", class, #paths)
      for i, index in ipairs(order) do
         -- Where one class ended dealing, the next goes on, so that folds are of equal size.
         local validates = #paths > 1 and (start + i) % of == fold - 1
         add(validates and made.val or made.train, class, paths[index])
      end
      start = start + (#paths > 1 and #paths or 0)
      most = math.max(most, #paths)
   end
   if of > most then
      console.fail("folds: %d folds, but no class has more than %s; at most %d folds make sense", of,
         console.count(most, "photo"), most)
   end
   for class, name in ipairs(set.classes) do
      if made.train.counts[class] == 0 then
         console.fail("folds: all photos of class '%s' validate in fold %d; use more folds", name, fold)
      end
   end
   return made
end
