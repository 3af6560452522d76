-- Photos dealt out into folds of about equal size, class by class, in an order that a seed alone draws.
--
-- What belongs together (photos of one animal, or of one encounter: the column `group` of split_csv) lies in one fold: else
-- what validates would have been seen in training. Groups are dealt out the largest first, each to the fold that has the fewest
-- photos of its classes.
local draw = require "scute.data.draw"
local folder = require "scute.data.folder"

local dealt = {}

-- ---- photo by photo ----

-- Photos by class, each class in byte order.
local function by_class(photos, classes)
   local lists = {}
   for class = 1, classes do lists[class] = {} end
   for _, photo in ipairs(photos) do table.insert(lists[photo.class], photo.path) end
   for class = 1, classes do folder.sort_bytes(lists[class]) end
   return lists
end

-- Where one class ended dealing, the next goes on, so that folds are of equal size. A class with a single photo is in no fold.
local function photo_by_photo(photos, classes, of, seed, first)
   local list, start = {}, 0
   for class, paths in ipairs(by_class(photos, classes)) do
      for i, index in ipairs(draw.permutation(seed, "split", first + class, #paths)) do
         list[#list + 1] = { path = paths[index], class = class, fold = #paths > 1 and (start + i) % of + 1 or nil }
      end
      start = start + (#paths > 1 and #paths or 0)
   end
   return list
end

-- ---- in groups ----

-- Lists of photos that belong together, in byte order of their names; a photo without a group is one by itself.
local function units_of(photos, groups)
   local units, names = {}, {}
   for _, photo in ipairs(photos) do
      local name = groups[photo.path] and "group " .. groups[photo.path] or "photo " .. photo.path
      if not units[name] then units[name], names[#names + 1] = {}, name end
      table.insert(units[name], photo)
   end
   return units, folder.sort_bytes(names)
end

-- The largest first, of equally large ones as they are drawn.
local function drawn(units, names, seed, first)
   local list = {}
   for place, index in ipairs(draw.permutation(seed, "split", first, #names)) do
      list[place] = { photos = units[names[index]], place = place }
   end
   table.sort(list, function(a, b)
      if #a.photos ~= #b.photos then return #a.photos > #b.photos end
      return a.place < b.place
   end)
   return list
end

-- The fold that has the fewest photos of the classes of a unit, of equal ones the one with the fewest at all.
local function emptiest(folds, photos, totals)
   local best, least
   for number, fold in ipairs(folds) do
      local filled = fold.all * 1e-6
      for _, photo in ipairs(photos) do filled = filled + (fold[photo.class] or 0) / totals[photo.class] end
      if not least or filled < least then best, least = number, filled end
   end
   return best
end

local function in_groups(photos, classes, groups, of, seed, first)
   local folds, totals, fold_of, list = {}, {}, {}, {}
   for number = 1, of do folds[number] = { all = 0 } end
   for _, photo in ipairs(photos) do totals[photo.class] = (totals[photo.class] or 0) + 1 end
   local units, names = units_of(photos, groups)
   for _, unit in ipairs(drawn(units, names, seed, first)) do
      local number = emptiest(folds, unit.photos, totals)
      local fold = folds[number]
      for _, photo in ipairs(unit.photos) do
         fold_of[photo.path], fold.all, fold[photo.class] = number, fold.all + 1, (fold[photo.class] or 0) + 1
      end
   end
   for class, paths in ipairs(by_class(photos, classes)) do
      for _, path in ipairs(paths) do list[#list + 1] = { path = path, class = class, fold = fold_of[path] } end
   end
   return list
end

--- Photos with the fold of each, class by class: a list of { path, class, fold }; one that is the only one of its class has
-- none. photos: list of { path, class }; classes: how many; groups: path -> what it belongs to, nil for none; of: how many
-- folds; first: the number of the first draw.
function dealt.of(photos, classes, groups, of, seed, first)
   if groups then return in_groups(photos, classes, groups, of, seed, first) end
   return photo_by_photo(photos, classes, of, seed, first)
end

return dealt
