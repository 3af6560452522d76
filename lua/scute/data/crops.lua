-- What of a file a photo is: a box around an animal, and a mask of it. A part of a data set may have these beside its paths:
--    boxes     list, as long as paths, of { x, y, width, height } in pixels, x and y from 0, or false: the whole photo. A box
--              may say of which size its photo is: of = { width, height }
--    masks     list of COCO's segmentations, or false: { size = { height, width }, counts = text or list } (see
--              scute.packed_mask), or polygons { { x, y, x, y, ... }, ... }
--    boxes_of  "shown" or "stored": of which picture boxes and masks are where a photo has an EXIF orientation; nil: of the one
--              that has the size they say, else of the one that is shown (see scute.loader)
--    outside   what masks leave out gets this colour: "mean" (of the model's preprocessing, the default), "black", "grey",
--              "white" or { r, g, b }
--
-- A file that is there several times has as many names, "reef.jpg", "reef.jpg#2", ..., since photos are known by their names
-- everywhere: in split.csv, among those that cannot be read, in reports.
local lfs = require "lfs"
local console = require "scute.base.console"
local photo_file = require "scute.base.photo_file"
local scute = require "scute.core"

local crops = {}

local LISTS, WORDS = { "boxes", "masks" }, { "boxes_of", "outside" }

--- Whether photos of a part are less than their files.
function crops.has(part)
   return rawget(part, "boxes") ~= nil or rawget(part, "masks") ~= nil
end

local function parts_of(set)
   local parts = {}
   for _, name in ipairs { "train", "val", "test" } do parts[#parts + 1] = rawget(set, name) end
   return parts
end

--- What the parts of a data set have of boxes and masks, as crops.begin takes it.
function crops.kind(set)
   local kind = {}
   for _, part in ipairs(parts_of(set)) do
      for _, names in ipairs { LISTS, WORDS } do
         for _, name in ipairs(names) do kind[name] = kind[name] or rawget(part, name) end
      end
   end
   return kind
end

-- ---- checks ----

local EXPECTED = { boxes = "a box { x, y, width, height }", masks = "a mask as COCO has it" }

local IS = { masks = function(value) return type(value) == "table" end }

function IS.boxes(value)
   if type(value) ~= "table" then return false end
   for i = 1, 4 do
      if type(value[i]) ~= "number" then return false end
   end
   return true
end

--- What is wrong with a box and a mask (nil or false: there is none); nil where nothing is, as far as lists tell.
function crops.fault_of(box, mask)
   for name, value in pairs { boxes = box or nil, masks = mask or nil } do
      if not IS[name](value) then return ("expected %s, found %s"):format(EXPECTED[name], console.brief(value)) end
   end
end

--- What is wrong with the boxes and masks of a part, in words; nil where nothing is, as far as lists tell.
function crops.fault(part)
   if not crops.has(part) then return nil end
   if rawget(part, "samples") then return "boxes and masks are of photo files, and these samples are none" end
   for _, name in ipairs(LISTS) do
      local list = rawget(part, name)
      if list ~= nil and (type(list) ~= "table" or #list ~= #part.paths) then
         return ("%s: expected a list as long as paths (%d), false where there is none, found %s"):format(name, #part.paths,
            type(list) == "table" and ("one of %d"):format(#list) or console.brief(list))
      end
      for i, entry in ipairs(list or {}) do
         if entry and not IS[name](entry) then
            return ("%s: expected %s or false, found %s at place %d"):format(name, EXPECTED[name], console.brief(entry), i)
         end
      end
   end
end

-- ---- names ----

--- Names for files, in their order: the second time a path comes it is "path#2", and so on, but for names that files have.
-- taken: a set of the names that there are already, which grows.
function crops.names(paths, taken)
   local names = {}
   taken = taken or {}
   for i, path in ipairs(paths) do
      local name, n = path, 1
      while taken[name] or n > 1 and lfs.attributes(name) do
         n = n + 1
         name = ("%s#%d"):format(path, n)
      end
      names[i], taken[name] = name, true
   end
   return names
end

local function comes_twice(parts)
   local seen = {}
   for _, part in ipairs(parts) do
      for _, path in ipairs(part.paths) do
         if seen[path] then return true end
         seen[path] = true
      end
   end
   return false
end

--- Gives the photos of a data set's parts names of their own where boxes or masks make several of one file. A list of paths
-- that somebody holds stays as it is.
function crops.name(set)
   local parts, taken = parts_of(set), {}
   if not crops.has(crops.kind(set)) or not comes_twice(parts) then return end
   for _, part in ipairs(parts) do part.paths = crops.names(part.paths, taken) end
end

--- The file of a photo by its name.
crops.file = photo_file

-- ---- parts ----

local function list_of(part, name)
   local list = rawget(part, name)
   return list and table.move(list, 1, #list, 1, {}) or nil
end

--- Gives a part the boxes and masks of another one with the same photos, in lists of its own.
function crops.copy(to, from)
   for _, name in ipairs(LISTS) do to[name] = list_of(from, name) end
   for _, name in ipairs(WORDS) do to[name] = rawget(from, name) end
   return to
end

--- Makes a part without photos one whose photos will have boxes and masks as those of another part have; then crops.add for
-- each.
function crops.begin(to, from)
   for _, name in ipairs(LISTS) do to[name] = rawget(from, name) and {} or nil end
   for _, name in ipairs(WORDS) do to[name] = rawget(from, name) end
   return to
end

--- Gives the photo that was added last to a part (its paths have it) a box and a mask; nil or false: it has none.
function crops.put(to, box, mask)
   for name, value in pairs { boxes = box or false, masks = mask or false } do
      local list = rawget(to, name)
      if list then list[#to.paths] = value end
   end
end

--- The same, those of photo number `index` of another part; index nil: it has none.
function crops.add(to, from, index)
   local boxes, masks = rawget(from, "boxes"), rawget(from, "masks")
   crops.put(to, index and boxes and boxes[index], index and masks and masks[index])
end

--- The options of scute.image.load for photo number `index` of a part; nil where it is the whole file.
function crops.of(part, index)
   if not crops.has(part) then return nil end
   return { box = part.boxes and part.boxes[index] or nil, mask = part.masks and part.masks[index] or nil,
      boxes_of = part.boxes_of, outside = part.outside }
end

--- What a file of a run says of photo number `index`, so that a page can show it: { box = { x, y, width, height }, of = the
-- size that the box says, if it does, boxes_of } without the mask; nil where it is the whole file.
function crops.shown(part, index)
   local box = crops.has(part) and part.boxes and part.boxes[index]
   return box and { box = table.move(box, 1, 4, 1, {}), of = box.of, boxes_of = part.boxes_of } or nil
end

--- Adds to the options of a loader what it has to know of the photos of a part: their files, labels, boxes and masks.
function crops.loading(part, options)
   options.paths, options.labels = part.paths, part.labels
   if not crops.has(part) then return options end
   options.paths = {}
   for i, name in ipairs(part.paths) do options.paths[i] = photo_file(name) end
   for _, name in ipairs(LISTS) do options[name] = rawget(part, name) end
   for _, name in ipairs(WORDS) do options[name] = rawget(part, name) end
   return options
end

-- ---- what a photo is known again by ----

local function numbers_text(list)
   local texts = {}
   for i, number in ipairs(list) do
      texts[i] = type(number) == "table" and "{" .. numbers_text(number) .. "}" or ("%.17g"):format(number)
   end
   return table.concat(texts, " ")
end

local function mask_text(mask)
   if not mask then return "" end
   if mask.counts == nil then return numbers_text(mask) end
   local packed = scute.packed_mask(mask)
   return ("%d x %d: %s"):format(mask.size[1], mask.size[2], packed.counts)
end

local function box_text(box)
   if not box then return "" end
   return numbers_text(box) .. (box.of and " of " .. numbers_text(box.of) or "")
end

--- A text of a box and a mask that is another one for others.
function crops.text(box, mask)
   return box_text(box) .. "\0" .. mask_text(mask)
end

--- What box and mask add to the digest of a file: a few characters that are others where they are; "" where the photo is the
-- whole file.
function crops.mark(part, index)
   if not crops.has(part) then return "" end
   local box, mask = part.boxes and part.boxes[index], part.masks and part.masks[index]
   if not box and not mask then return "" end
   local outside = mask and part.outside or "mean"
   local text = table.concat({ crops.text(box, mask), part.boxes_of or "",
      type(outside) == "table" and numbers_text(outside) or outside }, "\0")
   return "+" .. scute.checksum { text }
end

return crops
