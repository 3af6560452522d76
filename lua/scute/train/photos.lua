-- Photos as batches: what a training run wants of the data set. Bad photos are named once and left out from then on, or end the
-- run.
--
-- An order of photos depends on which were known to be bad when it was made. So a run that goes on from a checkpoint knows
-- first what the run before knew when its feed was chosen, then what it knew when its epoch began, and then everything.
local augmenting = require "scute.train.augmenting"
local batches = require "scute.data.batches"
local console = require "scute.base.console"
local crops = require "scute.data.crops"
local equal = require "scute.data.equal"
local look = require "scute.data.look"
local ordered = require "scute.train.ordered"
local parallel = require "scute.train.parallel"
local precision = require "scute.base.precision"
local repeats = require "scute.data.repeats"
local sampling = require "scute.train.sampling"
local scute = require "scute.core"
local shares = require "scute.train.shares"

local photos = {}

local SHOWN = 5 -- bad photos that are named on the terminal; all are in bad_images.csv

-- ---- bad photos ----

-- run.bad is the list of those that are known, in the order in which they were met, with true under their paths;
-- run.unreadable has their indices by part, and run.lost how many there are, by part and class.
local function forget(run)
   run.bad, run.unreadable, run.lost = {}, { train = {}, val = {} }, { train = {}, val = {} }
end

local function name_of(run, part)
   return part == run.set.val and "val" or "train"
end

local function know(run, entry)
   run.bad[#run.bad + 1], run.bad[entry.path] = entry, true
   run.unreadable[entry.part][entry.index] = true
   local lost, class = run.lost[entry.part], run.set[entry.part].labels[entry.index]
   lost[class] = (lost[class] or 0) + 1
end

-- How many photos of a class there are in a part.
local function total(part, class)
   if not part.counts then
      part.counts = {}
      for _, label in ipairs(part.labels) do part.counts[label] = (part.counts[label] or 0) + 1 end
   end
   return part.counts[class]
end

-- What the other classes alone come to would be no result; of hundreds of individuals one less is.
local function check_class(run, entry)
   if rawget(run.set, "reid") then return end
   local part = run.set[entry.part]
   local class = part.labels[entry.index]
   local n = total(part, class)
   if run.lost[entry.part][class] < n then return end
   console.fail("data_dir: none of the %s of class '%s' that %s can be read; the last: %s", console.count(n, "photo"),
      run.set.classes[class], entry.part == "val" and "validate" or "train", entry.message)
end

-- The first few by name, that there are more once.
local function tell(run, message)
   run.told = run.told + 1
   if run.told <= SHOWN then console.warn("left out: %s", message) end
   if run.told == SHOWN + 1 then console.warn("more photos are left out; bad_images.csv lists them") end
end

local function note_bad(run, part, bad)
   for _, entry in ipairs(bad) do
      if not run.bad[entry.path] then
         local known = { path = entry.path, message = entry.message, index = entry.index, part = name_of(run, part) }
         know(run, known)
         run.meter:clear()
         tell(run, entry.message)
         check_class(run, known)
      end
   end
end

-- Notes a photo in a list, once. list: run.endless or run.cut, those whose file lacks its end or whose box reaches beyond it.
local function note(list, path)
   if list[path] then return end
   list[#list + 1], list[path] = path, true
end

-- Makes the first `n` entries of a list what is known of bad photos, and nothing else.
local function know_first(run, list, n)
   forget(run)
   for i = 1, n do know(run, list[i]) end
end

--- To be called as a run begins: what another one met in the same photos it meets anew.
function photos.begin(run)
   forget(run)
   run.seen = {} -- photos that were read in this process, by path
   run.told, run.digests, run.endless, run.cut, run.alike, run.looks = 0, {}, {}, {}, {}, look.new()
end

--- Tells of photos that are left out since their first bytes are no photo's, or ends the run for them.
function photos.tell_broken(run)
   for _, entry in ipairs(run.set.broken or {}) do
      if run.on_bad_image == "error" then console.fail("%s", entry.message) end
      tell(run, entry.message)
   end
end

-- ---- digests ----

-- Pairs with the same bytes were told before.
local function differs(run, path, other)
   return run.digests[other] ~= run.digests[path]
end

-- Notes what a photo looks like, and a pair of one that trains and one that validates which look the same.
local function meet(run, side, seen, path)
   local other = seen and run.looks:meet(side, seen, path)
   if not other or not differs(run, path, other) then return end
   run.alike[#run.alike + 1] = { [side] = path, [side == "train" and "val" or "train"] = other }
end

-- Some photos of a part, by their names.
local function some(part, paths)
   local number, found = {}, crops.begin({ paths = {} }, part)
   for i, path in ipairs(part.paths) do number[path] = i end
   for i, path in ipairs(paths) do
      found.paths[i] = path
      crops.add(found, part, number[path])
   end
   return found
end

-- Looks whole at those photos that augmentation saw at a part of their size only, and that resemble one of the other side.
local function look_again(run)
   local paths = run.looks:uncertain(function(path, other) return differs(run, path, other) end)
   if #paths == 0 then return end
   local options = { digests = true, preprocess = run.preprocess, workers = run.workers }
   for _, _, indices, _, _, _, looks in scute.loader(crops.loading(some(run.set.train, paths), options)) do
      for i, index in ipairs(indices:values()) do meet(run, "train", looks[i], paths[index]) end
   end
end

-- What hears of the digests of files as they are first read; nil where all of a part are known. A run that goes on looks at its
-- photos once more: one that was replaced meanwhile would train under the name of another.
local function digested(run, part)
   local side, known = name_of(run, part), 0
   for i, path in ipairs(part.paths) do
      known = known + ((run.seen[path] or run.unreadable[side][i]) and 1 or 0)
   end
   if known == #part.paths then return nil end
   return function(indices, digests, looks)
      for i, index in ipairs(indices) do
         local path, digest = part.paths[index], digests[i] .. crops.mark(part, index)
         local before = run.digests[path]
         if before and before ~= digest then
            console.fail("data_dir: '%s' is another %s than the one that the run began with; put that back, or begin a new "
               .. "run without --resume", path, part.samples and "sample" or crops.has(part) and "photo (or part of one)"
               or "file")
         end
         if not before then run.digests[path], run.digests_changed = digest, true end
         if not run.seen[path] then meet(run, side, looks and looks[i], path) end
         run.seen[path] = true
      end
   end
end

local function tell_endless(run)
   local n = #run.endless
   if n == 0 or run.endless.told then return end
   run.endless.told = true
   console.line("note: %s the end of %s (%s%s); all pixels are there, and they are used", n == 1 and "a photo lacks"
      or n .. " photos lack", n == 1 and "its file" or "their files", run.endless[1], n > 1 and ", ..." or "")
end

local function tell_cut(run)
   local n = #run.cut
   if n == 0 or run.cut.told then return end
   run.cut.told = true
   console.line("note: %s beyond the photo (%s%s) and %s cut off at its edge", n == 1 and "a box reaches"
      or n .. " boxes reach", run.cut[1], n > 1 and ", ..." or "", n == 1 and "is" or "are")
end

--- The hook that tells what the first look at all photos has found: those whose files lack their end, boxes that reach beyond
-- their photos, and those with the same
-- pixels or numbers on both sides of the split.
photos.hook = {
   on_epoch_end = function(run)
      tell_endless(run)
      tell_cut(run)
      look_again(run)
      equal.warn(run.alike, "pixels")
      run.alike = {}
      if run.set.samples then equal.tell(run.set) end
   end,
}

--- What is known of photos, as a part of a run's state (see scute.train.state): which are bad, and digests that split.csv does
-- not have yet.
photos.part = { name = "photos" }

-- By part, as one text each in the order of its photos: "9c2f01ab-48213,,7e...".
local function digests_of(run)
   local texts = {}
   for _, side in ipairs { "train", "val" } do
      local list = {}
      for i, path in ipairs(run.set[side].paths) do list[i] = run.digests[path] or "" end
      texts[side] = table.concat(list, ",")
   end
   return texts
end

function photos.part.save(run)
   return { list = table.move(run.bad, 1, #run.bad, 1, {}), feed = run.known.feed, epoch = run.known.epoch,
      digests = run.digests_changed and digests_of(run) or nil }
end

--- Takes the digests that were saved so, of the photos of run.set.
function photos.recall_digests(run, saved)
   for side, text in pairs(saved.digests or {}) do
      local i = 0
      for digest in (text .. ","):gmatch "([^,]*)," do
         i = i + 1
         local path = run.set[side].paths[i]
         if path and digest ~= "" then run.digests[path] = digest end
      end
   end
end

function photos.part.load(run, saved)
   run.replayed = saved
   know_first(run, saved.list, saved.feed)
end

--- To be called when a feed is chosen.
function photos.feed_begins(run)
   run.known.feed = #run.bad
end

--- To be called before the order of an epoch is made. part_way: whether it was begun in the run before.
function photos.epoch_begins(run, part_way)
   local saved = run.replayed
   if saved then know_first(run, saved.list, part_way and saved.epoch or #saved.list) end
   run.known.epoch = #run.bad
end

--- To be called when it is made.
function photos.epoch_has_begun(run)
   local saved = run.replayed
   if saved then know_first(run, saved.list, #saved.list) end
   run.replayed = nil
end

--- The indices of an order (default: all of a part) whose photos are not known to be bad.
function photos.good_ones(run, part, order)
   local bad, kept = run.unreadable[name_of(run, part)], {}
   if order and not next(bad) then return order end
   for i = 1, order and #order or #part.paths do
      local index = order and order[i] or i
      if not bad[index] then kept[#kept + 1] = index end
   end
   return kept
end

--- The photos of an epoch in their order, without those that are known to be bad. Together.
function photos.order(run, epoch)
   local list = sampling.indices(run, epoch, run.unreadable.train)
   sampling.agree(run, epoch, list)
   return photos.good_ones(run, run.set.train, list)
end

-- ---- the source ----

--- Steps of an epoch over n photos: a last batch of one photo joins the one before it.
function photos.steps_of(n, batch_size)
   return n > batch_size and n % batch_size == 1 and n // batch_size or math.ceil(n / batch_size)
end

-- What hears of photos by the numbers that scute.data.repeats gives them, and tells of the photos behind these.
local function hear_originals(hear, origin)
   if not origin then return hear end
   local function original(index) return origin[index] or index end
   local heard = {}
   function heard.note(bad, notes)
      for _, entry in ipairs(bad) do entry.index = original(entry.index) end
      hear.note(bad, notes)
   end
   heard.digested = hear.digested and function(indices, ...)
      for i, index in ipairs(indices) do indices[i] = original(index) end
      hear.digested(indices, ...)
   end
   return heard
end

local function originals(indices, origin)
   if not origin then return indices end
   local list = indices:values()
   indices:free()
   for i, index in ipairs(list) do list[i] = origin[index] or index end
   return scute.tensor(list, { dtype = "i64" })
end

-- What hears of photos of a part, see source.hear.
local function hearing(run, part)
   return {
      note = function(bad, notes)
         note_bad(run, part, bad)
         for _, entry in ipairs(notes) do note(entry.is_cut and run.cut or run.endless, entry.path) end
      end,
      digested = digested(run, part),
   }
end

-- The same in one of several processes, for photos.share.
local function hearing_apart(run, part)
   local side, unknown = name_of(run, part), digested(run, part) ~= nil
   return {
      note = function(bad, notes)
         for _, entry in ipairs(bad) do parallel.hear(run, "bad", side, entry.index, entry.path, entry.message) end
         for _, entry in ipairs(notes) do parallel.hear(run, entry.is_cut and "cut" or "end", side, 0, entry.path) end
      end,
      digested = unknown and function(indices, digests, looks)
         for i, index in ipairs(indices) do
            parallel.hear(run, "digest", side, index, digests[i], looks and looks[i])
         end
      end or nil,
   }
end

--- Of several processes: each knows from here on what any of them has read of photos. Together.
function photos.share(run)
   local heard = run.shared and { train = hearing(run, run.set.train), val = hearing(run, run.set.val) }
   parallel.share_heard(run, function(kind, side, index, one, other)
      local hear = heard[side]
      if kind == "bad" then
         hear.note({ { index = index, path = one, message = other } }, {})
      elseif kind ~= "digest" then
         hear.note({}, { { path = one, is_cut = kind == "cut" } })
      elseif hear.digested then
         hear.digested({ index }, { one }, other ~= "" and { other } or nil)
      end
   end)
end

--- The source of photos of a run: hear(part), batches(part, options) and check_readable(...).
function photos.source(run)
   local source = {}

   --- What hears of the photos of a part as they are read: { note(bad, notes), digested(indices, digests, looks) or nil }, see
   -- scute.data.batches; indices is a list.
   function source.hear(part)
      return run.shared and hearing_apart(run, part) or hearing(run, part)
   end

   --- Iterates over a part of the data set (train or val): x (n, 3, H, W), y (n), indices (n), and the number of batches
   -- of the order that are behind, with those of which no photo could be read.
   -- options: order (list of indices, default all), batch_size, merge_last_single, augment, epoch (of the augmentation),
   -- skip (batches to pass over, default 0), hear (default: source.hear(part)), shared (only this process's photos of each
   -- batch, see shares.batches), ordered (the same in parts: see ordered.batches, which merges a single photo, too).
   function source.batches(part, options)
      local shown, order, origin = repeats(part, photos.good_ones(run, part, options.order))
      local skip, size = options.skip or 0, options.batch_size
      local steps = options.merge_last_single and photos.steps_of(#order, size) or math.ceil(#order / size)
      if skip >= steps then return function() end end
      local augments = options.augment and augmenting.has_functions(run)
      local hear = hear_originals(options.hear or source.hear(part), origin)
      -- The photos of a list in batches of that size, with the number of each batch.
      local function read_list(list, n, merge)
         local read, _, _, closing = batches(shown, {
            order = list, batch_size = n, merge_last_single = merge, preprocess = run.preprocess,
            workers = run.workers, on_bad = run.on_bad_image, augment = options.augment, seed = run.seed,
            epoch = options.epoch,
            -- Mixing and functions of the user's get photos before they are rounded to half precision.
            device = run.device, dtype = not run.mixes and not augments and run.half or nil,
            note = hear.note,
            digested = hear.digested and function(indices, ...) hear.digested(indices:values(), ...) end,
         })
         local at = 1
         return function()
            local x, y, indices = read()
            if not x then return nil end
            local last = indices[indices:numel()]
            while list[at] ~= last do at = at + 1 end
            local numbers = options.ordered and indices:values() or nil
            if augments and not numbers then x = augmenting.apply(run, shown, x, indices, options.epoch) end
            return x, y, originals(indices, origin), (at - 1) // n + 1, numbers
         end, nil, nil, closing
      end
      if options.ordered then
         local least = shares.least(run)
         shares.tell_empty(run, least)
         return ordered.batches(run, order, size, steps, skip, read_list, least, augments and function(x, numbers)
            local which <close> = scute.tensor(numbers, { dtype = "i64" })
            return augmenting.apply(run, shown, x, which, options.epoch)
         end)
      end
      if options.shared then
         local least = shares.least(run)
         shares.tell_idle(run, least)
         return shares.batches(order, size, steps, skip, read_list, least)
      end
      local read, _, _, closing = read_list(table.move(order, skip * size + 1, #order, 1, {}), size,
         options.merge_last_single)
      return function()
         local x, y, indices, number = read()
         if not x then return nil end
         return x, y, indices, math.min(skip + number, steps)
      end, nil, nil, closing
   end

   --- Fails where nothing of a part could be read.
   function source.check_readable(found, part)
      if found then return end
      local first = run.bad[1]
      console.fail("data_dir: none of the %s in '%s' can be read as a photo%s", console.count(#part.paths, "file"),
         run.set.dir or run.set.name, first and "; the first: " .. first.message or "")
   end

   return source
end

--- Trains and validates from the photos themselves, each decoded and sent through the whole network in every epoch.
function photos.feed(run)
   local set = run.set
   local n = #photos.order(run, run.epoch)
   return {
      cached = false,
      shared = run.shared, -- each process has its share of the photos
      photos = n,
      steps = photos.steps_of(n, run.batch_size),
      train = function(epoch, skip)
         return run.photos.batches(set.train, { order = photos.order(run, epoch), skip = skip,
            batch_size = run.batch_size, merge_last_single = true, augment = run.augment, epoch = epoch,
            shared = run.shared, ordered = run.ordered })
      end,
      val = function()
         local order = run.shared and shares.turns(photos.good_ones(run, set.val), run.batch_size) or nil
         return run.photos.batches(set.val, { order = order, batch_size = run.batch_size })
      end,
      forward = function(x)
         return precision.call(run.half, run.model, x)
      end,
      close = function() end,
   }
end

return photos
