-- What scripts/identify.lua does, step by step.
local lfs = require "lfs"
local apart = require "scute.data.apart"
local boxes = require "scute.reid.catalogue.boxes"
local cli = require "scute.cli"
local console = require "scute.base.console"
local embeddings = require "scute.reid.embeddings"
local gallery = require "scute.reid.gallery"
local identify = require "scute.reid.identify"
local json_file = require "scute.base.json_file"
local models = require "scute.models"
local of_folder = require "scute.reid.gallery.of_folder"
local predict = require "scute.predict"
local saved = require "scute.reid.saved"
local scute = require "scute.core"
local sides = require "scute.reid.catalogue.sides"
local tell = require "scute.reid.identify.tell"
local what_is = require "scute.reid.catalogue.found"

local program = {}

local LONGEST_NAME = 255 -- bytes, as of a folder

--- The box that a text says, as --box takes it.
function program.box(text)
   local box, why = boxes.read(text)
   return box or error(why, 0)
end

--- The name of an individual, as --enroll takes it: in one form however its accents were typed, as folders' names are.
function program.name(text)
   local name = scute.nfc(text:match "^%s*(.-)%s*$")
   if name == "" then error("expected a name, found blanks", 0) end
   if not utf8.len(name) or name:find "%c" then
      error(("expected a name in UTF-8, in one line, found '%s'"):format(name), 0)
   elseif #name > LONGEST_NAME then
      error(("expected a name of at most %d bytes, found %d"):format(LONGEST_NAME, #name), 0)
   elseif name:lower() == "unknown" then
      error("'unknown' is nobody's name: photos of who is not known are not in a gallery", 0)
   end
   return name
end

--- The name of a side, as --side takes it: as catalogues have it.
function program.side(text)
   return sides.read(text) or error(("expected the name of a side, as left or right, found '%s'"):format(text), 0)
end

-- A picture among the photos of the gallery's folder would be one of them the next time.
local function check_beside(opt)
   local folder = opt.picture:match "^(.*)/[^/]*$" or "."
   if lfs.attributes(opt.gallery, "mode") == "directory" and what_is(opt.gallery, opt.columns, true).kind == "folders" then
      apart(folder == "" and "/" or folder, opt.gallery, nil, false, "picture")
   end
end

--- Refuses what cannot go on, before the model is read.
function program.check(opt)
   if opt.enroll and #opt.photos == 0 then cli.usage_error("--enroll %s: no photo is named", opt.enroll) end
   if opt.picture then check_beside(opt) end
end

-- What training has written beside a model: protocol, calibration, crop. Nothing where there is none.
local function facts_of(model_path)
   local folder = model_path:match "^(.*)/" or model_path:match "^/" or "."
   local path = folder .. "/" .. saved.JSON
   if not lfs.attributes(path) then return {} end
   local facts, why = json_file.read(path)
   if not facts then console.fail("%s", why) end
   if facts.calibration ~= nil and not saved.is_fitted(facts, model_path) then
      console.warn("the calibration in %s is of other weights than %s: similarities are told without probabilities", path,
         model_path)
      facts.calibration = nil
   end
   return facts
end

--- The model of a file, and what is told of it beside the file.
function program.model(opt)
   local model = models.load(opt.model):to(opt.device)
   return model, facts_of(opt.model)
end

local function kept(facts)
   return { protocol = facts.text, calibration = facts.calibration }
end

local function told(known, done)
   local changes = {}
   if done.added > 0 then changes[1] = console.count(done.added, "photo") .. " added" end
   if done.gone > 0 then changes[#changes + 1] = console.count(done.gone, "photo") .. " gone" end
   console.line("%s: %s of %s%s", known.path, console.count(known.count, "photo"),
      console.count(#known.identities, "individual"), #changes > 0 and "; " .. table.concat(changes, ", ") or "")
end

local SHOWN = 5 -- problems that are named

local function tell_problems(done)
   local list = table.move(done.bad, 1, #done.bad, #done.problems + 1, table.move(done.problems, 1, #done.problems, 1, {}))
   for i = 1, math.min(SHOWN, #list) do console.warn("%s", list[i].message) end
   if #list > SHOWN then console.warn("and %s more", console.count(#list - SHOWN, "problem")) end
end

local function is_cropped(facts)
   return facts.crop ~= nil and facts.crop ~= "none"
end

-- A folder, or a table or annotations that say which photos there are.
local function holds_photos(path, mode)
   return mode == "directory" or mode == "file" and path:lower():find "%.csv$" ~= nil or path:lower():find "%.json$" ~= nil
end

-- The gallery of a folder, brought up to date.
local function gallery_of_folder(opt, model, facts)
   local o = kept(facts)
   o.catalogue = { crop = facts.crop, mask = facts.mask == true, columns = opt.columns or facts.columns }
   o.is_hint = opt.columns == nil
   o.model, o.rebuild, o.workers, o.device, o.precision = opt.model, opt.rebuild, opt.workers, opt.device, opt.precision
   local known, done = of_folder.open(opt.gallery, model, o)
   tell_problems(done)
   if is_cropped(facts) and done.added > 0 and not known:row(known.count).box then
      console.warn("the model was trained on crops ('%s'), and the photos in %s are looked at whole", facts.crop, opt.gallery)
   end
   if not opt.json then told(known, done) end
   return known
end

--- The gallery that a command line names: the folder's, brought up to date, or the file. nil where there is no such file and
-- something is to be enrolled: it will be a new one.
function program.gallery(opt, model, facts)
   local mode = lfs.attributes(opt.gallery, "mode")
   if mode and holds_photos(opt.gallery, mode) then
      return gallery_of_folder(opt, model, facts)
   elseif opt.columns then
      console.fail("columns: they are of a table of photos, and %s is none", opt.gallery)
   elseif opt.rebuild then
      console.fail("rebuild: %s is no folder of photos, from which a gallery could be made anew", opt.gallery)
   elseif not mode and opt.enroll then
      return nil
   elseif not mode then
      console.fail("gallery: there is no %s; expected a folder with one folder of photos for each individual, or a file that "
         .. "--enroll NAME made", opt.gallery)
   end
   return gallery.open(opt.gallery, { model = opt.model })
end

-- What the photos differ in from those that the model learned from.
local function warn_of_differences(photos, facts)
   local one = #photos.paths == 1
   if is_cropped(facts) and not photos.boxes then
      console.warn("the model was trained on crops ('%s'), and %s looked at whole: say with --box where it is, or cut it out "
         .. "first", facts.crop, one and "the photo is" or "photos are")
   end
   if facts.mask and #photos.paths > 0 then
      console.warn("the model was trained on photos whose background is painted over, and %s not: similarities and "
         .. "probabilities are not those that were measured; paint what is not the animal in grey first", one and
         "that of the photo is" or "that of photos is")
   end
end

-- Photos of which the side is not told remain candidates, so that a name that was mistyped is easily missed.
local function warn_of_side(known, side)
   for _, name in ipairs(side and known.sides or {}) do
      if name == side then return end
   end
   if side then
      console.warn("side: no photo in the gallery is told to show the side '%s'; those that are told: %s", side,
         #known.sides > 0 and table.concat(known.sides, ", ") or "none")
   end
end

--- Compares the photos of a command line with the gallery. Returns what reid.identify does; without a gallery their embeddings
-- alone: { x, rows, bad, photos = {} }.
function program.identify(opt, model, known, photos, facts)
   local found
   warn_of_differences(photos, facts)
   if known then
      warn_of_side(known, opt.side)
      found = identify(model, known, photos, { top = opt.top, side = opt.side, workers = opt.workers, device = opt.device,
         precision = opt.precision, calibration = facts.calibration, protocol = facts.text })
   else
      found = embeddings(model, photos, { workers = opt.workers, device = opt.device, precision = opt.precision })
      found.photos, found.calibrated, found.path, found.protocol = {}, false, opt.gallery, facts.text
   end
   if found.complete == false then console.stop(130, "interrupted; nothing is enrolled") end
   return found
end

--- Prints what was found (as JSON that is the last thing to be done: see program.tell_json), and draws it where a picture is
-- wanted.
function program.tell(opt, found)
   if #found.photos > 0 and not opt.json then console.print(tostring(found)) end
   if not opt.picture then return end
   if #found.photos == 0 then
      console.warn("picture: there is nothing to compare; %s is not drawn", opt.picture)
      return
   end
   local figure = found:picture()
   console.guard("picture", figure.save, figure, opt.picture)
end

--- Prints the JSON document. found: what program.identify returned, nil where no photo is named. count: of enrolled photos, nil
-- where none were to be.
function program.tell_json(found, known, count)
   found = found or { photos = {}, bad = {}, protocol = known.protocol, calibrated = known.calibration ~= nil }
   found.gallery, found.enrolled = known, count
   print(tell.json(found))
end

-- ---- enrolling ----

local function warn_of_others(found, name)
   for _, photo in ipairs(found.photos) do
      local best = photo.candidates[1]
      if photo.new == false and best.identity ~= name then
         console.warn("%s looks like %s (%.0f %%); it is enrolled as %s all the same", photo.path, best.identity,
            100 * best.probability, name)
      end
   end
end

local function tell_others(others, name)
   for _, other in ipairs(others) do
      console.warn("%s is in the gallery already%s; it is not enrolled again", other.row.path,
         other.as ~= name and (", as %s"):format(other.as) or "")
   end
end

-- Two names that only small and capital letters tell apart are seldom two individuals.
local function warn_of_names(known, name)
   local alike
   for _, there in ipairs(known and known.identities or {}) do
      if there == name then return end
      if there:lower() == name:lower() then alike = there end
   end
   if alike then console.warn("the gallery knows '%s'; '%s' is another individual", alike, name) end
end

-- The gallery with the rows, and those that were in it already.
local function add(opt, known, x, rows, facts)
   if not known then
      local o = kept(facts)
      o.embeddings, o.rows, o.model, o.once = x, rows, opt.model, true
      local ok, made, others = pcall(gallery.create, opt.gallery, o)
      if ok then return made, others end
      if not console.is_failure(made) or not lfs.attributes(opt.gallery) then error(made, 0) end
      known = gallery.open(opt.gallery, { model = opt.model }) -- another program has made it meanwhile
   end
   return known:append { embeddings = x, rows = rows, once = true }
end

--- Adds the photos to the gallery as individual opt.enroll; those that are in it already are not. Returns the gallery and how
-- many were added.
function program.enroll(opt, known, photos, found, facts)
   warn_of_others(found, opt.enroll)
   warn_of_names(known, opt.enroll)
   local rows = {}
   for i, number in ipairs(found.rows) do
      local path = photos.paths[number]
      rows[i] = { identity = opt.enroll, file = path:match "[^/]*$", path = path, side = opt.side, enrolled = true,
         box = photos.boxes and photos.boxes[number] or nil }
   end
   local others
   known, others = add(opt, known, found.x, rows, facts)
   tell_others(others, opt.enroll)
   return known, #rows - #others
end

local PICTURES = { png = true, svg = true, pdf = true }

--- Fails where the picture could not be written, or would take the place of a photo, the model or a file of a run.
function program.check_picture(opt, photos)
   if not PICTURES[opt.picture:lower():match "%.([^./]*)$"] then
      cli.usage_error("--picture: '%s': expected a name that ends in .png, .svg or .pdf", opt.picture)
   end
   predict.check_output("picture", opt.picture, opt.model)
   local there = lfs.attributes(opt.picture)
   for _, path in ipairs(there and photos.paths or {}) do
      local photo = lfs.attributes(path)
      if photo and photo.dev == there.dev and photo.ino == there.ino then
         console.fail("picture: '%s' is one of the photos; choose another file", opt.picture)
      end
   end
end

--- Fails where the picture would take the place of a photo of the gallery.
function program.check_apart(opt, known)
   if lfs.attributes(opt.picture) and #known:find(opt.picture) > 0 then
      console.fail("picture: '%s' is a photo of the gallery; choose another file", opt.picture)
   end
end

--- The photos that a command line names; { paths = {} } of none.
function program.photos(opt)
   if #opt.photos == 0 then return { paths = {}, broken = {}, others = 0 } end
   local photos = predict.find(opt.photos)
   if photos.others > 0 then
      console.warn("passed over: %s", console.count(photos.others, "file that is no photo", "files that are no photos"))
   end
   if opt.box and #photos.paths > 1 then
      cli.usage_error("--box: it is of one photo, and %s are named", console.count(#photos.paths, "photo"))
   end
   photos.boxes = opt.box and { opt.box } or nil
   return photos
end

return program
