-- Features that an earlier run of the same --watch computed. They are kept under a text of everything that they depend on:
-- the library, the model with its weights, the photos as files, and how those become pixels. Beyond that a part of them is
-- computed anew and compared bit by bit, so that what such a text overlooks (a function of the library that the script
-- replaced) costs time and no accuracy.
local lfs = require "lfs"
local scute = require "scute"
local augmenting = require "scute.train.augmenting"
local crops = require "scute.data.crops"
local exact = require "scute.train.exact"
local photos = require "scute.train.photos"
local text_of = require "scute.base.plain_text"

local recalled = {}

local BEGUN = os.time()

-- ---- what they depend on ----

local LIBRARY = assert(scute.module_file "scute.models"):gsub("/models%.lua$", "")

-- Stamps of all files of the library, and when the last one was changed.
local function library_stamps(folder, list)
   local latest, names = 0, {}
   for name in lfs.dir(folder) do names[#names + 1] = name end
   table.sort(names)
   for _, name in ipairs(names) do
      local path, changed = folder .. "/" .. name, 0
      if name:find "%.lua$" then
         list[#list + 1], _, changed = scute.files.stamp(path)
      elseif not name:find "^%." and lfs.attributes(path, "mode") == "directory" then
         changed = library_stamps(path, list)
      end
      latest = math.max(latest, changed or 0)
   end
   return latest
end

-- Whether a function is the library's, which has no effect but its result.
local function is_of_library(f)
   local source = type(f) == "function" and debug.getinfo(f, "S").source or ""
   return source:sub(1, #LIBRARY + 2) == "@" .. LIBRARY .. "/"
end

local function is_plain(model)
   for _, module in model:named_modules() do
      if not is_of_library(module.forward) then return false end
   end
   return is_of_library(model.features)
end

local function is_in_head(model, name)
   return name == model.head_path or name:sub(1, #model.head_path + 1) == model.head_path .. "."
end

local function add_model(list, model)
   local fields, state = model:fields().fields, model:state_dict()
   for path, module in model:named_modules() do
      if not is_in_head(model, path) then
         fields[path].training = nil
         list[#list + 1] = path .. " " .. module.class_name .. text_of(fields[path])
      end
   end
   for _, name in ipairs(state.names) do
      local tensor = state.tensors[name]
      if not is_in_head(model, name) then
         list[#list + 1] = ("%s %s %s"):format(name, tensor.dtype, scute.checksum { tensor })
      end
   end
end

-- Stamps of the photos in an order, and whether all of them are settled.
local function stamps_of(part, order)
   local list, settled = {}, true
   for i, index in ipairs(order) do
      local stamp, sure = scute.files.stamp(crops.file(part.paths[index]))
      list[i] = ("%d %s%s\0%s"):format(index, part.paths[index], crops.mark(part, index), stamp or "")
      settled = settled and sure
   end
   return table.concat(list, "\0"), settled
end

local function settings_of(run, options, hears_digests)
   return text_of { device = run.device, precision = run.precision, tf32 = { scute.tf32() }, mixes = run.mixes,
      threads = scute.threads(), deterministic = scute.deterministic(), bad = run.on_bad_image, preprocess = run.preprocess,
      version = scute.version(), augment = options.augment, seed = options.augment and run.seed,
      epoch = options.augment and options.epoch, arch = run.model.arch, batch_size = options.batch_size,
      digests = hears_digests }
end

-- ---- telling them again ----

-- Writes down what is heard of photos, and passes it on.
local function recorder(hear)
   local heard = { bad = {}, notes = {}, indices = {}, digests = {}, looks = {} }
   return heard, {
      note = function(bad, notes)
         table.move(bad, 1, #bad, #heard.bad + 1, heard.bad)
         table.move(notes, 1, #notes, #heard.notes + 1, heard.notes)
         hear.note(bad, notes)
      end,
      digested = hear.digested and function(indices, digests, looks)
         table.move(digests, 1, #digests, #heard.digests + 1, heard.digests)
         table.move(indices, 1, #indices, #heard.indices + 1, heard.indices)
         table.move(looks, 1, #looks, #heard.looks + 1, heard.looks)
         hear.digested(indices, digests, looks)
      end,
   }
end

local function tell_again(heard, hear)
   hear.note(heard.bad, heard.notes)
   if hear.digested then hear.digested(heard.indices, heard.digests, heard.looks) end
end

local function bits(tensor)
   return scute.checksum { tensor }
end

-- ---- parts ----

local Feed, Part = {}, {}
Feed.__index, Part.__index = Feed, Part

--- What is known of the features of a run, as a feed is made of them: nil where no run is watched, where model, augmentation
-- or photos are not the library's alone, or where the library's files cannot be listed. compute: function(part, options of
-- run.photos.batches) -> features.
function recalled.open(run, compute)
   if not scute.watched() or not is_plain(run.model) or augmenting.has_functions(run) or run.set.samples then
      return nil
   end
   local list = {}
   local walked, changed = pcall(library_stamps, LIBRARY, list)
   if not walked then return nil end
   add_model(list, run.model)
   return setmetatable({ run = run, compute = compute, is_certain = changed < BEGUN, text = table.concat(list, "\0") }, Feed)
end

--- One part of the data set in one view. options: those of run.photos.batches.
function Feed:part(part, options)
   local hear, order = self.run.photos.hear(part), photos.good_ones(self.run, part, options.order)
   local stamps, settled = stamps_of(part, order)
   local heard, recording = recorder(hear)
   return setmetatable({ feed = self, part = part, options = options, order = order, hear = hear, heard = heard,
      recorder = recording, stamps = stamps, is_certain = self.is_certain and settled, random = scute.rng_state(),
      key = table.concat({ settings_of(self.run, options, hear.digested ~= nil), stamps, self.text }, "\0\0") }, Part)
end

-- The features of the last few photos of the order, computed anew.
function Part:sample()
   local size, options = self.options.batch_size, {}
   for name, value in pairs(self.options) do options[name] = value end
   local first = (#self.order - 1) // size * size + 1
   options.order = table.move(self.order, first, #self.order, 1, {})
   options.hear = { note = function() end }
   return self.feed.compute(self.part, options)
end

-- A network that draws random numbers is not what it was without them.
function Part:drew_nothing()
   return text_of(scute.rng_state()) == text_of(self.random)
end

-- Whether the same features come out for them.
function Part:agrees(found)
   local sample = self:sample()
   local n, rows = sample and #sample.y or 0, #found.y
   if n == 0 or n > rows then return false end
   local last <close> = found.x:slice(1, rows - n + 1, rows)
   local same = bits(last) == bits(sample.x)
   sample.x:free()
   return same and self:drew_nothing()
end

--- The features { x, y, row } that are kept, or nil. Those who hear of photos are told what was heard of these. One part of a
-- feed is compared with what comes out now, and where that differs nothing that is kept is used.
function Part:find()
   local text, x = scute.files.recall(self.key)
   if not text or self.feed.differs then return nil end
   local saved = exact.decode(text)
   local found = { x = x:to(self.feed.run.device), y = {}, row = {} }
   for i, index in ipairs(saved.order) do found.y[i], found.row[index] = self.part.labels[index], i end
   if not self.feed.agrees then
      self.feed.agrees = self:agrees(found)
      self.feed.differs = not self.feed.agrees
   end
   if self.feed.agrees then
      tell_again(saved.heard, self.hear)
      return found
   end
   scute.rng_state(self.random)
   found.x:free()
   return nil
end

--- Keeps features, where nothing that they depend on has changed meanwhile.
function Part:keep(found)
   local same_photos = stamps_of(self.part, self.order) == self.stamps
   if not self.is_certain or not same_photos or not self:drew_nothing() then return end
   local order = {}
   for index, row in pairs(found.row) do order[row] = index end
   scute.files.keep(self.key, exact.encode { order = order, heard = self.heard }, found.x)
end

return recalled
