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
local sides = require "scute.reid.catalogue.sides"
local what_is = require "scute.reid.catalogue.found"

local program = {}

--- The box that a text says, as --box takes it.
function program.box(text)
   local box, why = boxes.read(text)
   return box or error(why, 0)
end

--- The side that a text says, by the name that catalogues have for it.
function program.side(text)
   return sides.read(text) or error(("expected a side, as left or right, found '%s'"):format(text), 0)
end

-- A picture among the photos of the gallery's folder would be one of them the next time.
local function check_picture(opt)
   predict.check_output(opt.picture, opt.model, "picture")
   local folder = opt.picture:match "^(.*)/[^/]*$" or "."
   if lfs.attributes(opt.gallery, "mode") == "directory" and what_is(opt.gallery, opt.columns, true).kind == "folders" then
      apart(folder == "" and "/" or folder, opt.gallery, nil, false, "picture")
   end
end

--- Refuses what cannot go on, before the model is read.
function program.check(opt)
   if opt.enroll and #opt.photos == 0 then cli.usage_error("--enroll %s: no photo is named", opt.enroll) end
   if opt.picture then check_picture(opt) end
end

-- What training has written beside a model: protocol, calibration, crop. Nothing where there is none.
local function facts_of(model_path)
   local folder = model_path:match "^(.*/)" or ""
   local path = folder .. "reid.json"
   if not lfs.attributes(path) then return {} end
   local facts, why = json_file.read(path)
   if not facts then console.fail("%s", why) end
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

--- Compares the photos of a command line with the gallery. Returns what reid.identify does; without a gallery their embeddings
-- alone: { x, rows, bad, photos = {} }.
function program.identify(opt, model, known, photos, facts)
   local found
   if is_cropped(facts) and not photos.boxes then
      console.warn("the model was trained on crops ('%s'), and %s looked at whole: say with --box where it is, or cut it out "
         .. "first", facts.crop, #photos.paths == 1 and "the photo is" or "photos are")
   end
   if known then
      found = identify(model, known, photos, { top = opt.top, side = opt.side, workers = opt.workers, device = opt.device,
         precision = opt.precision, calibration = facts.calibration })
   else
      found = embeddings(model, photos, { workers = opt.workers, device = opt.device, precision = opt.precision })
      found.photos = {}
   end
   if found.complete == false then console.stop(130, "interrupted; nothing is enrolled") end
   return found
end

--- Prints what was found, and draws it where a picture is wanted.
function program.tell(opt, found)
   if opt.json then print(found:json()) else console.print(tostring(found)) end
   if opt.picture then
      local figure = found:picture()
      console.guard("picture", figure.save, figure, opt.picture)
   end
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

-- The photos that are not in the gallery yet: places in the list of those that were read.
local function new_places(known, paths, found, name)
   local places = {}
   for i, number in ipairs(found.rows) do
      local there = known and known:find(paths[number])[1] or nil
      local as = there and known:row(there).identity
      if as then
         console.warn("%s is in the gallery already%s; it is not enrolled again", paths[number],
            as ~= name and (", as %s"):format(as) or "")
      else
         places[#places + 1] = i
      end
   end
   return places
end

local function add(opt, known, x, rows, facts)
   if known then return known:append { embeddings = x, rows = rows } end
   local model = kept(facts)
   model.embeddings, model.rows, model.model = x, rows, opt.model
   return gallery.create(opt.gallery, model)
end

--- Adds the photos to the gallery as individual opt.enroll; those that are in it already are not. Returns the gallery and how
-- many were added.
function program.enroll(opt, known, photos, found, facts)
   warn_of_others(found, opt.enroll)
   local places = new_places(known, photos.paths, found, opt.enroll)
   if #places == 0 then return known, 0 end
   local rows, index = {}, require("scute").tensor(places, { dtype = "i64" })
   for i, place in ipairs(places) do
      local path = photos.paths[found.rows[place]]
      rows[i] = { identity = opt.enroll, file = path:match "[^/]*$", path = path, side = opt.side, enrolled = true,
         box = photos.boxes and photos.boxes[found.rows[place]] or nil }
   end
   local x <close> = found.x:index_select(1, index)
   return add(opt, known, x, rows, facts), #places
end

--- The photos that a command line names; { paths = {} } of none.
function program.photos(opt)
   if #opt.photos == 0 then return { paths = {}, broken = {}, others = 0 } end
   local photos = predict.find(opt.photos)
   if opt.box and #photos.paths > 1 then
      console.fail("box: it is of one photo, and %s are named", console.count(#photos.paths, "photo"))
   end
   photos.boxes = opt.box and { opt.box } or nil
   return photos
end

return program
