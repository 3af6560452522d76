-- Who is it? Photos of animals compared with a gallery of known individuals.
--
--    ./scute scripts/identify.lua --model reid/best.safetensors --gallery turtles photo.jpg another.jpg
--    ./scute scripts/identify.lua --model reid/best.safetensors --gallery turtles --enroll Anna photo.jpg
local scute = require "scute"
local cli, metric_learning = scute.cli, scute.metric_learning
local program = require "scute.reid.identify.program"

local opt = cli.parse(arg, "Say which individual photos show, or that it is a new one", {
   { "photos", argument = true, many = true, value = "PHOTO",
     help = "files to look at, or folders of them; none: the gallery is brought up to date" },
   { "model", required = true, value = "FILE", help = "what metric learning saved: best.safetensors" },
   { "gallery", required = true, value = "FOLDER|FILE",
     help = "the known individuals: a folder with a folder of photos for each of them (their embeddings are kept in it, as "
        .. "gallery.safetensors, and renewed as photos come), a CSV file or annotations that say whose photos are where, or a "
        .. "file that --enroll made" },
   metric_learning.flag "columns",
   { "enroll", read = program.name, value = "NAME", help = "also add the photos to the gallery, as this individual" },
   { "side", read = program.side, value = "NAME",
     help = "the side that the photos show, as left or right: photos of another do not count" },
   { "box", read = program.box, value = "X,Y,WIDTH,HEIGHT",
     help = "where on the photo the animal, or the part of it that the model knows, is; in pixels, from 0" },
   { "top", whole = true, min = 1, default = 5, help = "candidates to show of each photo" },
   { "json", flag = true, help = "print JSON instead of text" },
   { "picture", value = "FILE", help = "also draw the photos beside their candidates: .png, .svg or .pdf" },
   { "rebuild", flag = true, help = "make the gallery of a folder anew, as for another model" },
   table.unpack(cli.looking),
})
cli.alone()
program.check(opt)
local photos = program.photos(opt)
if opt.picture then program.check_picture(opt, photos) end
local model, facts = program.model(opt)
local gallery = program.gallery(opt, model, facts)
if opt.picture and gallery then program.check_apart(opt, gallery) end
local found, count
if #photos.paths > 0 then
   found = program.identify(opt, model, gallery, photos, facts)
   program.tell(opt, found)
   for _, entry in ipairs(found.bad) do cli.warn("%s", entry.message) end
end
if opt.enroll and found.x then
   gallery, count = program.enroll(opt, gallery, photos, found, facts)
   if count > 0 and not opt.json then
      cli.line("%s: %s enrolled as %s; %s of %s in it now", gallery.path, cli.count(count, "photo"), opt.enroll,
         cli.count(gallery.count, "photo"), cli.count(#gallery.identities, "individual"))
   end
end
if opt.json then program.tell_json(found, gallery, count) end
if found and #found.bad > 0 then os.exit(1, true) end
