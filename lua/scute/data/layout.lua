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

-- Words that speak of a split at the beginning or the end of a name too: "seg_train", "train 2020".
local OF_NAMES = { train = "train", training = "train", val = "val", validation = "val", test = "test", testing = "test" }

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
   local words = {}
   for part in name:lower():gmatch "%a+" do words[#words + 1] = part end
   return #words > 1 and (OF_NAMES[words[#words]] or OF_NAMES[words[1]]) or nil
end

-- ---- what is in a folder ----

local function holds_photos(path)
   local photos, broken = content.sort({ folder.files(path) })
   return #photos[1] > 0 or #broken > 0
end

local function with_photos(dir, names)
   local found = {}
   for _, name in ipairs(names) do
      if holds_photos(dir .. "/" .. name) then found[#found + 1] = name end
   end
   return found
end

local function holds_classes(path)
   return #folder.folders(path) > 0
end

local function listed(names)
   local shown = {}
   for i = 1, math.min(#names, 4) do shown[i] = names[i] .. "/" end
   return table.concat(shown, ", ") .. (#names > 4 and (" and %d more"):format(#names - 4) or "")
end

-- The folders of `dir` by what their names speak of: { train, val, test, others = lists of names }.
local function by_kind(dir)
   local found = { train = {}, val = {}, test = {}, others = {} }
   for _, name in ipairs(folder.classes(dir)) do table.insert(found[layout.kind(name) or "others"], name) end
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
      local val = inside.val[1] or inside.test[1]
      if inside.train[1] and val and #names == 1 then
         console.fail("data_dir: '%s' holds one folder, which holds splits (%s/, %s/): --data_dir %s/%s", dir, inside.train[1],
            val, dir, name)
      elseif inside.train[1] and val then
         console.fail("data_dir: folders in '%s' hold splits (%s/%s, %s/%s): --layout classes takes all photos in such a "
            .. "folder as one class, whatever folders they are in; to keep the splits move them to %s/train/%s and so on, or "
            .. "say it with --split_csv", dir, name, inside.train[1], name, val, dir, name)
      end
   end
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
   local test = with_classes(found.test, dir)
   local validates = val or test
   for _, kind in ipairs { "val", "test", train and "others" } do
      for _, name in ipairs(found[kind]) do
         if name ~= validates and name ~= test then rest[#rest + 1] = name end
      end
   end
   folder.sort_bytes(rest)
   left_alone(notes, dir, rest, train and train .. "/" or "the classes")
   return { train = train and dir .. "/" .. train or dir, val = validates and dir .. "/" .. validates,
      test = val and test and dir .. "/" .. test or nil, classes = not train and found.others or nil }
end

--- Returns { train = folder whose folders are the classes, val = the same for what validates or nil, test = the same for what
-- does neither or nil, classes = names of the first one's folders that are classes, where not all are }. how: "classes",
-- "splits", or nil: as the names say.
function layout.find(dir, how, notes)
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
   local beside = with_photos(dir, found.others)
   if #found.train > 1 then
      console.fail("data_dir: '%s' holds %s, each named like the photos to learn from; leave one of them, or take each as a "
         .. "class with --layout classes; %s", dir, listed(found.train), SAY)
   end
   if how ~= "splits" and #beside > 0 then ambiguous(dir, found, beside) end
   if #found.train == 0 and #beside == 0 then
      console.fail("data_dir: '%s' has %s/ but no train/; put the photos to learn from into %s/train/CLASS/, or say that these "
         .. "are classes with --layout classes", dir, found.val[1] or found.test[1], dir)
   end
   if #found.train == 1 and not holds_classes(dir .. "/" .. found.train[1]) and n > 1 then
      console.fail("data_dir: '%s/%s' holds no folders: if %s are splits, put the photos of each class into a folder of their "
         .. "own there; if they are classes, say so with --layout classes", dir, found.train[1],
         listed(folder.sort_bytes(table.move(found.val, 1, #found.val, #found.test + 1, found.test))))
   end
   return read_splits(dir, found, notes)
end

--- The folders whose folders are classes, for photos that are only looked at: `dir` itself, or all of its splits. Returns a
-- list of { path, classes = names of its folders that are classes, where not all are }.
function layout.all(dir, how)
   local found, list = by_kind(dir), {}
   if how == "classes" or #found.train + #found.val + #found.test == 0 then return { { path = dir } } end
   local beside = with_photos(dir, found.others)
   if #beside > 0 and how ~= "splits" then ambiguous(dir, found, beside) end
   if #beside > 0 and #found.train == 0 then list[1] = { path = dir, classes = beside } end
   for _, kind in ipairs { "train", "val", "test" } do
      for _, name in ipairs(found[kind]) do
         if holds_classes(dir .. "/" .. name) then list[#list + 1] = { path = dir .. "/" .. name } end
      end
   end
   return #list > 0 and list or { { path = layout.find(dir, how, {}).train } }
end

return layout
