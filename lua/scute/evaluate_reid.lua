-- What scripts/evaluate_reid.lua calls: the photos of a run as it split them, their embeddings, and what is told and left of
-- the figures (see reid.evaluate). The parts are in evaluate_reid/.
local scute = require "scute"
local cli, metric_learning, models, reid = scute.cli, scute.metric_learning, scute.models, scute.reid
local apart = require "scute.data.apart"
local console = require "scute.base.console"
local measured = require "scute.reid.measured"
local metrics = require "scute.metrics"
local precision = require "scute.base.precision"
local progress = require "scute.train.progress"
local saved = require "scute.reid.saved"

local evaluate_reid = {}

-- ---- flags ----

local COLUMNS = metric_learning.flag "columns"
COLUMNS.show = "as the run had them"

--- The flags of the script, as cli.parse takes them.
evaluate_reid.flags = {
   { "model", required = true, value = "FILE", help = "what metric learning saved: best.safetensors" },
   cli.changed("data_dir", { help = "the photos that the run had: folders, a CSV file or a data set, as "
      .. "scripts/metric_learning.lua takes them" }),
   { "run", value = "FOLDER", show = "the model's folder",
     help = "the folder of a run of scripts/metric_learning.lua whose split counts (reid.csv, reid.json): for a model without "
        .. "one, such as a backbone that has not learned individuals, on the same photos" },
   { "split", choices = { "test", "val" }, default = "test",
     help = "which photos are measured: those that test, or those that validated; the gallery is those that train" },
   { "flips", flag = true,
     help = "average each photo with its mirror image; not for animals whose left and right side differ" },
   { "json", flag = true, help = "print JSON instead of text" },
   { "output_dir", value = "PATH", show = "none",
     help = "where figures and pictures go: reid_evaluation.json, individuals.csv, answers.csv, failures, rank lists, hardest "
        .. "pairs, similarities, calibration and a map; in the folder of a run its report.html gets them" },
   COLUMNS, metric_learning.flag "photos", cli.pick(cli.common, "quiet")[1], table.unpack(cli.looking),
}

--- What the figures mean, as --help says it.
evaluate_reid.MEANING = [[
What the figures mean:
   top-k              share of photos that have one of their individual among the k most similar
                      photos of the gallery
   balanced           top-1 of each individual, averaged over these
   mAP, MAP@R         mean average precision over all ranks, and over as many ranks as there are
                      photos to find (Musgrave et al. 2020)
   by encounter       top-1 of each encounter, averaged; and where its photos vote
   known, new         share of photos of known individuals that are named right, of new ones that
                      are said to be new, averaged over individuals; the root of their product is
                      what AnimalCLEF 2025 scores
   calibration error  how far probabilities and what happened lie apart, in 15 equal ranges of the
                      probability (expected calibration error, Guo et al. 2017)
A figure is for its protocol only: the line above it says which photos trained, and whether some
of the same encounter did. Threshold and calibration come from photos that validated.]]

-- ---- what is measured ----

local function folder_of(path)
   return path:match "^(.*)/" or "."
end

-- What the run says: its split, crop, columns, calibration.
local function facts_of(opt)
   local folder = opt.run or folder_of(opt.model)
   local facts, why = saved.read(folder)
   if facts then return facts, folder end
   console.fail("%s: %s; expected the folder of a run of scripts/metric_learning.lua, which says which photos trained%s",
      opt.run and "run" or "model", why, opt.run and "" or " (--run FOLDER: that of another run)")
end

local function rows_of(catalogue, numbers)
   local rows = {}
   for i, number in ipairs(numbers) do rows[i] = catalogue.rows[number] end
   return rows
end

local SHOWN = 5 -- problems that are named

local function catalogue_of(opt, facts)
   local catalogue = reid.catalogue(opt.data_dir, { columns = opt.columns or facts.columns, crop = facts.crop,
      mask = facts.mask, photos = opt.photos })
   for i = 1, math.min(SHOWN, #catalogue.problems) do console.warn("%s", catalogue.problems[i].message) end
   if #catalogue.problems > SHOWN then
      console.warn("and %s more", console.count(#catalogue.problems - SHOWN, "problem"))
   end
   return catalogue
end

-- Fails where there is nothing to measure.
local function check_parts(opt, found)
   if #found.queries > 0 then return end
   console.fail("split: no photo of this run is in '%s' (%s)%s", opt.split, found.split.text, opt.split == "test"
      and #found.split.val > 0 and "; --split val measures those that validated" or "")
end

-- The run's calibration as { plain, threshold }, where it is of this model, asked for in the same way; nil else.
local function own_calibration_of(opt, facts)
   if opt.run or opt.flips or not facts.calibration or not saved.is_fitted(facts, opt.model) then return nil end
   return { plain = facts.calibration, threshold = facts.threshold }
end

--- Opens what the options name: { model, split, folder of the run, own = its { calibration, threshold } where they are of this
-- model, queries, gallery, val = lists of rows of the catalogue, apart = whether no individual is on both sides: the queries
-- look among one another then, and are asked for in the gallery as new ones alone }.
function evaluate_reid.open(opt)
   local facts, folder = facts_of(opt)
   local model = cli.guard(nil, models.load, opt.model):to(opt.device)
   local catalogue = catalogue_of(opt, facts)
   if opt.output_dir and catalogue.kind == "folders" then apart(opt.output_dir, catalogue.dir) end
   local split = reid.split(catalogue, { of_run = folder })
   local found = { model = model, split = split, folder = folder, own = own_calibration_of(opt, facts),
      queries = rows_of(catalogue, split[opt.split]), gallery = rows_of(catalogue, split.train),
      val = rows_of(catalogue, split.val) }
   check_parts(opt, found)
   found.apart = true
   for _, row in ipairs(found.queries) do found.apart = found.apart and not (row.identity and split.known[row.identity]) end
   return found
end

-- ---- embeddings ----

-- A function that shows how many photos of a list are done, one that says that a list is, and the meter. JSON has the output
-- for itself.
local function reporter(lists, is_json)
   local total, before, start, meter = 0, 0, scute.clock(), progress.new()
   for _, rows in pairs(lists) do total = total + #rows end
   local function report(n)
      local done, seconds = before + n, scute.clock() - start
      meter:show { what = "embeddings", done = done, total = total, photos = done, seconds = seconds,
         left = seconds / done * (total - done) }
   end
   return not is_json and report or nil, function(n) before = before + n end, meter
end

-- Embeddings of lists of rows by name, as reid.evaluate takes them, and those that cannot be read.
local function embed(model, lists, opt)
   local report, finish, meter = reporter(lists, opt.json)
   local bad, out = {}, {}
   local asked = precision.of_looking(opt.precision, model.precision, opt.device)
   for _, name in ipairs { "gallery", "queries", "val" } do
      local rows = lists[name]
      if rows and #rows > 0 then
         local found = reid.embeddings(model, rows, { workers = opt.workers, device = opt.device, precision = asked,
            flips = opt.flips, each = report })
         if found.complete == false then console.stop(130, "interrupted") end
         finish(#rows)
         table.move(found.bad, 1, #found.bad, #bad + 1, bad)
         out[name] = found.x and { x = found.x, rows = {} } or nil
         for i, index in ipairs(found.rows) do out[name].rows[i] = rows[index] end
      end
   end
   meter:clear()
   return out, bad
end

-- Photos as measured takes them.
local function side_of(part, wanted)
   local at, ids = {}, {}
   for i, row in ipairs(part and part.rows or {}) do
      if wanted(row.identity) then at[#at + 1], ids[#ids + 1] = i, row.identity end
   end
   if #at == 0 then return nil end
   local index <close> = scute.tensor(at, { dtype = "i64" })
   return { x = part.x:index_select(1, index), ids = ids }
end

-- The run's own calibration and threshold, or those that this model has on the photos that validated: of other weights of the
-- run, of a mean with mirror images, of a run that was broken off before it had any.
local function fitted_of(found, parts)
   local own = found.own
   if own then return console.guard(found.folder .. "/" .. saved.JSON, metrics.calibration, own.plain), own.threshold end
   if not parts.val then return nil end
   local known = found.split.known
   local said = measured.answers(side_of(parts.val, function(id) return id and known[id] end),
      side_of(parts.val, function(id) return id and not known[id] end), side_of(parts.gallery, function(id) return id end))
   local fitted = measured.calibrate(said, known)
   if fitted then return fitted.calibration, fitted.threshold end
end

--- Measures what evaluate_reid.open found. Returns what reid.evaluate does, with bad = list of {path, message} of photos that
-- cannot be read, chosen = true where the photos chose epoch, threshold and calibration, and x = embeddings of the queries.
function evaluate_reid.measure(found, opt)
   local needs_val = not found.own and opt.split ~= "val"
   local parts, bad = embed(found.model, { gallery = found.gallery, queries = found.queries,
      val = needs_val and found.val or nil }, opt)
   if not found.own and opt.split == "val" then parts.val = parts.queries end
   for name, text in pairs { queries = "that are measured", gallery = "of the gallery" } do
      if found[name] and not parts[name] then console.fail("data_dir: none of the photos %s can be read", text) end
   end
   local calibration, threshold = fitted_of(found, parts)
   local function evaluate(gallery)
      return reid.evaluate { queries = parts.queries, gallery = gallery, calibration = calibration, threshold = threshold,
         text = found.split.text }
   end
   local result = evaluate(not found.apart and parts.gallery or nil)
   if found.apart then result.open = evaluate(parts.gallery).open end
   result.bad, result.chosen, result.x = bad, opt.split == "val", parts.queries.x
   return result
end

-- ---- parts ----

for _, part in ipairs { "tell", "save" } do
   for name, value in pairs(require("scute.evaluate_reid." .. part)) do evaluate_reid[name] = value end
end

return evaluate_reid
