-- The page that make reid-demo leaves: what was drawn, under which protocol each figure was reached, and whom it took for whom.
local page = require "scute.base.page"
local scute = require "scute"

local report = {}

local SYNTHETIC = "These animals are SYNTHETIC: a program draws them (tests/reid/animals.lua), for no photos of individuals "
   .. "can be passed on with scute. What is reached on them says that the parts work together, and how far a protocol moves a "
   .. "figure; it says nothing of how well real animals are told apart."

-- A sheet of photos: a row for each animal, a column for each encounter, under its day.
local COLUMNS, WIDTH, HEIGHT, MARGIN = 6, 160, 120, 18

-- The first photo of each encounter of those animals that were met most often.
local function most_met(plan, rows)
   local met, order = {}, {}
   for _, photo in ipairs(plan.photos) do
      local identity = photo.encounter.identity
      if not met[identity] then met[identity], order[#order + 1] = {}, identity end
      local list = met[identity]
      if #list == 0 or list[#list].encounter ~= photo.encounter then list[#list + 1] = photo end
   end
   table.sort(order, function(a, b)
      if #met[a] ~= #met[b] then return #met[a] > #met[b] end
      return a < b
   end)
   local found = {}
   for i = 1, math.min(rows, #order) do found[i] = met[order[i]] end
   return found
end

--- PNG bytes of a sheet that shows some animals over the years.
function report.sheet(plan, folder)
   local animals = most_met(plan, 5)
   local canvas <close> = scute.canvas(COLUMNS * WIDTH, #animals * (HEIGHT + MARGIN))
   for i, photos in ipairs(animals) do
      for k = 1, math.min(COLUMNS, #photos) do
         local photo, x, y = photos[k], (k - 1) * WIDTH, (i - 1) * (HEIGHT + MARGIN)
         local image <close> = scute.image.load(folder .. "/" .. photo.file)
         canvas:image(image, x, y + MARGIN, WIDTH - 4, HEIGHT)
         canvas:text(x, y + MARGIN - 5, ("%s, %s, %s"):format(photo.encounter.identity, photo.encounter.date, photo.side),
            { size = 10 })
      end
   end
   return canvas:encode "png"
end

local function share(value)
   return value and ("%.3f"):format(value) or "-"
end

local function protocols(found)
   local rows = {}
   for i, p in ipairs(found.protocols) do
      rows[i] = { p.text, p.train, p.val, p.test, p.leak and ("%.1f %%"):format(100 * p.leak) or "-" }
   end
   return page.section("Who is in which part", page.table({ { "protocol" }, { "train", true }, { "validate", true },
      { "test", true }, { "known encounters", true } }, rows))
end

local function figures(found)
   local rows = {}
   for i, f in ipairs(found.figures) do
      rows[i] = { f.model, share(f.top1), share(f.top5), share(f.map), f.n, f.protocol }
   end
   return page.section("Who is it? Closed set", page.table({ { "what looks" }, { "top-1", true },
      { "top-5", true }, { "mAP", true }, { "photos", true }, { "protocol" } }, rows))
end

local function checks(found)
   local rows = {}
   for i, c in ipairs(found.checks) do rows[i] = { c.good and "yes" or "NO", c.seen, c.expected, c.text } end
   return page.section("What this demo has to show", page.table(
      { { "reached" }, { "seen" }, { "expected" }, { "what" } }, rows))
end

local function runs(found)
   local out = {}
   for i, run in ipairs(found.runs) do
      out[i] = ('<li><a href="%s">%s</a></li>'):format(page.link(run.file), page.escape(run.text))
   end
   return page.section("The runs", "<ul>" .. table.concat(out) .. "</ul>")
end

--- Writes the page. found: { protocols = list of { text, train, val, test, leak }, figures = list of { model, protocol, top1,
-- top5, map, n }, open = rows { name, value }, checks = list of { text, expected, seen, good }, runs = list of { file, text },
-- pictures = list of { png, text }, sheet = PNG bytes, about }.
function report.write(path, found)
   local parts = { "<h1>Re-identification of synthetic animals</h1>", ("<p>%s</p>"):format(page.escape(SYNTHETIC)),
      ('<p class="soft">%s</p>'):format(page.escape(found.about)), checks(found),
      page.section("What they look like", page.png(found.sheet, "synthetic animals over the years", nil,
         "Some of the animals, an encounter a column: each has its own light, water, camera and place.")),
      protocols(found), figures(found) }
   if found.open then
      parts[#parts + 1] = page.section("Open set: " .. found.open.text, page.rows(found.open.rows))
   end
   for _, picture in ipairs(found.pictures) do
      parts[#parts + 1] = page.section(picture.text, page.png(picture.png, picture.text))
   end
   parts[#parts + 1] = runs(found)
   local file <close> = assert(io.open(path, "wb"))
   assert(file:write(page.document("Re-identification of synthetic animals", parts)))
end

return report
