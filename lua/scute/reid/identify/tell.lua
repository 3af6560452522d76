-- What identification found, as text and as JSON.
local console = require "scute.base.console"
local json = require "scute.base.json"

local tell = {}

local function percent(probability)
   return ("%.0f %%"):format(100 * probability)
end

-- "anna/3.jpg, left, 2021-05-03"
local function about(candidate)
   local parts = { candidate.file or candidate.path or ("row %d"):format(candidate.row) }
   for _, name in ipairs { "side", "date" } do parts[#parts + 1] = candidate[name] end
   if candidate.same_photo then parts[#parts + 1] = "this very photo" end
   return table.concat(parts, ", ")
end

local function verdict(photo, found)
   local best = photo.candidates[1]
   if not best then
      return ("no candidate: the gallery has no photo that may show the side '%s'; it has the sides %s"):format(found.side,
         table.concat(found.gallery.sides, ", "))
   elseif best.same_photo then
      return ("this very photo is in the gallery, as %s"):format(best.identity)
   elseif photo.new == nil then
      return ("most like %s (similarity %.3f)"):format(best.identity, best.score)
   elseif photo.new then
      return ("new (%s that it is %s, the likeliest of those that are known)"):format(percent(best.probability), best.identity)
   end
   return ("%s %s"):format(best.identity, percent(best.probability))
end

local function photo_lines(lines, photo, found)
   lines[#lines + 1] = ("%s: %s"):format(photo.path, verdict(photo, found))
   for _, candidate in ipairs(photo.candidates) do
      lines[#lines + 1] = ("   %-20s %s  similarity %6.3f  %s"):format(candidate.identity,
         candidate.probability and ("%5s"):format(percent(candidate.probability)) or "    -", candidate.score, about(candidate))
   end
end

--- The line that says what the figures are of.
function tell.basis(found)
   local gallery = found.gallery
   local compared = ("compared with %s of %s"):format(console.count(gallery.count, "photo"),
      console.count(#gallery.identities, "individual"))
   if found.side then compared = compared .. (", those of another side than '%s' left out"):format(found.side) end
   if not found.calibrated then
      return compared .. "; similarities are no probabilities, and who is new is not told: there is no calibration"
   end
   return ("%s; probabilities from validation photos%s, and new is who is known with less than 50 %%"):format(compared,
      found.protocol and (" (%s)"):format(found.protocol) or "")
end

--- The photos with their candidates, a block each.
function tell.text(found)
   local lines = {}
   for _, photo in ipairs(found.photos) do photo_lines(lines, photo, found) end
   if #found.photos > 0 then lines[#lines + 1] = tell.basis(found) end
   return table.concat(lines, "\n")
end

local CANDIDATE = { "identity", "score", "probability", "file", "path", "side", "encounter", "date", "same_photo" }

local function list_of(values)
   local texts = {}
   for i, value in ipairs(values) do texts[i] = json.line(value) end
   return "[" .. table.concat(texts, ",") .. "]"
end

local function photo_json(photo)
   local candidates = {}
   for i, candidate in ipairs(photo.candidates) do
      candidates[i] = {}
      for _, name in ipairs(CANDIDATE) do candidates[i][name] = candidate[name] end
   end
   return ('{"path":%s,"new":%s,"probability":%s,"candidates":%s}'):format(json.line(photo.path), tostring(photo.new or
      photo.new == false and "false" or "null"), photo.probability and json.line(photo.probability) or "null",
      list_of(candidates))
end

--- One JSON document: {"gallery", "photos_in_gallery", "individuals", "protocol", "calibrated", "enrolled" (how many photos,
-- where that was wanted), "photos": [{"path", "new", "probability", "candidates": [...]}], "bad": [{"path", "message"}]}.
function tell.json(found)
   local photos, bad, gallery = {}, {}, found.gallery or { path = found.path, count = 0, identities = {} }
   for i, photo in ipairs(found.photos) do photos[i] = photo_json(photo) end
   for i, entry in ipairs(found.bad) do bad[i] = { path = entry.path, message = entry.message } end
   local about_gallery = ('"gallery":%s,"photos_in_gallery":%d,"individuals":%d,"protocol":%s'):format(json.line(gallery.path),
      gallery.count, #gallery.identities, found.protocol and json.line(found.protocol) or "null")
   return ('{%s,"calibrated":%s,%s"photos":[%s],"bad":%s}'):format(about_gallery, tostring(found.calibrated),
      found.enrolled and ('"enrolled":%d,'):format(found.enrolled) or "", table.concat(photos, ","), list_of(bad))
end

return tell
