-- Which files are photos: their first bytes tell, and where those say nothing the name does.
local scute = require "scute.core"

local content = {}

local READERS = 4 -- threads that look at first bytes beside this one

-- What photos are called: a file of such a name that holds something else is a photo that was damaged.
local ENDINGS = {}
for ending in ([[jpg jpeg jpe jfif jif png gif bmp dib webp tif tiff heic heif hif avif jxl jp2 j2k
   cr2 cr3 nef nrw arw srf dng orf rw2 raf pef srw raw]]):gmatch "%S+" do
   ENDINGS[ending] = true
end

local function is_named_as_photo(path)
   local ending = path:match "%.([^./]+)$"
   return ending ~= nil and ENDINGS[ending:lower()] ~= nil
end

-- The words of the decoder, of a file that it does not know.
local function what_is_wrong(path)
   local read, why = pcall(scute.image.load, path)
   return not read and why or path .. ": it is no photo by its first bytes"
end

--- Sorts files. lists: lists of paths. Returns
--    photos   a list of paths for each of them: what can be read as a photo by its first bytes
--    broken   list of { path, list = its list's number, message }: what is a photo by content or name, or cannot be opened to
--             see, but cannot be read
--    others   how many files are no photos, neither by content nor by name
-- all_named: somebody said that all of them are photos; none is among the others then.
function content.sort(lists, all_named)
   local paths, list_of, photos, broken, others = {}, {}, {}, {}, 0
   for i, list in ipairs(lists) do
      photos[i] = {}
      for _, path in ipairs(list) do paths[#paths + 1], list_of[#list_of + 1] = path, i end
   end
   local found, faults = scute.photo_kinds(paths, READERS)
   for i, path in ipairs(paths) do
      local own = photos[list_of[i]]
      if found[i] and not faults[i] then
         own[#own + 1] = path
      elseif all_named or faults[i] or is_named_as_photo(path) then
         broken[#broken + 1] = { path = path, list = list_of[i], message = faults[i] or what_is_wrong(path) }
      else
         others = others + 1
      end
   end
   return photos, broken, others
end

return content
