-- How an evaluation of individuals prints: every figure below the protocol that it is for.
local columns = require "scute.base.columns"
local console = require "scute.base.console"
local valid = require("scute.base.json").valid

local as_text = {}

local WORST = 10 -- individuals that are listed

local function share(value) return value and value == value and ("%.3f"):format(value) or "-" end

-- A warning where photos that test are of an encounter in the gallery.
local function leak_text(leak)
   if not leak then return "no encounter is known, so that nobody can tell whether backgrounds repeat" end
   if leak == 0 then return "none of these photos is of an encounter in the gallery" end
   return ("%.1f %% of these photos are of an encounter in the gallery%s"):format(100 * leak,
      leak >= 0.01 and ": they may be known by their background, and the figures are too good" or "")
end
as_text.leak = leak_text

-- Rows { name, value, what it is }.
function as_text.closed_rows(result)
   local c, rows = result.closed, {}
   for _, k in ipairs(c.asked) do
      rows[#rows + 1] = { ("top-%d"):format(k), share(c.top[k]), k == 1 and c.queries > 0
         and ("95 %% interval %.3f to %.3f, Wilson's"):format(c.interval[1], c.interval[2]) or "" }
   end
   rows[#rows + 1] = { "top-1, balanced", share(c.balanced), "averaged over individuals" }
   rows[#rows + 1] = { "mAP", share(c.map), "mean average precision over all ranks" }
   rows[#rows + 1] = { "MAP@R", share(c.map_at_r), "over as many ranks as there are photos to find" }
   local e = result.encounters
   if e then
      rows[#rows + 1] = { "by encounter", share(e.mean), "top-1 averaged over " .. console.count(e.count, "encounter") }
      rows[#rows + 1] = { "", share(e.vote), "of them, where the photos of an encounter vote" }
   end
   return rows
end

function as_text.open_rows(result)
   local o = result.open
   local how = o.threshold and ("named from a similarity of %.3f on"):format(o.threshold)
      or "named where that is likelier than not"
   local rows = {
      { "known", share(o.known), ("of %s of %s: named right (balanced), %s"):format(console.count(o.known_photos, "photo"),
         console.count(o.known_individuals, "individual"), how) },
      { "new", share(o.unknown), ("of %s of %s: said to be new (balanced)%s"):format(console.count(o.unknown_photos, "photo"),
         console.count(o.unknown_individuals, "individual"), o.made and "; each photo again, without its individual" or "") },
      { "root of both", share(o.root), "as AnimalCLEF 2025 scores" },
   }
   if o.threshold then
      rows[#rows + 1] = { "by probability", share(o.likelier.root),
         ("the same root, named where that is likelier than not, as by identify.lua: known %s, new %s"):format(
         share(o.likelier.known), share(o.likelier.unknown)) }
   end
   rows[#rows + 1] = { "known against new", share(o.auc), "area under the ROC of the first similarity" }
   rows[#rows + 1] = { "calibration error", share(o.calibration_error),
      ("says %.0f %% on average, is right in %.0f %%"):format(100 * o.mean, 100 * o.right) }
   return rows
end

function as_text.side_rows(result)
   local rows = { { "side", "photos", "top-1", "mAP", "same side only", "other sides only" } }
   for _, s in ipairs(result.sides) do
      rows[#rows + 1] = { s.side or "not known", tostring(s.photos), share(s.top1), share(s.map), share(s.same),
         share(s.other) }
   end
   return rows
end

--- The individuals that are known again worst, at most so many: by share, then by photos, then by name.
function as_text.worst(individuals, limit)
   local list = {}
   for _, entry in ipairs(individuals) do
      if entry.known and entry.right < 1 then list[#list + 1] = entry end
   end
   table.sort(list, function(a, b)
      if a.right ~= b.right then return a.right < b.right end
      if a.photos ~= b.photos then return a.photos > b.photos end
      return a.identity < b.identity
   end)
   return table.move(list, 1, math.min(limit, #list), 1, {})
end

local function individual_rows(list)
   local rows = { { "individual", "photos", "gallery", "top-1", "mAP", "taken for" } }
   for _, entry in ipairs(list) do
      rows[#rows + 1] = { valid(entry.identity), tostring(entry.photos), tostring(entry.gallery), share(entry.right),
         share(entry.map), valid(entry.taken_for or "") }
   end
   return rows
end

--- All of it as text.
function as_text.text(result)
   if result.photos == 0 then return "evaluation of 0 photos: of none it is known who it is" end
   local lines = { ("%s in a gallery of %s of %s; split: %s"):format(console.count(result.photos, "photo"),
      columns.thousands(result.gallery.photos), console.count(result.gallery.individuals, "individual"),
      result.text or "not known"), result.among and "they look among one another, each but for its own encounter"
      or leak_text(result.leak) }
   local function part(title, text)
      lines[#lines + 1] = ""
      lines[#lines + 1] = title
      lines[#lines + 1] = text
   end
   part(("closed set: %s%s"):format(console.count(result.closed.queries, "photo"), result.closed.without > 0
      and (" (%d more are of individuals that are not in the gallery)"):format(result.closed.without) or ""),
      columns.text(as_text.closed_rows(result), { 1, 3 }))
   if #result.sides > 0 then part("by side", columns.text(as_text.side_rows(result), { 1 })) end
   if result.open then
      part(result.among and "open set: the same photos, among those that train" or "open set",
         columns.text(as_text.open_rows(result), { 1, 3 }))
   end
   part("pairs", ("same against different: area under the ROC %s, equal error rate %s (%s pairs%s)"):format(
      share(result.pairs.auc), share(result.pairs.eer), columns.thousands(result.pairs.of),
      result.pairs.drawn and ", of some of the photos" or ""))
   local worst = as_text.worst(result.individuals, WORST)
   if #worst > 0 then
      part(("individuals known again worst (%d of %d)"):format(#worst, #result.individuals),
         columns.text(individual_rows(worst), { 1, 6 }))
   end
   return table.concat(lines, "\n")
end

local META = { __name = "scute.reid.evaluation", __tostring = as_text.text }

--- The result as a table that prints so.
function as_text.evaluation(result)
   return setmetatable(result, META)
end

return as_text
