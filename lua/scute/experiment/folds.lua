-- Cross validation: every photo validates once. For data sets so small that one split is a matter of luck.
--
-- Nested, every photo tests once too: those of an outer fold choose nothing, and the rest is dealt out anew into inner folds,
-- of which each validates once (Varma and Simon 2006; Cawley and Talbot 2010).
local as_text = require "scute.data.as_text"
local console = require "scute.base.console"
local dealt = require "scute.experiment.dealt"

local CLASSES = 1 << 24 -- more than there are: draws of an inner fold lie above those of the outer ones

-- All photos of parts, and how many each class has.
local function photos_of(parts, classes)
   local list, counts = {}, {}
   for class = 1, classes do counts[class] = 0 end
   for _, part in ipairs(parts) do
      for i, path in ipairs(part.paths) do
         local class = part.labels[i]
         list[#list + 1], counts[class] = { path = path, class = class }, counts[class] + 1
      end
   end
   return list, counts
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

-- ---- what is wrong with it ----

-- Names of the groups of photos, each once; a photo without one is one by itself. class: of that alone, nil: of all.
local function groups_of(photos, groups, class)
   local list, seen = {}, {}
   for _, photo in ipairs(photos) do
      local name = groups[photo.path] or photo.path
      if not seen[name] and (not class or photo.class == class) then seen[name], list[#list + 1] = true, name end
   end
   return list
end

local function fail_for_many(option, of, why, most)
   local remedy = most < 2 and "which cannot be parted" or ("at most %d folds make sense"):format(most)
   console.fail("%s: %d folds, but %s%s %s", option, of, why, most < 2 and "," or ";", remedy)
end

-- More folds than can be filled. option: which one says how many.
local function check_count(option, of, photos, counts, groups)
   local most = math.max(table.unpack(counts))
   if of > most then
      fail_for_many(option, of, "no class has more than " .. console.count(most, "photo"), most)
   end
   local count = groups and #groups_of(photos, groups) or of
   if of > count then fail_for_many(option, of, "the photos are of " .. console.count(count, "group"), count) end
end

-- What trains is of all classes.
local function check_classes(option, set, photos, train, fold)
   for class, name in ipairs(set.classes) do
      if train.counts[class] == 0 then
         local list = set.groups and groups_of(photos, set.groups, class) or {}
         if #list == 1 then
            console.fail("%s: all photos of class '%s' are one group ('%s'), which lies in one fold, so that none of them is "
               .. "left to train there; divide the group, or leave the class out", option, name, list[1])
         end
         console.fail("%s: all photos of class '%s' are in fold %d; use more folds", option, name, fold)
      end
   end
end

-- ---- folds ----

-- Parts dealt out anew: the photos of one fold, and all others. first: the number of the first draw, less one;
-- option: which one says how many folds there are.
local function deal(option, set, parts, fold, of, seed, first)
   local photos, counts = photos_of(parts, #set.classes)
   local held, others = empty(set), empty(set)
   check_count(option, of, photos, counts, set.groups)
   for _, photo in ipairs(dealt.of(photos, #set.classes, set.groups, of, seed, first)) do
      add(photo.fold == fold and held or others, photo.class, photo.path)
   end
   check_classes(option, set, photos, others, fold)
   return held, others
end

--- The set (see scute.data.open) with fold `fold` of `of` validating and the rest training: its photos, those that validated
-- and those that trained, are dealt out anew class by class, in an order that `seed` alone draws. A class with a single photo
-- trains in every fold. inner, nested: with fold `inner` of `nested` of what is not in fold `fold` validating; the photos of
-- `fold` are then the part `test`. Photos that the set had to test stay that otherwise.
return function(set, fold, of, seed, inner, nested)
   local held, others = deal("folds", set, { set.train, set.val }, fold, of, seed, 0)
   local made = as_text.set { dir = set.dir, name = set.name, classes = set.classes, groups = set.groups, notes = {},
      digests = set.digests, broken = set.broken, others = set.others, samples = set.samples, is_listed = set.is_listed,
      split = ("fold %d of %d, seed %d%s"):format(fold, of, seed, set.groups and ", groups kept together" or "") }
   if inner then
      made.test = held
      made.val, made.train = deal("nested", set, { others }, inner, nested, seed, fold * CLASSES)
      made.split = ("fold %d of %d of the photos outside %s"):format(inner, nested, made.split)
   else
      made.val, made.train, made.test = held, others, set.test
   end
   return made
end
