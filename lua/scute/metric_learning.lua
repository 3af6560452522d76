-- The third week's exercise, what its script calls: the flags, the photos with their individuals and split, and what trains
-- how; the figures at the end are in metric_learning/measure.lua.
local scute = require "scute"
local cli, optim, reid, sampler = scute.cli, scute.optim, scute.reid, scute.sampler
local apart = require "scute.data.apart"
local augment = require "scute.augment"
local column_names = require "scute.reid.catalogue.columns"
local console = require "scute.base.console"
local fine_tuning = require "scute.fine_tuning"
local measure = require "scute.metric_learning.measure"
local options = require "scute.base.options"
local part_options = require "scute.reid.split.options"
local resumed = require "scute.data.resumed"
local saved = require "scute.reid.saved"
local tell_groups = require "scute.fine_tuning.tell_groups"
local loss_options = require "scute.reid.loss.options"

local metric_learning = { measure = measure.run }

-- ---- flags ----

-- Rate of the embedding, which is new, in rates of the layers before it.
local HEAD_FACTOR = 30

-- Photos of an individual in a batch where the loss compares photos with one another.
local EACH = 4

local COMPARES_PHOTOS = { triplet = true, supcon = true }

-- "identity=name,date=taken" -> { identity = "name", date = "taken" }.
local function read_columns(text)
   local columns = {}
   for word in (text .. ","):gmatch "([^,]*)," do
      local what, name = word:match "^%s*([%w_]+)%s*=%s*(.-)%s*$"
      if not what or name == "" then
         error(("expected WHAT=COLUMN,... as in identity=name,date=taken, found '%s'"):format(text), 0)
      end
      local fault = column_names.fault_of(what)
      if fault then error(fault, 0) end
      columns[what] = name
   end
   return columns
end

-- Entries as a group of --help.
local function group(title, entries)
   local list = {}
   for i, entry in ipairs(entries) do
      list[i] = { group = title }
      for key, value in pairs(entry) do list[i][key] = value end
   end
   return list
end

local function joined(...)
   local all = {}
   for _, list in ipairs { ... } do table.move(list, 1, #list, #all + 1, all) end
   return all
end

-- An entry with some fields changed; false: without them.
local function changed(entries, name, changes)
   local entry = {}
   for key, value in pairs(cli.pick(entries, name)[1]) do entry[key] = value end
   for key, value in pairs(changes) do entry[key] = value or nil end
   return entry
end

local OF_PHOTOS = group("Photos and individuals", {
   cli.changed("data_dir", { unless = "list_groups",
      help = "one folder of photos per individual, a CSV file with a column identity, or a data set as it is distributed "
         .. "(SeaTurtleID2022, wildlife-datasets, WildlifeReID-10k)" }),
   { "columns", read = read_columns, value = "WHAT=NAME,...", show = "their usual names",
     help = "which columns of a CSV file say what, as identity=turtle,date=taken,side=profile" },
   { "crop", value = "NAME", suggests = { "none", "head", "turtle", "flipper", "box" }, show = "head, where there is one",
     help = "what is cut out of the photos: a category of the annotations, box (the column of a CSV file), or none" },
   { "mask", flag = true, help = "what is outside of the category's mask becomes grey" },
   { "photos", value = "PATH", show = "where the file lies", resume = "free",
     help = "the folder below which the paths in a file are" },
})
local OF_SPLIT = group("Which photos train, validate and test", part_options)
local OF_NETWORK = group("Network", joined(cli.pick(options.of(reid.model).entries, "from", "model", "weights", "image_size",
   "fit", "embedding_size", "pooling", "sub_centers", "dropout")))
local OF_LOSS = group("Loss", joined(cli.pick(loss_options.LOSS.entries, "loss", "margin", "scale", "mining", "temperature"), {
   { "per_individual", whole = true, min = 1, max = 1024, value = "K", show = EACH .. " for triplet and supcon, else 1",
     default = function(opt) return COMPARES_PHOTOS[opt.loss] and not opt.sampler and EACH or 1 end,
     help = "photos of each individual in a batch, of as many individuals as that has room for; 1: photos as they come, or as "
        .. "--sampler says" },
}))
local OF_TRAINING = group("What trains, and how fast", {
   changed(fine_tuning.flags, "unfreeze", { default = "none",
      help = "what trains from which epoch on: none (the embedding alone, on features that are computed once); gradual (from "
         .. "the head down, evenly over the run); gradual:2; head,layer4@3,layer3@6; all" }),
   changed(fine_tuning.flags, "unfreeze_warmup", {}),
   cli.changed("learning_rate", { default = 1e-4, show = false,
      help = "of the layers before the embedding, after the warmup" }),
   { "head_learning_rate", number = true, above = 0, value = "RATE", show = ("%d x learning_rate"):format(HEAD_FACTOR),
     default = function(opt) return HEAD_FACTOR * opt.learning_rate end, help = "of the embedding and the centres" },
   changed(fine_tuning.flags, "layer_decay", {}), changed(fine_tuning.flags, "batch_norm", {}),
   cli.changed("augment", { default = function(opt) return opt.unfreeze == "none" and "none" or "light,flip=0" end,
      show = "light,flip=0 where layers of the backbone train, else none" }),
   changed(fine_tuning.flags, "list_groups", {}),
})

--- The flags of the exercise, as cli.parse takes them.
metric_learning.flags = cli.flags(joined(OF_PHOTOS, OF_SPLIT, OF_NETWORK, OF_LOSS, OF_TRAINING, {
   cli.changed("output_dir", { default = "reid", help = "where <model>/best.safetensors, reid.json and the history go" }),
   cli.changed("epochs", { default = 30 }),
}), { "freeze_backbone", "head_init", "layout", "split_csv", "label_smoothing", "class_weights", "mixup", "cutmix" })

--- A flag of the exercise for another script, outside of its group in --help.
function metric_learning.flag(name)
   return changed(metric_learning.flags, name, { group = false })
end

--- What stands below the flags in --help.
metric_learning.MEANING = "How photos were split matters more to a figure than the network does: so the protocol stands beside "
   .. "it, and before anything trains the share of the photos that test whose encounter trains is told. Photos that validate "
   .. "choose the epoch, the threshold for new individuals and the calibration; those that test choose nothing."

-- ---- mistakes of the command line ----

local function check_batches(opt)
   local k = opt.per_individual
   if k == 1 then return end
   if opt.sampler then
      cli.usage_error("--per_individual and --sampler exclude each other: each says which photos are in a batch")
   elseif opt.batch_size % k ~= 0 or opt.batch_size < 2 * k then
      cli.usage_error("--batch_size: with --per_individual %d expected a multiple of that for two individuals at least, as %d, "
         .. "found %d", k, math.max(2, opt.batch_size // k) * k, opt.batch_size)
   end
end

local function check(opt)
   local fault = loss_options.fault_of { loss = opt.loss, margin = opt.margin, mining = opt.mining,
      temperature = opt.temperature }
   if fault then cli.usage_error("--loss: %s", fault) end
   if opt.given and opt.protocol and opt.protocol ~= "given" then
      cli.usage_error("--given: it names a split of the data, and --protocol says %s", opt.protocol)
   elseif opt.val_fraction + opt.test_fraction >= 1 then
      cli.usage_error("--val_fraction and --test_fraction: expected less than 1 together, found %g and %g", opt.val_fraction,
         opt.test_fraction)
   end
   check_batches(opt)
end

-- What of the batches depends on the photos that train.
local function check_individuals(opt, set)
   local k, most = opt.per_individual, #set.classes
   local wanted = opt.batch_size // k
   if k > 1 and wanted > most then
      console.fail("batch_size: %d photos, %d of each individual (--per_individual), are of %d individuals, and %d train; "
         .. "expected at most --batch_size %d", opt.batch_size, k, wanted, most, k * most)
   elseif k == 1 and COMPARES_PHOTOS[opt.loss] and (opt.sampler or {}).name ~= "identities" then
      console.warn("loss: %s compares photos of an individual with one another, and it is left to chance whether a batch has "
         .. "several of one; --per_individual %d sees to that", opt.loss, EACH)
   end
end

-- ---- photos ----

local SHOWN = 5 -- problems that are named

local function tell_problems(list)
   for i = 1, math.min(SHOWN, #list) do console.warn("%s", list[i].message) end
   if #list > SHOWN then console.warn("and %s more", console.count(#list - SHOWN, "problem")) end
end

local function split_of(opt, catalogue)
   local folder = resumed(opt)
   if folder then return reid.split(catalogue, { of_run = folder }) end
   local given = { seed = opt.seed }
   for _, entry in ipairs(part_options) do given[entry[1]] = rawget(opt, entry[1]) end
   return reid.split(catalogue, given)
end

--- Reads the photos that the options name and splits them: { catalogue, split, set = what train.fit takes } (see
-- reid.catalogue, reid.split and reid.set). A run that is gone on with keeps its own split.
function metric_learning.open(opt)
   check(opt)
   local catalogue = reid.catalogue(opt.data_dir, { columns = opt.columns, crop = opt.crop, mask = opt.mask,
      photos = opt.photos })
   tell_problems(catalogue.problems)
   if opt.output_dir and catalogue.kind == "folders" then apart(opt.output_dir, catalogue.dir, nil, true) end
   local split = split_of(opt, catalogue)
   local set = reid.set(catalogue, split)
   check_individuals(opt, set)
   return { catalogue = catalogue, split = split, set = set }
end

-- ---- what trains ----

--- Learning rate by group, as the options say.
function metric_learning.rates(opt, model)
   return optim.layer_decay(model, opt.learning_rate, opt.layer_decay, opt.head_learning_rate)
end

--- The loss that the options say. counts: photos that train by individual.
function metric_learning.loss(opt, model, counts)
   return reid.loss(model, { loss = opt.loss, margin = opt.margin, scale = opt.scale, mining = opt.mining,
      temperature = opt.temperature, counts = counts })
end

--- The sampler that the options say; nil for photos as they come.
function metric_learning.sampler(opt)
   if opt.per_individual == 1 then return opt.sampler end
   return sampler.identities { individuals = opt.batch_size // opt.per_individual, photos = opt.per_individual }
end

--- Prints the groups of the model as they stand in the first epoch. Needs neither photos nor weights.
function metric_learning.print_groups(opt)
   local model = reid.model({ from = opt.from, model = opt.model, weights = not opt.from and "none" or nil,
      embedding_size = opt.embedding_size, pooling = opt.pooling, sub_centers = opt.sub_centers, log = false }, 2)
   tell_groups(model, opt, metric_learning.rates, " (centres of 2 individuals)")
end

local function warn_of_flips(opt)
   local known, description = pcall(augment.parse, opt.augment)
   if known and (description.horizontal_flip or 0) > 0 then
      console.warn "augment: a mirrored left profile looks like a right one, of nobody; flip=0 leaves photos as they are"
   end
end

--- The hooks of a run: what it leaves beside its weights, reid.csv and reid.json, and features that it has computed already,
-- for the figures at the end (photos.features).
function metric_learning.hooks(opt, photos)
   if opt.unfreeze ~= "none" or opt.augment ~= "none" then warn_of_flips(opt) end
   return { saved.hook(photos.catalogue, photos.split, { crop = photos.catalogue.crop, mask = opt.mask or nil,
      columns = opt.columns }), measure.hook(photos, opt) }
end

return metric_learning
