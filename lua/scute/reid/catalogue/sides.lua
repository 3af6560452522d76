-- From which side an animal is seen, in one way of writing it.
local sides = {}

local MEANT = { l = "left", left_side = "left", ["left side"] = "left", left_profile = "left", ["left profile"] = "left",
   r = "right", right_side = "right", ["right side"] = "right", right_profile = "right", ["right profile"] = "right" }
local NONE = { [""] = true, unknown = true, none = true, nan = true, ["n/a"] = true, na = true, null = true }

local MOST = 1000 -- texts that are kept: there are few sides, but the column may be another one

local known, n = {}, 0 -- by what was written

--- "left", "right", "top", ... in small letters; nil where a text says none.
function sides.read(text)
   local side = known[text]
   if side == nil then
      side = text:match "^%s*(.-)%s*$":lower()
      side = not NONE[side] and (MEANT[side] or side)
      if n < MOST then known[text], n = side, n + 1 end
   end
   return side or nil
end

--- Whether a text is the name of a side, and not of something else.
function sides.is_one(text)
   local side = sides.read(text)
   return side == "left" or side == "right" or side == "top" or side == "bottom" or side == "front" or side == "back"
      or side == "topleft" or side == "topright"
end

return sides
