-- Photos and their candidates side by side.
local scute = require "scute"
local options = require "scute.base.options"
local plot = require "scute.plot"
local readable = require "scute.base.readable"
local tell = require "scute.reid.identify.tell"

local PICTURE = options.declare("identified:picture", {
   { "limit", whole = true, min = 1, default = 20, help = "photos, a row each" },
   { "side", whole = true, min = 40, default = 170, help = "of a photo, in pixels" },
   { "title", text = true, default = "Who is it?", help = "above them" },
})

-- A place in the grid. A photo that cannot be read is told by its path.
local function item(path, box, lines)
   local image = box and path and readable(path, { box = box })
   return { path = path or "no photo", image = image or nil, lines = lines }
end

local function verdict(photo)
   local best = photo.candidates[1]
   if not best then return "no candidate" end
   if best.same_photo then return "in the gallery, as " .. best.identity end
   if photo.new == nil then return "most like " .. best.identity end
   local percent = ("%.0f %%"):format(100 * photo.probability)
   return photo.new and ("new (%s that it is %s)"):format(percent, best.identity) or ("%s, %s"):format(best.identity, percent)
end

local function query_item(photo)
   return item(photo.path, photo.box, { photo.path:match "[^/]*$", verdict(photo) })
end

local function candidate_item(candidate)
   local shown = {}
   for _, name in ipairs { "side", "date" } do shown[#shown + 1] = candidate[name] end
   return item(candidate.path, candidate.box, { candidate.identity, candidate.probability
      and ("%.0f %%, similarity %.2f"):format(100 * candidate.probability, candidate.score)
      or ("similarity %.2f"):format(candidate.score), table.concat(shown, ", ") })
end

local function nothing()
   return { image = scute.full({ 1, 3, 1, 1 }, 255, { dtype = "u8" }), lines = {} }
end

--- A row for each photo: it, and behind it its candidates. found: what scute.reid.identify returns.
local function picture(found, given)
   local o = PICTURE:read(given)
   local columns, items = 1, {}
   for i, photo in ipairs(found.photos) do
      if i <= o.limit then columns = math.max(columns, 1 + #photo.candidates) end
   end
   for i = 1, math.min(#found.photos, o.limit) do
      local photo = found.photos[i]
      items[#items + 1] = query_item(photo)
      for k = 1, columns - 1 do
         items[#items + 1] = photo.candidates[k] and candidate_item(photo.candidates[k]) or nothing()
      end
   end
   local subtitle = #found.photos > 0 and tell.basis(found) or nil
   if #found.photos > o.limit then subtitle = ("the first %d of %d; %s"):format(o.limit, #found.photos, subtitle) end
   return plot.photos(items, { title = o.title, subtitle = subtitle, columns = columns, side = o.side })
end

return PICTURE:describes(picture)
