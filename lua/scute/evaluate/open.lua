-- Which photos are evaluated. What trained and what validated is as the run's split.csv says it (see
-- scute.data.split_file), whatever has come into the folder or gone from it since; nothing is drawn anew, and what trained is
-- never counted as held out.
local lfs = require "lfs"
local scute = require "scute"
local apart = require "scute.data.apart"
local as_text = require "scute.data.as_text"
local console = require "scute.base.console"
local digest = require "scute.data.digest"
local folder = require "scute.data.folder"
local layout = require "scute.data.layout"
local split_file = require "scute.data.split_file"

local function folder_of(path)
   return path:match "^(.*)/" or "."
end

local function count(n, one, many)
   return n == 1 and "1 photo " .. one or ("%d photos %s"):format(n, many)
end

local function add(part, path, class)
   part.paths[#part.paths + 1], part.labels[#part.labels + 1] = path, class
end

local function new_part(more)
   return as_text.part { paths = {}, labels = {}, broken = more and more.broken, others = more and more.others }
end

-- ---- what the run says ----

-- Which file a path leads to, however it is written; the path where there is none.
local function file_at(path)
   local found = lfs.attributes(path)
   return found and ("%d:%d"):format(found.dev, found.ino) or path
end

-- The run of a model: { entries of its split.csv, trained, validated = digests of the photos that did, of = entries by file,
-- at = by what file_at says }; nil, why it is not known, and whether the file is there but another one.
local function run_of(model_path, metadata)
   local path = folder_of(model_path) .. "/" .. split_file.NAME
   local entries, why = split_file.read(path)
   if not entries then
      local is_missing = why:find "No such file"
      return nil, is_missing and ("there is no %s beside the model"):format(split_file.NAME) or why, not is_missing
   elseif scute.weights.sha256(path) ~= metadata.split then
      return nil, path .. " is not the one of this model, or was changed", true
   end
   local run = { entries = entries, trained = digest.set(), validated = digest.set(), of = {}, at = {} }
   local sets = { train = run.trained, val = run.validated }
   for _, entry in ipairs(entries) do
      run.of[scute.nfc(entry.file)], run.at[file_at(entry.file)] = entry, entry
      if sets[entry.split] and entry.digest then sets[entry.split]:add(entry.digest) end
   end
   return run
end

-- What split.csv says of a photo, by its name in the data folder or, of a list of files, by its path or which file it is.
local function entry_of(run, dir, path)
   return run.of[scute.nfc(split_file.name_of(dir, path))] or run.of[scute.nfc(path)] or run.at[file_at(path)]
end

-- Whether the photo at a path is one that the run used so ("train" or "val", with their digests): by its name, or a copy.
local function was(run, dir, path, split, digests)
   local entry = entry_of(run, dir, path)
   local is_named = entry and entry.split == split and (not entry.digest or digest.has_size(path, entry.digest))
   return is_named or digests:has(path)
end

-- The account of the run, its run.json; an empty table where there is none.
local function account_of(model_path)
   local file = io.open(folder_of(model_path) .. "/run.json", "rb")
   local text = file and file:read "a"
   if file then file:close() end
   local ok, run = pcall(require("cjson").decode, text or "")
   return ok and type(run) == "table" and run or {}
end

-- What the run calls its split.
local function name_of_split(model_path)
   local split = account_of(model_path).split
   return type(split) == "string" and split or "as the run was split"
end

-- Weights of the last epoch, which nobody chose.
local LAST = { ["last.safetensors"] = true, ["ema.safetensors"] = true }

local function used(run, opt, part, split, digests)
   local set, n, dir = {}, 0, opt.data_dir:gsub("(.)/+$", "%1")
   for _, path in ipairs(part.paths) do
      if was(run, dir, path, split, digests) then set[path], n = true, n + 1 end
   end
   return set, n
end

-- The photos of a part that had their say in which epoch of the run the model is of: those that validated. A set of paths, and
-- how many they are.
local function choosers(run, opt, part)
   local result = account_of(opt.model).result
   if LAST[opt.model:match "[^/]*$"] or type(result) == "table" and result.epochs == 1 then return {}, 0 end
   return used(run, opt, part, "val", run.validated)
end

-- Those that trained, the same two.
local function trainers(run, opt, part)
   return used(run, opt, part, "train", run.trained)
end

local function classes_of(entries)
   local names, number = {}, {}
   for _, entry in ipairs(entries) do
      if not number[entry.label] then
         names[#names + 1], number[entry.label] = entry.label, true
      end
   end
   for class, name in ipairs(folder.sort_bytes(names)) do number[name] = class end
   return names, number
end

-- Paths by composed name, of all files below a folder.
local function names_below(dir)
   local names = {}
   for _, path in ipairs(folder.files(dir)) do names[scute.nfc(split_file.name_of(dir, path))] = path end
   return names
end

-- Where the photo of an entry is: as split.csv has it, below the folder or (of a list of files) by itself, or, where a copy of
-- the folder writes accents otherwise, as that has it.
local function place_of(entry, dir, by_name)
   local path = entry.file:sub(1, 1) == "/" and entry.file or dir .. "/" .. entry.file
   if lfs.attributes(path) then return path end
   if lfs.attributes(entry.file) then return entry.file end
   if not entry.file:find "[\x80-\xff]" then return path end
   return by_name()[scute.nfc(entry.file)] or path
end

-- Whether the file at `path` is the photo of an entry: by its name, and by its bytes as far as they are known.
local function is_still(path, entry)
   if not entry.digest then return lfs.attributes(path, "mode") == "file" end
   return digest.has_size(path, entry.digest) and digest.of(path) == digest.of_file(entry.digest)
end

-- ---- parts ----

-- Without the photos that trained: those of the run by name, and copies of them by any name, whose number is told.
local function held_out(run, dir, part)
   local kept, copies = new_part(part), {}
   for i, path in ipairs(part.paths) do
      if was(run, dir, path, "train", run.trained) then
         copies[#copies + 1] = path
      else
         add(kept, path, part.labels[i])
      end
   end
   if #copies > 0 then
      console.warn("left out: %s (%s%s)", count(#copies, "trained, or is a copy of one that did",
         "trained, or are copies of some that did"), copies[1], #copies > 1 and ", ..." or "")
   end
   if #kept.paths == 0 then
      console.fail("data_dir: all of these photos trained; --split all takes photos whatever they were used for")
   end
   return kept
end

-- Photos of the data folder that the run did not have, by name, or under the name of one that was of another length.
local function newcomers(run, all)
   local fresh = new_part(all)
   for i, path in ipairs(all.paths) do
      local entry = entry_of(run, all.dir, path)
      if not entry or entry.digest and not digest.has_size(path, entry.digest) then add(fresh, path, all.labels[i]) end
   end
   return fresh
end

local function tell_notes(set)
   for _, text in ipairs(set.notes or {}) do console.warn("note: %s", text) end
end

-- A note where there are new photos; a folder that cannot be read as one of classes has none that count.
local function tell_of_newcomers(run, opt)
   local data = require "scute.data"
   local read, all = pcall(data.everything, opt.data_dir, data.options(opt))
   local n = 0
   if read then tell_notes(all) end
   for _, path in ipairs(read and newcomers(run, all).paths or {}) do n = n + (run.trained:has(path) and 0 or 1) end
   if n > 0 then
      console.warn("note: %s new since the training and left out; --split new takes them", count(n, "is", "are"))
   end
end

local function side_words(opt)
   return opt.split == "val" and "validation: " or "training photos: "
end

-- One side of the run's split: "val" or "train".
local function side_of(run, opt)
   local classes, number = classes_of(run.entries)
   local part, missing, wanted, found = new_part(), 0, {}, {}
   local dir = opt.data_dir:gsub("(.)/+$", "%1")
   local names
   local function by_name()
      names = names or names_below(dir)
      return names
   end
   for _, entry in ipairs(run.entries) do
      if entry.split == opt.split then
         local path = place_of(entry, dir, by_name)
         wanted[entry.label] = true
         if is_still(path, entry) then
            add(part, path, number[entry.label])
            found[entry.label] = true
         else
            missing = missing + 1
         end
      end
   end
   local words = opt.split == "val" and "validated" or "trained"
   for _, name in ipairs(classes) do
      if wanted[name] and not found[name] then
         console.fail("data_dir: no photo of class '%s' that %s is in '%s' as it was; --split new takes photos that are new "
            .. "since, --split all all of them", name, words, opt.data_dir)
      end
   end
   if missing > 0 then
      console.warn("left out: %s no longer there, or changed",
         count(missing, "that " .. words .. " is", "that " .. words .. " are"))
   end
   tell_of_newcomers(run, opt)
   return part, classes, side_words(opt) .. name_of_split(opt.model)
end

-- ---- ways to say which ----

local function test_folder(dir)
   for _, name in ipairs((folder.list(dir))) do
      if layout.kind(name) == "test" then return dir .. "/" .. name end
   end
   return dir .. "/test"
end

-- As data.open has it. held: whether what trained is taken out.
local function opened(opt, run, given, split, held)
   local set = require("scute.data").open(opt.data_dir, given)
   tell_notes(set)
   local part = set[split]
   part.broken, part.others = set.broken, set.others
   return run and held and held_out(run, set.dir, part) or part, set.classes, set.split
end

local function to_test(opt, run)
   if opt.split_csv then return opened(opt, run, { split_csv = opt.split_csv, validates = "test" }, "val", true) end
   local part, classes = require("scute.data").list(test_folder(opt.data_dir))
   tell_notes(part)
   return run and held_out(run, opt.data_dir, part) or part, classes, "test/"
end

local function all_photos(opt)
   local data = require "scute.data"
   local words = "all photos, also those that trained"
   if opt.split_csv then
      local set = data.open(opt.data_dir, { split_csv = opt.split_csv })
      local part = set.train
      for i, path in ipairs(set.val.paths) do add(part, path, set.val.labels[i]) end
      part.broken = set.broken
      return part, set.classes, ("%s in %s"):format(words, opt.split_csv)
   end
   local all = data.everything(opt.data_dir, data.options(opt))
   tell_notes(all)
   return all, all.classes, words
end

-- Where the run's own split is not known.
local function unknown(opt, why, is_another)
   local data = require "scute.data"
   local given = data.options(opt)
   local read, has_validation = pcall(data.has_validation, opt.data_dir, given)
   local by_folders = not is_another and read and has_validation
   if not by_folders and not (opt.seed or opt.val_fraction) or opt.split == "new" then
      console.fail("it is not known which photos trained: %s; --split_csv FILE says which photos validate, --split test takes "
         .. "those in test/, --split all all of them, also those that trained", why)
   end
   console.warn("%s, so %s taken for those that did not train", why, by_folders and "the photos in the folder to validate are"
      or "photos drawn as the command line says are")
   local part, classes, words = opened(opt, nil, given, opt.split)
   return part, classes, side_words(opt) .. words
end

-- What is asked for of a folder; run, why and is_another: as run_of returns them.
local function asked_for(opt, run, why, is_another)
   if opt.split == "all" then return all_photos(opt) end
   if opt.split == "test" then return to_test(opt, run) end
   if opt.split == "new" and opt.split_csv then
      console.stop(2, "--split new and --split_csv exclude each other: what the file names is not new")
   elseif opt.split_csv then
      local part, classes, words = opened(opt, run, { split_csv = opt.split_csv }, opt.split, opt.split == "val")
      return part, classes, side_words(opt) .. words
   elseif not run then
      return unknown(opt, why, is_another)
   elseif opt.val_fraction then
      console.stop(2, "--val_fraction would draw another split, and that of the run is known; leave it out, or say with "
         .. "--split_csv which photos validate")
   elseif opt.split == "new" then
      local data = require "scute.data"
      local all = data.everything(opt.data_dir, data.options(opt))
      tell_notes(all)
      local fresh = newcomers(run, all)
      if #fresh.paths == 0 then console.fail("data_dir: no photo in '%s' is new since the training", opt.data_dir) end
      return held_out(run, all.dir, fresh), all.classes, "photos that are new since the training"
   end
   return side_of(run, opt)
end

--- The photos that a command line asks for. opt: { data_dir, split = "val", "train", "new", "test" or "all", model = path of
-- the model, split_csv, layout, seed, val_fraction, output_dir, which may not lie among the photos }; metadata: of the model
-- file (default: is read). "val" are the photos that did not train, as split.csv beside the model says; "new" those that were
-- not there then. split_csv names them otherwise; seed
-- and val_fraction draw them where the run's split is not known. Photos that trained, and copies of them, are left out of all
-- but "train" and "all". Returns { paths, labels, broken, others } (see data.list), the names of the classes and what the split
-- is called. Field `chosen` of the first says by how many of the photos the model's epoch was chosen, `trained` how
-- many of them trained it; nil where the run is not known.
return function(opt, metadata)
   if opt.output_dir and not opt.split_csv then apart(opt.output_dir, opt.data_dir, opt.layout) end
   local run, why, is_another = run_of(opt.model, metadata or scute.weights.load(opt.model).metadata or {})
   local part, classes, words = asked_for(opt, run, why, is_another)
   if run and opt.split ~= "new" then
      part._choosers, part.chosen = choosers(run, opt, part)
      part._trainers, part.trained = trainers(run, opt, part)
   end
   return part, classes, words
end
