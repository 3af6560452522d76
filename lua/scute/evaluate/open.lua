-- Which photos are evaluated. What trained and what validated is as the run's split.csv says it (see scute.data.split_file),
-- whatever has come into the folder or gone from it since; nothing is drawn anew.
local scute = require "scute"
local console = require "scute.base.console"
local digest = require "scute.data.digest"
local split_file = require "scute.data.split_file"

local function folder_of(path)
   return path:match "^(.*)/" or "."
end

-- What the run of a model said: its entries; nil and why they are not known.
local function split_of(model_path, metadata)
   local path = folder_of(model_path) .. "/" .. split_file.NAME
   local entries, why = split_file.read(path)
   if not entries then
      return nil, why:find "No such file" and ("there is no %s beside the model"):format(split_file.NAME) or why
   elseif scute.weights.sha256(path) ~= metadata.split then
      return nil, path .. " is not the one of this model, or was changed"
   end
   return entries
end

-- What the run calls its split, as its run.json has it.
local function name_of_split(model_path)
   local file = io.open(folder_of(model_path) .. "/run.json", "rb")
   local text = file and file:read "a"
   if file then file:close() end
   local ok, run = pcall(require("cjson").decode, text or "")
   return ok and type(run) == "table" and type(run.split) == "string" and run.split or "as the run was split"
end

local function add(part, path, class)
   part.paths[#part.paths + 1], part.labels[#part.labels + 1] = path, class
end

local function new_part(all)
   return { paths = {}, labels = {}, broken = all.broken, others = all.others }
end

local function count(n, one, many)
   return n == 1 and "1 photo " .. one or ("%d photos %s"):format(n, many)
end

local function digests_that_trained(entries)
   local trained = digest.set()
   for _, entry in ipairs(entries) do
      if entry.split == "train" and entry.digest then trained:add(entry.digest) end
   end
   return trained
end

-- Photos of the data folder that the split does not know: by name, or of another length than the one of that name was. Those of
-- them that have the bytes of one that trained come apart.
local function newcomers(all, entries)
   local known, trained = {}, digests_that_trained(entries)
   for _, entry in ipairs(entries) do known[entry.file] = entry end
   local fresh, copies = new_part(all), {}
   for i, path in ipairs(all.paths) do
      local entry = known[split_file.name_of(all.dir, path)]
      if not entry or entry.digest and not digest.has_size(path, entry.digest) then
         if trained:has(path) then copies[#copies + 1] = path else add(fresh, path, all.labels[i]) end
      end
   end
   return fresh, copies
end

-- The photos of one side of the split that are there, and how many are not: files of that name and those bytes.
local function side(all, entries, wanted)
   local there, classes = {}, {}
   for i, path in ipairs(all.paths) do there[split_file.name_of(all.dir, path)] = i end
   for class, name in ipairs(all.classes) do classes[name] = class end
   local part, missing = new_part(all), 0
   for _, entry in ipairs(entries) do
      if entry.split == wanted then
         local i = there[entry.file]
         local path = i and all.paths[i]
         if path and (not entry.digest or digest.has_size(path, entry.digest) and digest.of(path) == entry.digest) then
            add(part, path, classes[entry.label] or all.labels[i])
         else
            missing = missing + 1
         end
      end
   end
   return part, missing
end

local function how_to_go_on()
   return "--split_csv FILE says which photos validate, --split all takes all of them, also those that trained"
end

local function fail_where_unknown(why)
   console.fail("it is not known which photos trained: %s; %s", why, how_to_go_on())
end

local function tell_of_copies(copies)
   if #copies == 0 then return end
   console.warn("left out: %s the bytes of one that trained: %s%s", count(#copies, "has", "have"), copies[1],
      #copies > 1 and ", ..." or "")
end

local function by_split_file(opt, all, entries)
   local fresh, copies = newcomers(all, entries)
   tell_of_copies(copies)
   if opt.split == "new" then
      if #fresh.paths == 0 then console.fail("data_dir: no photo in '%s' is new since the training", opt.data_dir) end
      return fresh, "photos that are new since the training"
   end
   local part, missing = side(all, entries, opt.split)
   local words = opt.split == "val" and "validated" or "trained"
   if #part.paths == 0 then
      console.fail("data_dir: none of the photos that %s is in '%s'; --split new takes those that are new since, --split all "
         .. "all of them", words, opt.data_dir)
   end
   if missing > 0 then
      console.warn("left out: %s no longer there, or changed",
         count(missing, "that " .. words .. " is", "that " .. words .. " are"))
   end
   if #fresh.paths > 0 then
      console.line("note: %s new since the training and left out; --split new takes them",
         count(#fresh.paths, "is", "are"))
   end
   return part, ("%s: %s"):format(opt.split == "val" and "validation" or "training photos", name_of_split(opt.model))
end

local function test_folder(dir)
   local layout = require "scute.data.layout"
   for _, name in ipairs((require "scute.data.folder".list(dir))) do
      if layout.kind(name) == "test" then return dir .. "/" .. name end
   end
   return dir .. "/test"
end

-- Photos to test, without those that are copies of one that trained, as far as that is known.
local function to_test(opt, metadata)
   local data = require "scute.data"
   if opt.split_csv then
      local set = data.open(opt.data_dir, { split_csv = opt.split_csv, validates = "test" })
      return set.val, set.classes, set.split
   end
   local all, classes = data.list(test_folder(opt.data_dir))
   local entries = split_of(opt.model, metadata)
   if not entries then return all, classes, "test/" end
   local part, trained, copies = new_part(all), digests_that_trained(entries), {}
   for i, path in ipairs(all.paths) do
      if trained:has(path) then copies[#copies + 1] = path else add(part, path, all.labels[i]) end
   end
   tell_of_copies(copies)
   if #part.paths == 0 then
      console.fail("data_dir: all photos in '%s' are copies of some that trained", test_folder(opt.data_dir))
   end
   return part, classes, "test/"
end

-- As the folders, a file, or what was said on the command line have it.
local function by_folders(opt, why)
   local data = require "scute.data"
   local how = data.options(opt)
   local says = opt.split_csv or opt.seed or opt.val_fraction
   if not says and not data.has_validation(opt.data_dir, how) then fail_where_unknown(why) end
   local set = data.open(opt.data_dir, how)
   local part = set[opt.split]
   part.broken, part.others = set.broken, set.others
   return part, set.classes, (opt.split == "val" and "validation: " or "training photos: ") .. set.split
end

--- The photos that a command line asks for. opt: { data_dir, split = "val", "train", "new", "test" or "all", model = path of
-- the model, split_csv, layout, seed, val_fraction }; metadata: of the model file (default: is read). "val" are the photos
-- that did not train: as split.csv beside the model says, unless one of the last four says something else; "new" those that
-- were not there then. Returns { paths, labels, broken, others } (see data.list), the names of the classes and what the split
-- is called.
return function(opt, metadata)
   local data = require "scute.data"
   metadata = metadata or scute.weights.load(opt.model).metadata or {}
   if opt.split == "test" then return to_test(opt, metadata) end
   if opt.split_csv or opt.seed or opt.val_fraction then
      if opt.split == "val" or opt.split == "train" then return by_folders(opt) end
   end
   if opt.split == "all" then
      local all = data.everything(opt.data_dir, data.options(opt))
      return all, all.classes, "all photos, also those that trained"
   end
   local entries, why = split_of(opt.model, metadata)
   if not entries then
      if opt.split == "new" then fail_where_unknown(why) end
      return by_folders(opt, why)
   end
   local all = data.everything(opt.data_dir, data.options(opt))
   local part, words = by_split_file(opt, all, entries)
   return part, all.classes, words
end
