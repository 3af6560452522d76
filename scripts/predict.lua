-- What a trained model sees in your photos; or what a network sees that has learned ImageNet.
--
--    ./scute scripts/predict.lua --model models/resnet50/best.safetensors photo.jpg another.jpg
--    ./scute scripts/predict.lua --model efficientnet_lite0 --weights imagenet photo.jpg
local scute = require "scute"
local cli, models, predict = scute.cli, scute.models, scute.predict

local opt = cli.parse(arg, "Say what a trained model sees in photos", {
   { "photos", argument = true, many = true, required = true, value = "PHOTO", help = "files to look at, or folders of them" },
   { "model", required = true, value = "FILE|NAME", suggests = models.list,
     help = "what training saved: best.safetensors; or, with --weights, the name of an architecture" },
   { "weights", value = "FILE|imagenet", suggests = { "imagenet" }, show = "none: --model is a file",
     help = "what the architecture has learned: a weight file that knows ImageNet's 1000 classes, or the official one" },
   { "top", whole = true, min = 1, default = 5, help = "classes to show of each photo" },
   { "json", flag = true, help = "print JSON instead of text" },
   { "embeddings", value = "FILE", help = "also write what the backbone says about each photo, as safetensors" },
   table.unpack(cli.looking),
})
cli.alone()
predict.check(opt)
local function note(line) cli.warn("%s", line) end
local model = predict.open(opt.model, { weights = opt.weights, log = note }):to(opt.device)
if opt.embeddings then predict.check_output("embeddings", opt.embeddings, model.weights.path) end
local photos = predict.find(opt.photos)
if photos.others > 0 then
   cli.warn("passed over: %s", cli.count(photos.others, "file that is no photo", "files that are no photos"))
end
local result = predict.photos(model, photos, { top = opt.top, workers = opt.workers, device = opt.device,
   precision = opt.precision })
if opt.json then predict.print_json(result) else predict.print(result) end
if opt.embeddings and result.features then predict.save_features(opt.embeddings, result) end
for _, entry in ipairs(result.bad) do cli.warn("%s", entry.message) end
if #result.bad > 0 then os.exit(1, true) end
