-- Boxes { x, y, width, height } in pixels of a photo, x and y from 0 at its upper left corner, as COCO has them.
local boxes = {}

local NEAR = 1 -- pixels that a rounded box may reach over the edge before it is worth a word

local function whole(value)
   return math.tointeger(value) or value
end

local function is_number(value)
   return type(value) == "number" and value == value and value ~= math.huge and value ~= -math.huge
end

--- A box of four numbers; nil and why.
function boxes.of(x, y, width, height)
   if not (is_number(x) and is_number(y) and is_number(width) and is_number(height)) then
      return nil, "expected four numbers, x, y, width, height"
   end
   if width <= 0 or height <= 0 then return nil, ("it is %g wide and %g high"):format(width, height) end
   return { whole(x), whole(y), whole(width), whole(height) }
end

--- The same from a list, or from a text such as "[12, 30, 100, 80]".
function boxes.read(value)
   if type(value) == "table" then
      if #value ~= 4 then return nil, "expected four numbers, x, y, width, height" end
      return boxes.of(value[1], value[2], value[3], value[4])
   end
   local inside = type(value) == "string" and value:match "^%s*[%[%(]?(.-)[%]%)]?%s*$"
   if not inside then return nil, "expected four numbers, x, y, width, height" end
   local numbers = {}
   for word in inside:gmatch "[^%s,;]+" do numbers[#numbers + 1] = tonumber(word) or false end
   if #numbers ~= 4 then return nil, ("expected four numbers, x, y, width, height, found '%s'"):format(value) end
   return boxes.of(numbers[1], numbers[2], numbers[3], numbers[4])
end

--- A width or height of a photo, a whole number or its text; nil where it is none.
function boxes.pixels(value)
   local number = math.tointeger(tonumber(value))
   return number and number > 0 and number or nil
end

local sizes = {} -- { width, height } by width and height, which many photos share

local function size_of(width, height)
   sizes[width] = sizes[width] or {}
   sizes[width][height] = sizes[width][height] or { width, height }
   return sizes[width][height]
end

--- The part of a box that is inside of a photo, and whether it was worth a word that some was not; nil where none is. width,
-- height: of the photo in pixels, nil where they are not known; where both are the box has them as `of` = { width, height }, by
-- which it is told whether a photo that its EXIF orientation turns was measured upright, and whether it is still the same.
function boxes.within(box, width, height)
   box.of = width and height and size_of(width, height) or nil
   local x, y, right, bottom = box[1], box[2], box[1] + box[3], box[2] + box[4]
   local left_of, above = math.max(x, 0), math.max(y, 0)
   local right_end, bottom_end = math.min(right, width or math.huge), math.min(bottom, height or math.huge)
   if left_of >= right_end or above >= bottom_end then return nil end
   if left_of == x and above == y and right_end == right and bottom_end == bottom then return box, false end
   local over = math.max(left_of - x, above - y, right - right_end, bottom - bottom_end)
   return { whole(left_of), whole(above), whole(right_end - left_of), whole(bottom_end - above), of = box.of }, over > NEAR
end

return boxes
