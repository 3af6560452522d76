-- Augmentation of a run: a description, which works while photos are decoded (see scute.augment), and functions of the user's,
-- which get the batch after that:
--
--    augment = { "light", function(x, draw) return x + 0.1 * draw:normal(1, x.shape[3], x.shape[4]) end }
--
-- One is f(x, draw) -> x, or a table { name = "...", apply = f }. x (N, C, H, W) f32 is on the device that trains, normalised
-- as the network gets it (photos: less the mean and divided by the deviation of ImageNet), and the tape does not run. What
-- comes back has the same shape, and finite numbers. `draw` gives random numbers for each photo of the batch, which follow from
-- seed, epoch and photo alone: neither from the batch that it is in, nor from threads, nor from a resume.
local console = require "scute.base.console"
local draw = require "scute.data.draw"
local options = require "scute.base.options"
local photo_file = require "scute.base.photo_file"
local scute = require "scute"
local text_of = require "scute.base.plain_text"
local is_tensor = require("scute.nn.module").is_tensor

local augmenting = {}

local BLOCK = 16 -- numbers of draw(i) that are drawn at once

-- ---- random numbers of a batch ----

local Draw = {}
Draw.__index = Draw

-- samples: numbers of the photos in the part.
local function new_draw(run, epoch, samples)
   return setmetatable({ seed = run.seed, epoch = epoch, samples = samples, device = run.device, blocks = {}, tensors = 0 },
      Draw)
end

-- Even calls are of tensors, odd ones of single numbers: the ones do not move the others.
local function drawn(self, i, call, f, ...)
   return draw.of_sample(self.seed, self.epoch, self.samples[i], call, f, ...)
end

--- The next random number of photo i of the batch, in [0, 1); with n a whole number from 1 to n.
function Draw:__call(i, n)
   if not self.samples[i] then
      error(("draw: expected a photo of the batch, from 1 to %d, found %s"):format(#self.samples, tostring(i)), 2)
   end
   local block = self.blocks[i]
   if not block or block.at == BLOCK then
      local number = block and block.number + 1 or 0
      local values <close> = drawn(self, i, 2 * number + 1, scute.rand, BLOCK)
      block = { number = number, at = 0, values = values:values() }
      self.blocks[i] = block
   end
   block.at = block.at + 1
   local u = block.values[block.at]
   return n and math.min(math.floor(u * n) + 1, n) or u
end

-- A row for each photo, on the device.
local function rows(self, f, ...)
   local shape, list = select("#", ...) > 0 and { ... } or { 1, 1, 1 }, {}
   for i = 1, #self.samples do list[i] = drawn(self, i, 2 * self.tensors, f, 1, table.unpack(shape)) end
   self.tensors = self.tensors + 1
   local all = scute.concat(list, 1)
   for _, row in ipairs(list) do row:free() end
   if self.device == "cpu" then return all end
   local there = all:to(self.device)
   all:free()
   return there
end

--- Numbers from low (0) to high (1) as a tensor (N, ...): the shape of one photo's follows, (1, 1, 1) where none is said, which
-- is one number for each photo.
function Draw:uniform(low, high, ...)
   local u <close> = rows(self, scute.rand, ...)
   local scaled <close> = u * ((high or 1) - (low or 0))
   return scaled + (low or 0)
end

--- Normal numbers of mean 0 and deviation 1 as a tensor (N, ...), as uniform has them.
function Draw:normal(...)
   return rows(self, scute.randn, ...)
end

-- ---- what a run is given ----

local function is_function(entry)
   return type(entry) == "function" or type(entry) == "table" and entry.apply ~= nil
end

local function name_of(entry, i)
   return type(entry) == "table" and entry.name or "function " .. i
end

local function fail(format, ...)
   error("train.fit: augment: " .. format:format(...), 0)
end

local function check_function(entry, i)
   if type(entry) == "table" and type(entry.apply) ~= "function" then
      fail("'%s': apply: expected a function(x, draw), found %s", name_of(entry, i), console.brief(entry.apply))
   end
   return type(entry) == "table" and entry.apply or entry
end

-- The entries of a list, or what stands for one.
local function entries_of(given)
   local is_list = type(given) == "table" and given[1] ~= nil and not given.apply
   return is_list and given or { given }
end

local Augmentation = {}
Augmentation.__index = Augmentation

local function add(made, entry, i)
   if type(entry) == "table" and entry.name and entry.apply == nil then
      fail("'%s' has no apply, which is the function(x, draw)", entry.name)
   end
   if is_function(entry) then
      made.functions[#made.functions + 1] = { name = name_of(entry, #made.functions + 1), apply = check_function(entry, i) }
   elseif type(entry) ~= "table" and type(entry) ~= "string" then
      fail("entry %d: expected a description, its name, or a function(x, draw), found %s", i, console.brief(entry))
   elseif i > 1 then
      fail("entry %d: a description comes first and once, since it works while photos are decoded, before all functions", i)
   else
      made.description = type(entry) == "string" and scute.augment.parse(entry) or entry
   end
end

--- The value of the option as { description = of scute.augment (empty where there are only functions), functions = list of
-- {name, apply} }; nil of nil. A fault names the entry.
function augmenting.of(given)
   if given == nil then return nil end
   local made = setmetatable({ description = {}, functions = {} }, Augmentation)
   for i, entry in ipairs(entries_of(given)) do add(made, entry, i) end
   return made
end

--- What it is called in files, and told apart by where a run goes on.
function Augmentation:describe()
   local words = {}
   if next(self.description) or #self.functions == 0 then words[1] = text_of(self.description) end
   for _, entry in ipairs(self.functions) do words[#words + 1] = entry.name end
   return table.concat(words, ", then ")
end

--- Whether photos differ from epoch to epoch.
function Augmentation:is_random()
   return next(self.description) ~= nil or #self.functions > 0
end

--- A check for the option: a description, a function, or a list of these.
augmenting.is = options.of_type("table", "function")

--- Whether functions of the user's are among a run's augmentation.
function augmenting.has_functions(run)
   return run.augmentation ~= nil and #run.augmentation.functions > 0
end

-- ---- applying ----

local function is_finite(x)
   local zero <close> = x - x
   local sum <close> = zero:sum()
   return sum:item() == 0
end

-- The first row that is not finite.
local function first_bad_row(x)
   for i = 1, x.shape[1] do
      local row <close> = scute.slice(x, 1, i, i)
      if not is_finite(row) then return i end
   end
end

local function shape_text(x)
   return ("%s %s (%s)"):format(x.dtype, x.device, table.concat(x.shape, ", "))
end

local function check(entry, x, y, words)
   if not is_tensor(y) then fail("'%s' returned %s; expected the batch, %s", entry.name, console.brief(y), shape_text(x)) end
   if shape_text(x) ~= shape_text(y) then
      fail("'%s' returned %s; expected %s, as it was given", entry.name, shape_text(y), shape_text(x))
   end
   if not is_finite(y) then fail("'%s' made numbers that are not finite, of %s", entry.name, words(first_bad_row(y))) end
   return y
end

-- words(i): what photo i of the batch is called.
local function apply(run, x, epoch, samples, words)
   local numbers = new_draw(run, epoch, samples)
   return scute.no_grad(function()
      for _, entry in ipairs(run.augmentation.functions) do
         local before = x
         x = check(entry, before, entry.apply(before, numbers), words)
         if x ~= before then before:free() end
      end
      return x
   end)
end

--- A batch of photos of a part as the functions of a run leave it. x is freed where another tensor comes back.
function augmenting.apply(run, part, x, indices, epoch)
   local samples = indices:values()
   return apply(run, x, epoch, samples, function(i) return "'" .. part.paths[samples[i]] .. "'" end)
end

-- What is wrong with a description the loader says.
local function check_description(run)
   if run.set.samples then
      if next(run.augment) then
         fail("descriptions work while photo files are decoded, and the samples of this set are none; give a function(x, draw)")
      end
      return
   end
   console.guard(nil, scute.loader, { paths = { photo_file(run.set.train.paths[1]) }, preprocess = run.preprocess, workers = 0,
      augment = run.augment }):close()
end

--- Takes the option `augment` of a run: run.augmentation is all of it, run.augment the description. Functions are tried on
-- random numbers, so that what is wrong is told before anything trains.
function augmenting.begin(run)
   run.augmentation = augmenting.of(run.augment)
   if not run.augmentation then return end
   run.augment = run.augmentation.description
   check_description(run)
   if not augmenting.has_functions(run) then return end
   local shape = run.set.samples and run.set.samples.shape or { 3, run.preprocess.crop, run.preprocess.crop }
   local before = scute.rng_state()
   scute.rng_state { run.seed, 0 }
   local x = scute.randn(2, table.unpack(shape)):to(run.device)
   scute.rng_state(before)
   apply(run, x, 1, { 1, 2 }, function() return "random numbers that it was tried on" end):free()
end

return augmenting
