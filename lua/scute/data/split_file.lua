-- The split of a run as a file, split.csv in its folder: which photos trained and which validated, whatever is added to the
-- data folder or taken from it later. Columns as --split_csv takes them:
--   file     path below the data folder, or absolute
--   label    its class
--   split    train or val
--   digest   of the file's bytes, as the loader tells it when it first reads them (see scute.loader); empty until then
local scute = require "scute.core"
local console = require "scute.base.console"
local csv = require "scute.base.csv"

local split_file = {}

split_file.NAME = "split.csv"

--- What the file calls a photo: its path below the data folder, or the whole of it.
function split_file.name_of(dir, path)
   return path:sub(1, #dir + 1) == dir .. "/" and path:sub(#dir + 2) or path
end

local function quoted(text)
   return text:find '[,"\r\n]' and '"' .. text:gsub('"', '""') .. '"' or text
end

--- Its text. digests: path -> digest, as far as they are known.
function split_file.text(set, digests)
   local lines = { "file,label,split,digest" }
   for _, part in ipairs { "train", "val" } do
      for i, path in ipairs(set[part].paths) do
         lines[#lines + 1] = ("%s,%s,%s,%s"):format(quoted(split_file.name_of(set.dir, path)),
            quoted(set.classes[set[part].labels[i]]), part, digests[path] or "")
      end
   end
   return table.concat(lines, "\n") .. "\n"
end

--- What such a file says: { {file, label, split, digest}, ... } in its order; nil and why where there is none, or it is none.
function split_file.read(path)
   local file, why = io.open(path, "rb")
   if not file then return nil, why end
   local text = file:read "a"
   file:close()
   local rows, message, line = csv.parse(text or "")
   if not rows then return nil, ("%s, line %d: %s"):format(path, line, message) end
   if #rows < 2 or table.concat(rows[1], ",") ~= "file,label,split,digest" then
      return nil, ("%s: expected the columns file,label,split,digest"):format(path)
   end
   local entries = {}
   for i = 2, #rows do
      local row = rows[i]
      if #row ~= 4 or row[3] ~= "train" and row[3] ~= "val" then
         return nil, ("%s, line %d: expected file, label, train or val, and digest"):format(path, row.line)
      end
      entries[#entries + 1] = { file = row[1], label = row[2], split = row[3], digest = row[4] ~= "" and row[4] or nil }
   end
   return entries
end

-- ---- a data set as it was ----

-- The photos of a set by what the file calls them.
local function paths_of(set)
   local paths, n = {}, 0
   for _, part in ipairs { set.train, set.val } do
      for _, path in ipairs(part.paths) do
         local name = split_file.name_of(set.dir, path)
         if not paths[name] then paths[name], n = path, n + 1 end
      end
   end
   return paths, n
end

local function fail_for_missing(path, missing)
   console.fail("data_dir: %s of the run in %s cannot be found or read any more: '%s'%s; put %s back, or begin a new run "
      .. "without --resume", #missing == 1 and "a photo" or #missing .. " photos", path, missing[1],
      #missing > 1 and " and others" or "", #missing == 1 and "it" or "them")
end

--- Makes the parts of a data set those that the file at `path` says, in its order: what is new is left out, with a note, and
-- what is missing is a failure that names it. Returns digests by path, as far as the file has them; nil where there is no file.
function split_file.hold(set, path)
   local entries, why = split_file.read(path)
   if not entries then
      if why:find "No such file" then return nil end
      console.fail("%s; without it the run cannot go on with its own photos", why)
   end
   local paths, n = paths_of(set)
   local classes, missing, digests = {}, {}, {}
   local parts = { train = { paths = {}, labels = {}, counts = {} }, val = { paths = {}, labels = {}, counts = {} } }
   for class, name in ipairs(set.classes) do
      classes[name], parts.train.counts[class], parts.val.counts[class] = class, 0, 0
   end
   for _, entry in ipairs(entries) do
      local found, class, part = paths[entry.file], classes[entry.label], parts[entry.split]
      if not found or not class then
         missing[#missing + 1] = entry.file
      else
         part.paths[#part.paths + 1], part.labels[#part.labels + 1] = found, class
         part.counts[class] = part.counts[class] + 1
         digests[found] = entry.digest
      end
   end
   if #missing > 0 then fail_for_missing(path:match "^(.*)/" or ".", missing) end
   set.train, set.val = parts.train, parts.val
   if n > #entries then
      set.notes[#set.notes + 1] = ("%s new since the run began and left out"):format(
         n - #entries == 1 and "1 photo is" or n - #entries .. " photos are")
   end
   return digests
end

--- Writes the split of a set into a folder of several runs.
function split_file.save(set, folder)
   console.guard("output_dir", scute.files.mkdirs, folder)
   console.guard("output_dir", scute.files.write, folder .. "/" .. split_file.NAME, split_file.text(set, {}))
end

return split_file
