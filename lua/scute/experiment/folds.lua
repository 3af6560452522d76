-- Cross validation: every photo validates once. For data sets so small that one split is a matter of luck.
--
-- Nested, every photo tests once too: those of an outer fold choose nothing, and the rest is dealt out anew into inner folds,
-- of which each validates once (Varma and Simon 2006; Cawley and Talbot 2010).
local as_text = require "scute.data.as_text"
local console = require "scute.base.console"
local dealt = require "scute.experiment.dealt"

local CLASSES = 1 << 24 -- more than there are: draws of an inner fold lie above those of the outer ones

-- All photos of parts, and how many the largest class has.
local function photos_of(parts, classes)
   local list, counts = {}, {}
   for class = 1, classes do counts[class] = 0 end
   for _, part in ipairs(parts) do
      for i, path in ipairs(part.paths) do
         local class = part.labels[i]
         list[#list + 1], counts[class] = { path = path, class = class }, counts[class] + 1
      end
   end
   return list, math.max(table.unpack(counts))
end

local function add(part, class, path)
   part.paths[#part.paths + 1], part.labels[#part.labels + 1] = path, class
   part.counts[class] = part.counts[class] + 1
end

local function empty(set)
   local part = as_text.part { paths = {}, labels = {}, counts = {}, samples = set.samples }
   for class = 1, #set.classes do part.counts[class] = 0 end
   return part
end

local function check(set, train, fold, of, most)
   if of > most then
      console.fail("folds: %d folds, but no class has more than %s; at most %d folds make sense", of,
         console.count(most, "photo"), most)
   end
   for class, name in ipairs(set.classes) do
      if train.counts[class] == 0 then
         console.fail("folds: all photos of class '%s' are in fold %d; use more folds", name, fold)
      end
   end
end

-- Parts dealt out anew: the photos of one fold, and all others. first: the number of the first draw, less one.
local function deal(set, parts, fold, of, seed, first)
   local photos, most = photos_of(parts, #set.classes)
   local held, others = empty(set), empty(set)
   for _, photo in ipairs(dealt.of(photos, #set.classes, set.groups, of, seed, first)) do
      add(photo.fold == fold and held or others, photo.class, photo.path)
   end
   check(set, others, fold, of, most)
   return held, others
end

--- The set (see scute.data.open) with fold `fold` of `of` validating and the rest training: its photos, those that validated
-- and those that trained, are dealt out anew class by class, in an order that `seed` alone draws. A class with a single photo
-- trains in every fold. inner, nested: with fold `inner` of `nested` of what is not in fold `fold` validating; the photos of
-- `fold` are then the part `test`. Photos that the set had to test stay that otherwise.
return function(set, fold, of, seed, inner, nested)
   local held, others = deal(set, { set.train, set.val }, fold, of, seed, 0)
   local made = as_text.set { dir = set.dir, name = set.name, classes = set.classes, groups = set.groups, notes = {},
      digests = set.digests, broken = set.broken, others = set.others, samples = set.samples, is_listed = set.is_listed,
      split = ("fold %d of %d, seed %d%s"):format(fold, of, seed, set.groups and ", groups kept together" or "") }
   if inner then
      made.test = held
      made.val, made.train = deal(set, { others }, inner, nested, seed, fold * CLASSES)
      made.split = ("fold %d of %d of the photos outside %s"):format(inner, nested, made.split)
   else
      made.val, made.train, made.test = held, others, set.test
   end
   return made
end
