--- Descriptions of random augmentation: presets, and what a command line says.
--
--     scute.loader { paths = files, preprocess = { crop = 224 }, augment = scute.augment.preset "standard",
--                    seed = 1, epoch = 3 }
--
-- A description is a table of kinds, each left out where it is nil, false or 0; true stands for its defaults. All mean
-- what they mean in torchvision, and come in this order, whatever the order of the keys:
--
--   random_resized_crop   {scale = {0.08, 1}, ratio = {3/4, 4/3}}: a part of the photo's area, of that width / height,
--                         resized to the crop of the preprocessing; replaces its resize and center crop
--   horizontal_flip       0.5: with that probability left becomes right
--   rotation              10, or {degrees = 10 or {low, high}, filter = "nearest" or "bilinear", fill = 0 or {r, g, b}}:
--                         degrees, counter-clockwise
--   color_jitter          {brightness = 0.2 or {low, high}, contrast = , saturation = , hue = }: factors of 0.8 to 1.2;
--                         hue is a part of the full circle, up to 0.5; in random order
--   rand_augment          {n = 2, magnitude = 9, bins = 31, filter = "nearest", fill = 0}: n operations drawn of 14
--   trivial_augment       {bins = 31, filter = "nearest", fill = 0}: one operation of any magnitude; instead of the former
--   random_erasing        0.25, or {p = 0.5, scale = {0.02, 0.33}, ratio = {0.3, 3.3}, value = 0, {r, g, b} or "random"}:
--                         a rectangle of the normalised photo becomes `value`; 0 is the mean color
--   exact_decode          true: JPEGs are always decoded whole, also for crops that are scaled down far
--
-- What is drawn depends on the seed, the epoch and the index of the photo alone: a photo that stands twice in an order
-- looks the same twice, and other views of it are other epochs (numbers of your own, if need be). To look at it:
--
--     scute.image.load "turtle.jpg":augment(scute.augment.preset "strong", { epoch = 2, as = "image" }):save "seen.png"
-- What a description does not say a function of yours does, on batches that are decoded: train.fit's `augment` takes one, or a
-- list as in { "light", function(x, draw) return x + 0.1 * draw:normal(1, x.shape[3], x.shape[4]) end } (see
-- lua/scute/train/augmenting.lua and docs/parts/augmentation.md).
local options = require "scute.base.options"

local augment = {}

-- ---- presets ----

local presets = {
   none = {},
   light = { random_resized_crop = { scale = { 0.5, 1 } }, horizontal_flip = 0.5 },
   standard = { random_resized_crop = { scale = { 0.08, 1 } }, horizontal_flip = 0.5 },
   strong = {
      random_resized_crop = { scale = { 0.08, 1 } }, horizontal_flip = 0.5,
      rand_augment = { n = 2, magnitude = 9 }, random_erasing = 0.1,
   },
}

--- The names of the presets, from weak to strong.
augment.PRESETS = { "none", "light", "standard", "strong" }

-- What a value of each kind is, the loader checks where it is used.
local PRESET = options.declare("augment.preset", {
   { "random_resized_crop", help = "{scale = {0.08, 1}, ratio = {3/4, 4/3}}" },
   { "horizontal_flip", help = "a probability" },
   { "rotation", help = "degrees, or {degrees, filter, fill}" },
   { "color_jitter", help = "{brightness, contrast, saturation, hue}" },
   { "rand_augment", help = "{n = 2, magnitude = 9}" },
   { "trivial_augment", help = "{bins = 31}, or true" },
   { "random_erasing", help = "a probability, or {p, scale, ratio, value}" },
   { "exact_decode", help = "true: JPEGs are always decoded whole" },
})

local function copy(value)
   if type(value) ~= "table" then return value end
   local made = {}
   for key, entry in pairs(value) do made[key] = copy(entry) end
   return made
end

--- A new description, to which `changes` (kinds with their values; false leaves one out) may be applied:
--   "none"      nothing: the preprocessing of evaluation
--   "light"     crops of at least half the photo, and flips: for few photos, or subjects that fill the photo
--   "standard"  torchvision's reference training: crops of 8 % of the photo on, and flips. Of a subject cut out on white
--               such a crop often shows next to nothing: take "light" there
--   "strong"    and RandAugment (2 operations of magnitude 9) and, for one photo in ten, erasing, as in torchvision's
--               newer recipes
-- A flip makes the left profile of an animal look like a right one. Where sides tell individuals apart, as the scutes of
-- a turtle's face do, switch it off: augment.preset("light", { horizontal_flip = false }), --augment light,flip=0.
-- Raises on an unknown name or kind.
function augment.preset(name, changes)
   if not presets[name] then
      error(("augment.preset: unknown preset '%s'%s"):format(tostring(name), options.hint(name, augment.PRESETS)), 2)
   end
   local made = copy(presets[name])
   for kind, value in pairs(PRESET:read(changes)) do made[kind] = copy(value) end
   return made
end

PRESET:describes(augment.preset)

-- ---- command line ----

-- Adds a kind unless the number switches it off.
local function set(description, kind, on, value)
   description[kind] = on and value or nil
end

local function jitter(description, property, value)
   local all = description.color_jitter or {}
   all[property] = value > 0 and value or nil
   description.color_jitter = next(all) and all or nil
end

-- What `key=number` does; low and high are the numbers it takes.
local SETTINGS = {
   crop = { 0, 1, function(d, v) set(d, "random_resized_crop", v > 0, { scale = { v, 1 } }) end },
   flip = { 0, 1, function(d, v) set(d, "horizontal_flip", v > 0, v) end },
   rotation = { 0, 180, function(d, v) set(d, "rotation", v > 0, v) end },
   jitter = { 0, 1, function(d, v)
      for _, property in ipairs { "brightness", "contrast", "saturation" } do jitter(d, property, v) end
   end },
   brightness = { 0, 1, function(d, v) jitter(d, "brightness", v) end },
   contrast = { 0, 1, function(d, v) jitter(d, "contrast", v) end },
   saturation = { 0, 1, function(d, v) jitter(d, "saturation", v) end },
   hue = { 0, 0.5, function(d, v) jitter(d, "hue", v) end },
   randaugment = { 0, 30, function(d, v)
      set(d, "rand_augment", v > 0, { n = 2, magnitude = math.tointeger(v) })
      if v > 0 then d.trivial_augment = nil end
   end, whole = true },
   trivial = { 0, 1, function(d, v)
      set(d, "trivial_augment", v > 0, true)
      if v > 0 then d.rand_augment = nil end
   end, whole = true },
   erasing = { 0, 1, function(d, v) set(d, "random_erasing", v > 0, v) end },
   exact = { 0, 1, function(d, v) set(d, "exact_decode", v > 0, true) end, whole = true },
}

local SETTING_NAMES = {}
for name in pairs(SETTINGS) do SETTING_NAMES[#SETTING_NAMES + 1] = name end
table.sort(SETTING_NAMES)

local function apply(description, key, text)
   local setting = SETTINGS[key]
   if not setting then
      error(("augment: unknown setting '%s'%s"):format(key, options.hint(key, SETTING_NAMES)), 0)
   end
   local low, high, change = table.unpack(setting)
   local value = text:find "^[+-]?[%d.]" and tonumber(text)
   if not value or not (value >= low and value <= high) or (setting.whole and not math.tointeger(value)) then
      error(("augment: %s: expected a %snumber from %s to %s, found '%s'"):format(key, setting.whole and "whole " or "",
         low, high, text), 0)
   end
   change(description, value)
end

local function join(...)
   local names = {}
   for _, list in ipairs { ... } do table.move(list, 1, #list, #names + 1, names) end
   return names
end

--- The description that a text stands for, as in `--augment standard`, `--augment crop=0.5,flip=0,jitter=0.2` or
-- `--augment strong,flip=0`: a preset (none where it is left out), then settings from left to right; 0 leaves a kind out.
--   crop=LOW          random resized crop of at least that part of the photo
--   flip=P            horizontal flip with that probability
--   rotation=DEGREES  up to so many degrees to either side
--   jitter=J          brightness, contrast and saturation by up to J; brightness=, contrast=, saturation=, hue=: each alone
--   randaugment=M     RandAugment, 2 operations of that magnitude, up to 30
--   trivial=1         TrivialAugment instead of it
--   erasing=P         random erasing with that probability
--   exact=1           JPEGs are always decoded whole
-- Raises with a message for the user, without a position, on an unknown preset or setting or a wrong number.
function augment.parse(text)
   local description = {}
   local number = 0
   for word in (text .. ","):gmatch "([^,]*)," do
      number = number + 1
      local key, value = word:match "^%s*(%w+)%s*=%s*(%S+)%s*$"
      local name = word:match "^%s*(%w+)%s*$"
      if key then
         apply(description, key, value)
      elseif name and number == 1 and presets[name] then
         description = copy(presets[name])
      elseif name and number > 1 and presets[name] then
         error(("augment: the preset '%s' comes first, as in %s,flip=0"):format(name, name), 0)
      elseif name and SETTINGS[name] then
         error(("augment: %s: expected a number, as in %s=%s"):format(name, name, SETTINGS[name][2]), 0)
      elseif name then
         error(("augment: unknown preset '%s'%s"):format(name, options.hint(name, join(augment.PRESETS, SETTING_NAMES))), 0)
      else
         error(("augment: expected a preset or settings, as in standard or crop=0.5,flip=0, found '%s'"):format(text), 0)
      end
   end
   return description
end

return augment
