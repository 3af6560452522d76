-- A gallery as people keep one: a folder of cut-out photos for each animal.
local quoted = require "scute.base.quoted"
local scute = require "scute"

local layout = {}

-- Cuts the animal out of its photo.
local function cut(row, to)
   local image <close> = scute.image.load(row.path)
   local canvas <close> = scute.canvas(row.box[3], row.box[4])
   canvas:image(image, -row.box[1], -row.box[2], image.width, image.height)
   canvas:save(to)
end

-- The first of some rows that is wanted.
local function first(rows, numbers, wanted)
   for _, number in ipairs(numbers) do
      if wanted(rows[number]) then return rows[number] end
   end
end

--- Lays the photos that train out as <folder>/<animal>/<photo>.png, anew. Returns the names of the cut-out photos beside it of
-- an animal that is known and of a new one, both from those that test.
function layout.gallery(catalogue, split, folder)
   local rows = catalogue.rows
   os.execute("rm -rf " .. quoted(folder))
   for _, number in ipairs(split.train) do
      local row = rows[number]
      scute.files.mkdirs(folder .. "/" .. row.identity)
      cut(row, ("%s/%s/%s"):format(folder, row.identity, row.file:match "[^/]*$"))
   end
   local names = {}
   for _, is_known in ipairs { true, false } do
      local row = first(rows, split.test, function(row) return (split.known[row.identity] or false) == is_known end)
      if row then
         names[#names + 1] = ("%s_%s.png"):format(folder, is_known and "known" or "new")
         cut(row, names[#names])
      end
   end
   return names
end

return layout
