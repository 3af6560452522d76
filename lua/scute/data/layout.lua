-- How the folders of a data set are to be read: each of them a class, or splits (train, val, test) with class folders inside.
-- Names decide, whatever their case and spelling; where they allow two readings the run stops and shows both.
local console = require "scute.base.console"
local content = require "scute.data.content"
local folder = require "scute.data.folder"

local layout = {}

-- ---- names ----

local WORDS = {
   train = { "train", "training", "trn" },
   val = { "val", "valid", "validation", "validate", "eval", "evaluation", "dev", "development", "holdout", "heldout" },
   test = { "test", "testing", "tst" },
}
local ENDINGS = { "sets?", "data", "datasets?", "images?", "imgs?", "photos?", "pictures?", "pics?", "split", "folder" }

local kinds = {}
for kind, words in pairs(WORDS) do
   for _, word in ipairs(words) do kinds[word] = kind end
end

--- What split a folder's name speaks of: "train", "val", "test" or nil. "Train", "TRAINING", "val_set" and "test-images" do.
function layout.kind(name)
   local word = name:lower():gsub("[%A]", "")
   if kinds[word] then return kinds[word] end
   for _, ending in ipairs(ENDINGS) do
      local kind = kinds[word:match("^(.-)" .. ending .. "$") or kinds[word:match("^" .. ending .. "(.*)$")] or ""]
      if kind then return kind end
   end
   return nil
end

-- ---- what is in a folder ----

local function holds_photos(path)
   local photos, broken = content.sort({ folder.files(path) })
   return #photos[1] > 0 or #broken > 0
end

local function holds_classes(path)
   return #(folder.list(path)) > 0
end

local function listed(names)
   local shown = {}
   for i = 1, math.min(#names, 4) do shown[i] = names[i] .. "/" end
   return table.concat(shown, ", ") .. (#names > 4 and (" and %d more"):format(#names - 4) or "")
end

-- The folders of `dir` by what their names speak of: { train, val, test, others = lists of names }.
local function by_kind(dir)
   local found = { train = {}, val = {}, test = {}, others = {} }
   for _, name in ipairs((folder.list(dir))) do table.insert(found[layout.kind(name) or "others"], name) end
   return found
end

-- Of several names for what validates the one that comes first in WORDS.
local function preferred(names)
   local rank, best = {}, nil
   for i, word in ipairs(WORDS.val) do rank[word] = i end
   for _, name in ipairs(names) do
      if not best or (rank[name:lower()] or math.huge) < (rank[best:lower()] or math.huge) then best = name end
   end
   return best
end

-- Photos to test without classes, as competitions hand them out, validate nothing.
local function with_classes(names, dir)
   for _, name in ipairs(names) do
      if holds_classes(dir .. "/" .. name) then return name end
   end
end

-- ---- where two readings are possible ----

local SAY = "--split_csv says it photo by photo"

local function ambiguous(dir, found, beside)
   local splits = {}
   for _, kind in ipairs { "train", "val", "test" } do table.move(found[kind], 1, #found[kind], #splits + 1, splits) end
   local reading = #found.train > 0 and ("leaves %s alone"):format(listed(beside))
      or ("takes %s as the classes that train"):format(listed(beside))
   console.fail("data_dir: '%s' holds folders named like splits (%s) beside others with photos (%s): --layout splits takes %s "
      .. "as their names say and %s, --layout classes takes all of them as classes; %s", dir, listed(splits), listed(beside),
      listed(splits), reading, SAY)
end

-- photos/ants/{train,val}, photos/bees/{train,val}: what validates would train.
local function check_inside(dir, names)
   for _, name in ipairs(names) do
      local inside = by_kind(dir .. "/" .. name)
      if #inside.train == 0 or #inside.val + #inside.test == 0 then return end
   end
   local first = names[1] and by_kind(dir .. "/" .. names[1])
   if not first then return end
   console.fail("data_dir: the folders of '%s' hold splits (%s/%s, %s/%s): --layout classes takes all photos in such a folder "
      .. "as one class, whatever folders they are in; to keep the splits move them to %s/train/%s and so on, or say it with "
      .. "--split_csv", dir, names[1], first.train[1], names[1], first.val[1] or first.test[1], dir, names[1])
end

-- ---- reading ----

local function left_alone(notes, dir, names, beside)
   for _, name in ipairs(names) do
      notes[#notes + 1] = ("%s/%s is beside %s and is left alone"):format(dir, name, beside)
   end
end

local function read_splits(dir, found, notes)
   local train, rest = found.train[1], {}
   local val = preferred(found.val)
   local test = not val and with_classes(found.test, dir) or nil
   for _, kind in ipairs { "val", "test", train and "others" } do
      for _, name in ipairs(found[kind]) do
         if name ~= val and name ~= test then rest[#rest + 1] = name end
      end
   end
   folder.sort_bytes(rest)
   left_alone(notes, dir, rest, train and train .. "/" or "the classes")
   local validates = val or test
   return { train = train and dir .. "/" .. train or dir, val = validates and dir .. "/" .. validates,
      classes = not train and found.others or nil }
end

--- How `dir` is to be read. may_lack_train: whether a split alone will do, as for photos that are only looked at.
-- Returns { train = folder whose folders are the classes, val = the same for what validates or nil, classes = names of the
-- former's folders that are classes, where not all are }. how: "classes", "splits", or nil: as the names say.
function layout.find(dir, how, notes, may_lack_train)
   if how == "classes" then return { train = dir } end
   local found = by_kind(dir)
   local n = #found.train + #found.val + #found.test
   if n == 0 then
      if how == "splits" then
         console.fail("data_dir: '%s' holds no folder named like a split; --layout splits needs train/ with the class folders "
            .. "in it", dir)
      end
      check_inside(dir, found.others)
      return { train = dir }
   end
   local beside = {}
   for _, name in ipairs(found.others) do
      if holds_photos(dir .. "/" .. name) then beside[#beside + 1] = name end
   end
   if #found.train > 1 then
      console.fail("data_dir: '%s' holds %s, each named like the photos to learn from; leave one of them, or take each as a "
         .. "class with --layout classes; %s", dir, listed(found.train), SAY)
   end
   if how ~= "splits" and #beside > 0 then ambiguous(dir, found, beside) end
   if #found.train == 0 and #beside == 0 and may_lack_train then
      return { train = dir .. "/" .. (preferred(found.val) or found.test[1]) }
   elseif #found.train == 0 and #beside == 0 then
      console.fail("data_dir: '%s' has %s/ but no train/; put the photos to learn from into %s/train/CLASS/", dir,
         found.val[1] or found.test[1], dir)
   end
   if #found.train == 1 and not holds_classes(dir .. "/" .. found.train[1]) and n > 1 then
      console.fail("data_dir: '%s/%s' holds no folders: if %s are splits, put the photos of each class into a folder of their "
         .. "own there; if they are classes, say so with --layout classes", dir, found.train[1],
         listed(folder.sort_bytes(table.move(found.val, 1, #found.val, #found.test + 1, found.test))))
   end
   return read_splits(dir, found, notes)
end

return layout
