-- The demo's photos: cut-outs from Debian's tuxpaint-stamps-default, put on a white square, ten classes.
local lfs = require "lfs"
local scute = require "scute"
local console = require "scute.base.console"
local folder = require "scute.data.folder"

local stamps = {}

--- Class name and folder below the stamps of each class.
stamps.classes = {
   { "bird", "animals/birds" }, { "clothes", "clothes" }, { "fish", "animals/fish" }, { "flower", "plants/flowers" },
   { "fruit", "food/fruit" }, { "insect", "animals/insects" }, { "mammal", "animals/mammals" },
   { "tool", "household/tools" }, { "vegetable", "food/vegetables" }, { "vehicle", "vehicles" },
}

-- PNG photos of a class in byte order; drawings lie in folders of their own.
local function photos_of(path)
   local kept = {}
   for _, file in ipairs(folder.files(path)) do
      if file:lower():find "%.png$" and not file:find("/cartoon", 1, true) then kept[#kept + 1] = file end
   end
   return kept
end

local function convert(from, to)
   if lfs.attributes(to, "mode") == "file" then return end
   local image = scute.image.load(from)
   local square = image:pad_square()
   square:save(to)
   image:free()
   square:free()
end

--- The originals of a class, of which prepare writes the k-th as <class>/00k.png.
function stamps.originals(source, class)
   for _, entry in ipairs(stamps.classes) do
      if entry[1] == class then return photos_of(source .. "/" .. entry[2]) end
   end
end

--- Writes the photos as <target>/<class>/NNN.png, NNN counting in byte order of the originals; what is there already is
-- kept. Returns the number of photos per class, by name.
function stamps.prepare(source, target)
   local counts = {}
   for _, entry in ipairs(stamps.classes) do
      local name, path = entry[1], source .. "/" .. entry[2]
      if lfs.attributes(path, "mode") ~= "directory" then
         console.fail("the demo's photos are not in %s; install Debian's tuxpaint-stamps-default (make stamps)", source)
      end
      scute.files.mkdirs(target .. "/" .. name)
      local photos = photos_of(path)
      for k, from in ipairs(photos) do convert(from, ("%s/%s/%03d.png"):format(target, name, k)) end
      counts[name] = #photos
   end
   return counts
end

local function link(from, to)
   if lfs.attributes(to) then return end
   local done, why = lfs.link(from, to)
   if not done then console.fail("cannot link %s to %s: %s", to, from, why) end
end

--- Lays the photos of `from` (what prepare wrote) out as <target>/train/<class>/ and <target>/val/<class>/, by hard links.
-- Every `of`-th file of a class validates: the 5th, 10th, ... of 5 in fold 1, the 1st, 6th, ... in fold 2, and so on.
function stamps.lay_out(from, target, fold, of)
   for _, entry in ipairs(stamps.classes) do
      local name = entry[1]
      scute.files.mkdirs(target .. "/train/" .. name)
      scute.files.mkdirs(target .. "/val/" .. name)
      for k, path in ipairs(folder.files(from .. "/" .. name)) do
         local part = k % of == fold - 1 and "val" or "train"
         link(path, ("%s/%s/%s/%03d.png"):format(target, part, name, k))
      end
   end
end

return stamps
