-- The figures at the end of a run of the third week's exercise: on photos that neither trained nor chose anything, with the
-- protocol of their split beside each. They and the calibration go into reid.json.
local scute = require "scute"
local console = require "scute.base.console"
local joined = require "scute.base.joined"
local measured = require "scute.reid.measured"
local part_of = require "scute.reid.part"
local precision = require "scute.base.precision"
local progress = require "scute.train.progress"
local quoted = require "scute.base.quoted"
local saved = require "scute.reid.saved"
local typed_name = require "scute.base.typed_name"

local measure = {}

local function word(path)
   return path:find "^[%w/._-]+$" and path or quoted(path)
end

-- What to try with the model of a folder, as command lines. o: { data_dir, photos }, from which it learned; photos of a table
-- that lie elsewhere make no gallery.
local function identifying(folder, o)
   return ("%s scripts/identify.lua --model %s --gallery %s photo.jpg"):format(typed_name(),
      word(folder .. "/best.safetensors"), o.data_dir and not o.photos and word(o.data_dir) or "FOLDER")
end

local function evaluating(folder, o)
   return ("%s scripts/evaluate_reid.lua --model %s --data_dir %s%s --output_dir %s"):format(typed_name(),
      word(folder .. "/best.safetensors"), o.data_dir and word(o.data_dir) or "FOLDER",
      o.photos and " --photos " .. word(o.photos) or "", word(folder))
end

-- ---- looking at photos ----

-- Parts by name, but those without a photo.
local function parts_of(photos)
   local set, catalogue, parts = photos.set, photos.catalogue, {}
   local all = { train = set.train, val = set.val, new_val = part_of(catalogue, set.unknown), test = set.test,
      new_test = part_of(catalogue, set.unknown_test) }
   for name, part in pairs(all) do parts[name] = #part.paths > 0 and part or nil end
   return parts
end

-- A function that shows how many photos of all are done. known: parts of which nothing has to be read.
local function reporter(parts, known, meter)
   local total, before, start = 0, 0, scute.clock()
   for name, part in pairs(parts) do total = total + (known[name] and 0 or #part.paths) end
   return function(n)
      local done, seconds = before + n, scute.clock() - start
      meter:show { what = "embeddings", done = done, total = total, photos = done, seconds = seconds,
         left = seconds / done * (total - done) }
   end, function(n) before = before + n end
end

local function check_whole(found)
   if found.complete == false then console.stop(130, "interrupted; the model is saved, without figures and calibration") end
end

-- Features of a part as reid.embeddings takes them as `known`.
local function features_of(model, part, o, report)
   local chunks, rows = {}, {}
   local seen = scute.score(model, part, { want = { "features" }, workers = o.workers, device = o.device,
      precision = o.precision, each = function(batch)
         local indices = batch.indices:values()
         table.move(indices, 1, #indices, #rows + 1, rows)
         chunks[#chunks + 1], batch.features = batch.features, nil
         report(#rows)
      end })
   check_whole(seen)
   return { x = joined(chunks), rows = rows, bad = seen.bad }
end

-- Who is on each photo of a part, and what it shares light and background with: an encounter, or a file.
local function about(photos, part)
   local ids, keys, rows, numbers = {}, {}, photos.catalogue.rows, rawget(part, "rows")
   for i, path in ipairs(part.paths) do
      local row = numbers and rows[numbers[i]]
      ids[i] = row and row.identity or photos.set.classes[part.labels[i]]
      keys[i] = row and row.encounter and ids[i] .. "\0" .. row.encounter or path
   end
   return ids, keys
end

-- Photos of a part as a side of measured: by their embeddings, and where nothing of the backbone trained by its features, too.
local function look(model, part, photos, known, o, report)
   local ids, keys = about(photos, part)
   if not known and model:is_backbone_frozen() then known = features_of(model, part, o, report) end
   local function side(layer)
      local found = scute.reid.embeddings(model, part, { known = known, layer = layer, workers = o.workers, device = o.device,
         precision = o.precision, each = not known and report or nil })
      check_whole(found)
      return measured.side(found, ids, keys), found.bad
   end
   local embedded, bad = side()
   for _, entry in ipairs(bad) do console.warn("left out: %s", entry.message) end
   return embedded, known and (side "features") or nil
end

-- ---- figures ----

-- Of sides { train, val, new_val, test, new_test }: figures of photos that test, or else that validate, and their name.
local function retrieval_of(sides)
   if sides.test then return measured.retrieval(sides.test, sides.train), "test" end
   if sides.new_test then return measured.retrieval(sides.new_test), "test" end
   return measured.retrieval(sides.val, sides.train), "val"
end

-- Calibration, threshold, and what they are worth on photos that test; nil where no photo tests.
local function open_of(sides, known)
   local fitted = measured.calibrate(measured.answers(sides.val, sides.new_val, sides.train), known)
   if not fitted or not (sides.test or sides.new_test) then return fitted end
   local said = measured.answers(sides.test, sides.new_test, sides.train)
   return fitted, #said.scores > 0 and measured.open(said, fitted, known) or nil
end

local ONE = { test = "tests", val = "validates, which chose the epoch" }
local SEVERAL = { test = "test", val = "validate, which chose the epoch" }

local function tell(found, text)
   local words = found.retrieval.photos == 1 and ONE or SEVERAL
   console.line("\nretrieval: %s; split: %s", measured.text(found.retrieval, words[found.of]), text)
   if found.backbone and found.backbone.photos > 0 then
      console.line("   by the backbone's features alone: top-1 %.3f, mAP %.3f; same photos, same split", found.backbone.top_1,
         found.backbone.map)
   end
   if found.open then console.line("new individuals: %s; split: %s", measured.open_text(found.open, found.fitted), text) end
end

local function save(folder, found, o)
   local more = { figures = measured.plain { [found.of] = found.retrieval, backbone = found.backbone, open = found.open } }
   for name, value in pairs(found.fitted and measured.fitted_plain(found.fitted) or {}) do more[name] = value end
   saved.mark_fitted(more, folder .. "/best.safetensors")
   saved.add(folder, more)
   console.line("files: %s/%s (figures and calibration), %s (who trained, validated and tested)", folder, saved.JSON, saved.CSV)
   console.line("what goes wrong: %s", evaluating(folder, o))
   console.line("who is it: %s", identifying(folder, o))
end

--- Measures a model of individuals on the photos of its run, prints the figures with their protocol, and adds them and the
-- calibration to reid.json in the folder (nil: there is none). photos: what metric_learning.open returned; o: { workers,
-- device, and, for what to try next, data_dir, photos }. Returns { retrieval, of = "test", or "val" where none tests, backbone
-- (figures of the backbone's features alone, where nothing of it trained), open, fitted = { calibration, threshold } }.
function measure.run(model, photos, folder, o)
   local parts, known = parts_of(photos), photos.features or {}
   local how = { workers = o.workers, device = o.device, precision = precision.of_looking(nil, model.precision, o.device) }
   local meter <close> = progress.new()
   local report, finish = reporter(parts, known, meter)
   local sides, backbones = {}, {}
   for _, name in ipairs { "train", "val", "new_val", "test", "new_test" } do
      local part = parts[name]
      if part then
         sides[name], backbones[name] = look(model, part, photos, known[name], how, report)
         finish(known[name] and 0 or #part.paths)
      end
   end
   meter:clear()
   local found = {}
   found.retrieval, found.of = retrieval_of(sides)
   if backbones.train then found.backbone = retrieval_of(backbones) end
   found.fitted, found.open = open_of(sides, photos.split.known)
   tell(found, photos.split.text)
   if folder then save(folder, found, o) end
   return found
end

--- A hook for train.fit that keeps what a frozen backbone has said of the photos, for measure.run (photos.features), and says
-- what to try next. o: as there.
function measure.hook(photos, o)
   return {
      on_fit_begin = function(run) run.next_step = run.folder and evaluating(run.folder, o) end,
      on_fit_end = function(run)
         local known = run.outcome == "finished" and run.feed and run.feed.known
         if known then photos.features = { train = known(run.set.train), val = known(run.set.val) } end
      end,
   }
end

return measure
