-- Masks as COCO has them: run lengths { counts, size = { height, width } }, column by column and from 0 to 1 in turn, counts a
-- list or COCO's compressed text; or a list of polygons { x1, y1, x2, y2, ... }. What was cut off is told here, before anything
-- is decoded. Lists are kept as the text, which takes a fraction of their memory.
local scute = require "scute.core"

local masks = {}

local FIRST, LAST = 48, 111 -- letters of the compressed text: six bits each

-- The run lengths of a compressed text: five bits a letter, the lowest first, a sixth tells whether more follow; from the
-- fourth run on the difference to the last but one. nil where it is cut off or none.
local function runs_of(text)
   local runs, n, at, last = {}, 0, 1, #text
   while at <= last do
      local value, shift, letter = 0, 0
      repeat
         letter = text:byte(at)
         if not letter or letter < FIRST or letter > LAST or shift > 50 then return nil end
         letter = letter - FIRST
         value = value | (letter & 31) << shift
         at, shift = at + 1, shift + 5
      until letter & 32 == 0
      if letter & 16 ~= 0 then value = value - (1 << shift) end
      n = n + 1
      runs[n] = n > 3 and value + runs[n - 2] or value
   end
   return runs
end

-- The pixels that runs cover; nil where one of them is none.
local function covered(runs)
   local sum = 0
   for i = 1, #runs do
      local run = runs[i]
      if type(run) ~= "number" or run < 0 or run % 1 ~= 0 then return nil end
      sum = sum + run
   end
   return sum
end

local function check_runs(mask, width, height)
   local size = type(mask.size) == "table" and mask.size or {}
   local rows, columns = math.tointeger(size[1]), math.tointeger(size[2])
   if not rows or not columns or rows < 1 or columns < 1 then return nil, "the mask has no size" end
   if width and (rows ~= height or columns ~= width) then
      return nil, ("the mask is of %d x %d pixels, the photo of %d x %d"):format(columns, rows, width, height)
   end
   local runs = type(mask.counts) == "string" and runs_of(mask.counts) or mask.counts
   local sum = type(runs) == "table" and covered(runs)
   if not sum then return nil, "the run lengths of the mask are damaged" end
   if sum ~= rows * columns then
      return nil, ("the mask is cut off: its run lengths cover %d of %d pixels"):format(sum, rows * columns)
   end
   return scute.packed_mask { size = { rows, columns }, counts = mask.counts }
end

local function is_polygon(points)
   if type(points) ~= "table" or #points < 6 or #points % 2 ~= 0 then return false end
   for i = 1, #points do
      local value = points[i]
      if type(value) ~= "number" or value ~= value or math.abs(value) == math.huge then return false end
   end
   return true
end

--- A mask that is whole: the same, in one of the two forms. nil and why, which is nil where there is no mask at all. width,
-- height: of its photo in pixels, nil where they are not known.
function masks.check(mask, width, height)
   if type(mask) ~= "table" or next(mask) == nil then return nil end
   if mask.counts ~= nil then return check_runs(mask, width, height) end
   local polygons = type(mask[1]) == "number" and { mask } or mask
   for i = 1, #polygons do
      if not is_polygon(polygons[i]) then
         return nil, ("polygon %d of the mask is none; expected x1, y1, x2, y2, x3, y3, ..."):format(i)
      end
   end
   if #polygons == 0 then return nil, "the mask is neither run lengths nor polygons" end
   return polygons
end

return masks
