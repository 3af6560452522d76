-- The photos of runs that are compared with each other, which is fair with the same ones only: split.csv beside the runs says
-- which they are, with the digests of what the first run that ended has read.
local lfs = require "lfs"
local console = require "scute.base.console"
local digest = require "scute.data.digest"
local readable = require "scute.base.readable"
local split_file = require "scute.data.split_file"

local photos = {}

local function path_in(folder)
   return folder .. "/" .. split_file.NAME
end

-- Whether a run has read the photos of a split.csv: those without a digest could not be read then.
local function are_known(folder)
   for _, entry in ipairs(split_file.read(path_in(folder)) or {}) do
      if entry.digest then return true end
   end
   return false
end

--- Whether the script says of a set now how it is split, and that is otherwise than the runs in `folder` have it. words: how
-- these were split. Where photos are new alone, their split stays.
function photos.are_split_otherwise(set, folder, words, overwrite)
   local is_said = set.split ~= words or set.is_listed and overwrite
   return is_said and split_file.differs(set, path_in(folder))
end

--- Makes the photos of a set those of the runs in `folder`, with set.digests of those that are known (path -> digest). Returns
-- whether there are such.
function photos.hold(set, folder)
   local known = are_known(folder)
   local digests = split_file.hold(set, path_in(folder), function() return known end)
   set.digests = digests
   return digests ~= nil
end

-- ---- whether they are the same still ----

-- A file that has not been touched since the digests were written has not been read again.
local function has_changed(path, text, since)
   local found = lfs.attributes(path)
   if not found or not digest.has_size(path, text) then return true end
   return math.max(found.modification, found.change) >= since and digest.of(path) ~= text
end

local function each(set, visit)
   for _, part in ipairs { set.train, set.val, rawget(set, "test") } do
      for _, path in ipairs(part.paths) do visit(path) end
   end
end

local function tell(is_done, what, folder, list, remedy)
   local words = ("data_dir: %s: '%s'%s"):format(what:format(folder), list[1],
      #list > 1 and (" and %d more"):format(#list - 1) or "")
   if is_done then return console.warn("%s; the figures are of what was there then", words) end
   console.fail("%s; a comparison is fair with the same photos only: %s, or begin anew in another --output_dir", words, remedy)
end

--- Fails where a photo is another one than the runs in `folder` have read, or can be read only now: what they found and what
-- the others will find would not be of the same photos. is_done: nothing is trained any more; then it warns.
function photos.check(set, folder, is_done)
   if set.samples or not set.digests or not next(set.digests) then return end -- samples are no files: see photos.other
   local since, changed, mended = lfs.attributes(path_in(folder), "modification"), {}, {}
   each(set, function(path)
      local known = set.digests[path]
      if known and has_changed(path, known, since) then changed[#changed + 1] = path end
      if not known and readable(path) then mended[#mended + 1] = path end
   end)
   if #changed > 0 then
      tell(is_done, "photos have changed since the runs in %s began", folder, changed, "put back what was there")
   elseif #mended > 0 then
      tell(is_done, "photos can be read that could not be when the runs in %s began", folder, mended, "move them away")
   end
end

--- A photo of which a run that has ended, whose own folder this is, has read something else than is known; nil where there is
-- none.
function photos.other(set, of_run)
   local by_file = {}
   for _, entry in ipairs(split_file.read(path_in(of_run)) or {}) do by_file[entry.file] = entry.digest end
   local found
   each(set, function(path)
      local known, read = (set.digests or {})[path], by_file[split_file.name_of(set.dir, path)]
      if known and read and known ~= read then found = found or path end
   end)
   return found
end

-- Adds the digests of the photos that `visit_all` visits, as a run that has ended has read them.
local function add_digests(set, of_run, visit_all)
   local by_file = {}
   for _, entry in ipairs(split_file.read(path_in(of_run)) or {}) do by_file[entry.file] = entry.digest or false end
   visit_all(function(path)
      local known = by_file[split_file.name_of(set.dir, path)]
      if known == nil and lfs.attributes(path) then known = digest.of(path) end -- of a test, which it has not read
      set.digests[path] = known or nil
   end)
end

-- Photos to test that are not known, as they came to a trial that had begun without any.
local function new_to_test(set)
   local test = rawget(set, "test")
   for _, path in ipairs(test and not set.samples and test.paths or {}) do
      if set.digests[path] then return false end
   end
   return test ~= nil and not set.samples and #test.paths > 0
end

--- Takes over what a run that has ended, whose own folder this is, has read, unless that is known already.
function photos.learn(set, folder, of_run)
   local is_known = set.digests and next(set.digests)
   if is_known and not new_to_test(set) then return end
   set.digests = set.digests or {}
   add_digests(set, of_run, function(visit)
      if not is_known then return each(set, visit) end
      for _, path in ipairs(set.test.paths) do visit(path) end
   end)
   split_file.save(set, folder)
end

return photos
