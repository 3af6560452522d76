-- The part of report.html about who is it: how a run of re-identification split its photos, and what scripts/evaluate_reid.lua
-- measured. Made of reid.json and reid_evaluation.json in the folder, with its pictures reid_*.png.
local bytes_of = require "scute.base.bytes_of"
local lfs = require "lfs"
local as_text = require "scute.reid.evaluate.as_text"
local json_file = require "scute.base.json_file"
local page = require "scute.base.page"
local pictures = require "scute.evaluate_reid.pictures"

local LISTED = 20 -- individuals that have a row

local escape, plain, section = page.escape, page.plain, page.section

local function share(value) return type(value) == "number" and ("%.3f"):format(value) or "-" end

local function paragraph(text, class)
   return ("<p%s>%s</p>"):format(class and (' class="%s"'):format(class) or "", escape(text))
end

-- What photos that train and others share beside the individual.
local function leak_text(leak)
   if not leak then
      return "No encounter is known: photos of one may train and test, and then figures are far too good."
   end
   return ("%.1f %% of the photos that test are of an encounter that trains%s."):format(100 * leak,
      leak >= 0.01 and ": they may be known by their background, and figures are too good" or "")
end

-- How the photos were split.
local function split_of(folder)
   local facts = json_file.read(folder .. "/reid.json")
   if not facts or type(facts.text) ~= "string" then return "" end
   local photos = type(facts.photos) == "table" and facts.photos or {}
   local rows = { { "split", facts.text }, { "photos that train", plain(photos.train) },
      { "that validate", plain(photos.val) }, { "that test", plain(photos.test) } }
   if type(facts.crop) == "string" then rows[#rows + 1] = { "cut out of the photos", facts.crop } end
   return section("Individuals", page.rows(rows), paragraph(leak_text(tonumber(facts.leak))))
end

-- reid_evaluation.json, unless it tells of an earlier run in the same folder.
local function evaluation_of(folder)
   local path = folder .. "/reid_evaluation.json"
   local made, ended = lfs.attributes(path, "modification"), lfs.attributes(folder .. "/run.json", "modification")
   local found = made and ended and made >= ended and json_file.read(path)
   return found and type(found.closed) == "table" and type(found.individuals) == "table" and found or nil
end

-- ---- figures ----

-- Top-k of a table { top_1 = , ... }, rising.
local function top_rows(closed)
   local ks, rows = {}, {}
   for name in pairs(closed) do ks[#ks + 1] = math.tointeger(tonumber(name:match "^top_(%d+)$")) end
   table.sort(ks)
   for i, k in ipairs(ks) do
      local value = share(closed["top_" .. k])
      local interval = k == 1 and type(closed.interval) == "table" and closed.interval
      rows[i] = { "top-" .. k, interval and interval[1] and ("%s (95 %% interval %s to %s)"):format(value, share(interval[1]),
         share(interval[2])) or value }
   end
   return rows
end

local function closed_part(found)
   local c, rows = found.closed, top_rows(found.closed)
   rows[#rows + 1] = { "top-1, averaged over individuals", share(c.balanced) }
   rows[#rows + 1] = { "mAP", share(c.map) }
   rows[#rows + 1] = { "MAP@R", share(c.map_at_r) }
   if type(found.encounters) == "table" then
      rows[#rows + 1] = { "top-1, averaged over encounters", share(found.encounters.mean) }
      rows[#rows + 1] = { "encounters whose photos vote right", share(found.encounters.vote) }
   end
   return page.rows(rows)
end

local function open_part(open)
   if type(open) ~= "table" then return "" end
   local l = type(open.likelier) == "table" and open.likelier or {}
   local made = open.made and paragraph("No photo is of a new individual; each is asked for again, its own individual left out "
      .. "of the gallery.", "soft") or ""
   return "<h3>New individuals, among the photos that train</h3>\n" .. made .. page.rows {
      { "known ones named right", share(open.known) }, { "new ones said to be new", share(open.unknown) },
      { "root of both", share(open.root) },
      { "named from a similarity of", open.threshold and share(open.threshold) or "a probability of one half" },
      { "the three from a probability of one half, as identify.lua says it", ("%s, %s, %s"):format(share(l.known),
         share(l.unknown), share(l.root)) }, { "calibration error", share(open.calibration_error) } }
end

local function sides_part(sides)
   if type(sides) ~= "table" or #sides == 0 then return "" end
   local rows = {}
   for i, s in ipairs(sides) do
      rows[i] = { s.side or "not known", plain(s.photos), share(s.top1), share(s.map), share(s.same), share(s.other) }
   end
   return "<h3>By side</h3>\n" .. page.table({ { "side" }, { "photos", true }, { "top-1", true }, { "mAP", true },
      { "same side only", true }, { "other sides only", true } }, rows)
end

local function individuals_part(list)
   local rows = {}
   for i, entry in ipairs(as_text.worst(list, LISTED)) do
      rows[i] = { entry.identity, plain(entry.photos), plain(entry.gallery), plain(entry.encounters), share(entry.right),
         share(entry.map), entry.taken_for or "" }
   end
   if #rows == 0 then return paragraph "Each individual in the gallery was known again on all of its photos." end
   local note = paragraph(("%d of %d; individuals.csv has all."):format(#rows, #list), "soft")
   return ("<h3>Individuals known again worst</h3>\n%s\n%s"):format(note, page.table({ { "individual" }, { "photos", true },
      { "in the gallery", true }, { "encounters", true }, { "top-1", true }, { "mAP", true }, { "taken for" } }, rows))
end

-- ---- pictures ----

local LABELS = { similarities = "how alike pairs of photos are", calibration = "whether probabilities are what they say",
   failures = "photos that were not known again, with their candidates", rank_lists = "photos and their candidates",
   pairs_different = "different individuals that are most alike", pairs_same = "photos of one individual that are least alike",
   embedding = "photos on the two main directions of their embeddings" }
local DRAWINGS = { similarities = "ink", calibration = "ink", embedding = "ink" }

local function picture_parts(folder)
   local parts = {}
   for _, name in ipairs(pictures.NAMES) do
      local png = bytes_of(("%s/reid_%s.png"):format(folder, name))
      if png and #png > 24 then parts[#parts + 1] = page.png(png, LABELS[name], DRAWINGS[name]) end
   end
   return table.concat(parts, "\n")
end

local function sentence(text)
   return text:sub(1, 1):upper() .. text:sub(2) .. "."
end

local function measured_of(folder)
   local found = evaluation_of(folder)
   if not found then return "" end
   local c = found.closed
   local head = ('<p><span class="big">%.1f&nbsp;%%</span> of %s photos of known individuals are known again (top-1); split: '
      .. "%s.%s</p>"):format(100 * (tonumber(c.top_1) or 0 / 0), escape(plain(c.photos)), escape(found.protocol or "not known"),
      found.chosen and " These photos chose the epoch, the threshold and the calibration, so the figures are optimistic." or "")
   return section("Who is it?", head, paragraph(sentence(as_text.leak(tonumber(found.leak)))),
      closed_part(found), open_part(found.open), sides_part(found.sides), individuals_part(found.individuals),
      picture_parts(folder))
end

--- HTML of both for the folder of a run; "" of one that is not about individuals.
return function(folder)
   local split, measured = split_of(folder), measured_of(folder)
   return split ~= "" and measured ~= "" and split .. "\n" .. measured or split .. measured
end
