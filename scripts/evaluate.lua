-- How good a trained model is on your photos, and which photos it gets wrong; of several models, which is better, and whether
-- that is more than chance.
--
--    ./scute scripts/evaluate.lua --model models/resnet50/best.safetensors --data_dir path/to/dataset
--    ./scute scripts/evaluate.lua --model a/best.safetensors --model b/best.safetensors --data_dir path/to/dataset
local scute = require "scute"
local cli, evaluate, models = scute.cli, scute.evaluate, scute.models

local opt = cli.parse(arg, "Measure a trained model on photos whose classes are known, or compare several", {
   { "model", required = true, many = true, value = "FILE",
     help = "what training saved: best.safetensors; two or more are compared on the same photos" },
   cli.pick(cli.common, "data_dir")[1], cli.pick(cli.common, "layout")[1],
   { "split", choices = { "val", "train", "new", "test", "all" }, default = "val",
     help = "which photos: as the run was split, new ones since then, those in data_dir/test (or of that split in "
        .. "--split_csv), or all" },
   { "json", flag = true, help = "print JSON instead of text" },
   { "output_dir", value = "PATH", show = "none",
     help = "where evaluation.json and pictures go: confusion, worst photos, what the network looked at, map of features; of "
        .. "several models comparison.md, .csv and .json, and a folder for each" },
   { "val_fraction", number = true, above = 0, below = 1, value = "X", show = "as the model was trained",
     help = "share of each class that validates, where the run's split is not known" },
   { "seed", whole = true, min = 0, value = "N", show = "0",
     help = "what is drawn depends on it alone: the resamples of intervals, and what validates where that is not known" },
   { "split_csv", value = "FILE", show = "as the model was trained", excludes = { "val_fraction" },
     why = "the file says which photos validate", help = "a table that says which photos validate" },
   cli.pick(cli.common, "quiet")[1], table.unpack(cli.looking),
}, evaluate.MEANING)
cli.alone()
if #opt.model > 1 then
   local found = evaluate.compare(opt)
   evaluate.print_comparison(found, opt.json)
   if opt.output_dir then evaluate.save_comparison(opt.output_dir, found) end
   return
end
opt.model = opt.model[1]
local model, metadata = cli.guard(nil, models.load, opt.model)
local part, classes, split = evaluate.open(opt, metadata)
model:to(opt.device)
local records, bad, features = evaluate.photos(model, part, classes,
   { workers = opt.workers, device = opt.device, precision = opt.precision, features = opt.output_dir ~= nil })
for _, entry in ipairs(bad) do cli.warn("left out: %s", entry.message) end
if #records == 0 then cli.fail("data_dir: none of the photos in '%s' can be read", opt.data_dir) end
local result = evaluate.summary(records, model.classes, { seed = opt.seed })
local about = { model = opt.model, data_dir = opt.data_dir, split = split, chosen = part.chosen, trained = part.trained,
   bad = #bad }
if opt.json then
   evaluate.print_json(result, model.classes, about)
else
   cli.line("%s on %s of '%s' (%s)\n", model.arch, cli.count(#records, "photo"), opt.data_dir, split)
   evaluate.print(result, model.classes, part.chosen, part.trained)
end
if opt.output_dir then
   evaluate.save(opt.output_dir, result, records, model.classes, about, { features = features, model = model:to "cpu" })
end
