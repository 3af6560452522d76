-- What a run leaves on disk: history.csv, run.json, confusion.json, worst.json, report.html, bad_images.csv and the weights.
-- Each file is written beside its target and renamed; what was there before is lost only to a file that is whole.
local cjson = require "cjson"
local scute = require "scute"
local as_text = require "scute.train.as_text"
local console = require "scute.base.console"
local metrics = require "scute.metrics"
local split_file = require "scute.data.split_file"
local to_json = require "scute.base.json"
local arguments = require "scute.train.arguments"
local best = require "scute.train.best"
local folder = require "scute.train.folder"
local kept_weights = require "scute.train.kept"
local measures = require "scute.train.measures"
local saving = require "scute.train.saving"
local settings = require "scute.train.settings"

local record = {}

local SHARE = 50         -- renewing the page, or saving the weights, takes at most one part in so many of the time
local SAVE_INTERVAL = 15 -- seconds between saves in the middle of a run: epochs on cached features take milliseconds

local function write(path, text)
   console.guard(nil, scute.files.write, path, text)
end

-- ---- history ----

-- Numbers are written so that two equal files mean equal runs, and readable all the same.
local function number(value)
   if value == nil then return "" end
   if math.type(value) == "integer" then return tostring(value) end
   return ("%.9g"):format(value)
end

-- The groups that trained in any epoch so far.
local function trained_groups(run)
   local names = {}
   for _, group in ipairs(run.optimizer.groups) do
      for _, row in ipairs(run.history) do
         if row.rates[group.name] then
            names[#names + 1] = group.name
            break
         end
      end
   end
   return names
end

local function history_text(run)
   local columns = { "epoch", "step" }
   local groups = trained_groups(run)
   for _, name in ipairs(groups) do columns[#columns + 1] = "lr_" .. name end
   local figures = { "train_loss", "train_accuracy", "val_loss", "val_accuracy" }
   if run.average then table.move({ "ema_val_loss", "ema_val_accuracy" }, 1, 2, 5, figures) end
   for _, metric in ipairs(run.metrics) do
      figures[#figures + 1] = metric.name
      if run.average then figures[#figures + 1] = "ema_" .. metric.name end
   end
   table.move(figures, 1, #figures, #columns + 1, columns)
   local lines = { table.concat(columns, ",") }
   for _, row in ipairs(run.history) do
      local cells = { number(row.epoch), number(row.step) }
      for _, name in ipairs(groups) do cells[#cells + 1] = number(row.rates[name] or 0) end
      for _, name in ipairs(figures) do cells[#cells + 1] = number(row[name]) end
      lines[#lines + 1] = table.concat(cells, ",")
   end
   return table.concat(lines, "\n") .. "\n"
end

-- ---- run.json ----

local function per_class(set, part)
   local counts = {}
   for class, name in ipairs(set.classes) do counts[name] = part.counts[class] end
   return counts
end

local function count_bad(run)
   return #run.bad + #(run.set.broken or {})
end

-- What run.json says of the best epoch. The interval is Wilson's, of 95 %: of the photos, not of what choosing the epoch adds.
local function result_of(run)
   local row, averaged = run.best, run.average and run.average:best_row() or {}
   if not row then return nil end
   local low, high = metrics.interval(row.confusion:right(), row.confusion.total)
   return { epochs = #run.history, steps = run.step, skipped = run.skipped, best_epoch = row.epoch, split = run.set.split,
      val_photos = row.confusion.total, val_accuracy = row.val_accuracy, val_accuracy_interval = { low, high },
      val_loss = row.val_loss, val_balanced_accuracy = row.balanced, ema_best_epoch = averaged.epoch,
      ema_val_accuracy = averaged.ema_val_accuracy, ema_val_loss = averaged.ema_val_loss,
      ema_val_balanced_accuracy = averaged.ema_balanced,
      metrics = measures.of_row(run, row), ema_metrics = measures.of_row(run, averaged, "ema_") }
end

local function run_text(run, state)
   local set = run.set
   return to_json {
      _order = { "state", "error", "model", "arguments", "settings", "versions", "seed", "threads", "classes", "photos",
         "split", "weights", "precision", "result", "times", "hardware", "watched" },
      state = state,
      error = run.failure and console.message(run.failure) or nil,
      model = run.model.arch,
      arguments = arguments(run),
      settings = run.settings,
      versions = scute.version(),
      seed = run.seed,
      threads = scute.threads(),
      classes = set.classes,
      photos = { train = #set.train.paths, val = #set.val.paths, bad = count_bad(run),
         train_per_class = per_class(set, set.train), val_per_class = per_class(set, set.val) },
      split = set.split,
      weights = run.model.weights and { path = run.model.weights.path, sha256 = run.model.weights.sha256 } or "none",
      precision = run.precision,
      result = result_of(run),
      times = { started = os.date("!%Y-%m-%dT%H:%M:%SZ", run.times.started), seconds = scute.clock() - run.times.clock,
         features = run.times.features },
      hardware = run.hardware and run.hardware.total,
      watched = folder.mark(),
   }
end

-- What the page shows is on disk by then: one that cannot be made costs a warning, not the run.
local function write_report(run)
   if run.best then
      write(run.folder .. "/confusion.json", to_json { classes = run.set.classes, cells = run.best.confusion:cells() })
      local list = run.best.worst or {}
      write(run.folder .. "/worst.json", to_json { worst = #list > 0 and list or cjson.empty_array })
   end
   local ok, why = pcall(require("scute.report.html").write, run.folder)
   local fault = not ok and console.message(why) or nil
   if fault and fault ~= run.page_fault then console.warn("report.html: %s", fault) end
   run.page_fault = fault
end

-- While training goes on the page is renewed after each epoch; where epochs are so short that this would take more than 2 %
-- of the time, not after each. A full disk is told when the weights meet it.
local function refresh(run)
   local start = scute.clock()
   if not run.folder or run.refreshed and start < run.refreshed.next then return end
   pcall(function()
      write(run.folder .. "/history.csv", history_text(run))
      write(run.folder .. "/run.json", run_text(run, "running"))
      write_report(run)
   end)
   run.refreshed = { next = scute.clock() + SHARE * (scute.clock() - start) }
end

local function bad_images_text(run)
   local function quoted(text) return '"' .. text:gsub('"', '""') .. '"' end
   local lines = { "path,message" }
   for _, list in ipairs { run.set.broken or {}, run.bad } do
      for _, entry in ipairs(list) do lines[#lines + 1] = quoted(entry.path) .. "," .. quoted(entry.message) end
   end
   return table.concat(lines, "\n") .. "\n"
end

-- ---- weights ----

local function free_weights(owner)
   kept_weights.free(owner.weights)
   owner.weights = nil
end

local NOT_SAVED = { confusion = true, weights = true, saved = true, answers = true }

local function plain_row(row)
   local plain = {}
   for key, value in pairs(row) do plain[key] = not NOT_SAVED[key] and value or nil end
   return plain
end

--- The history and the best epoch with its weights, as a part of a run's state (see scute.train.state).
record.part = { name = "best" }

function record.part.save(run)
   local data = { history = {}, epoch = run.best and run.best.epoch, cells = run.best and run.best.confusion:cells() }
   for i, row in ipairs(run.history) do data.history[i] = plain_row(row) end
   return data, run.best and run.best.weights
end

function record.part.load(run, data, tensors)
   run.history = as_text.history(data.history)
   if not data.epoch then return end
   run.best = run.history[data.epoch]
   run.best.confusion = metrics.confusion(run.set.classes):add_cells(data.cells)
   run.best.weights = tensors
end

local function changing_names(model)
   local frozen, changing = {}, {}
   for name, tensor in model:parameter_names() do
      if not tensor.requires_grad then frozen[name] = true end
   end
   for _, name in ipairs(model:state_dict().names) do changing[name] = not frozen[name] or nil end
   return changing
end

--- What a run has before anything is on disk.
function record.prepare(run)
   run.history, run.saved_at, run.save_cost = as_text.history {}, scute.clock(), 0
   run.changing = changing_names(run.model)
end

-- ---- the split ----

-- split.csv as it is known now. Models name its digest, so it is written before they are.
local function write_split(run)
   if run.split_sha256 and not run.digests_changed then return end
   local path = run.folder .. "/" .. split_file.NAME
   write(path, split_file.text(run.set, run.digests))
   run.split_sha256, run.digests_changed = scute.weights.sha256(path), false
end

-- Prepares the folder of a run: fails before any work where it cannot be written.
local function open(run)
   local held <close> = saving.hold() -- luacheck: ignore
   if not run.folder then return end
   run.settings = settings.of(run) -- as they are by now: no batch is larger than what trains
   console.guard("output_dir", scute.files.mkdirs, run.folder)
   console.guard("output_dir", scute.files.write, run.folder .. "/run.json", run_text(run, "running"))
   write_split(run)
   run.recorded = true
end

--- Before each epoch: hooks may have unfrozen parts of the model. What can change only from now on is still as it was in the
-- best epoch; what was frozen meanwhile has changed before.
function record.widen(run)
   local before, now, more = run.changing, changing_names(run.model), false
   for name in pairs(before) do now[name] = true end
   for name in pairs(now) do more = more or not before[name] end
   if not more then return end
   run.changing = now
   if run.best then kept_weights.widen(run, run.best.weights, before) end
   if run.average then run.average:widen(run, before) end
end

-- tensors: in place of the model's own.
local function save_model(run, name, tensors)
   console.guard(nil, scute.models.save, run.model, ("%s/%s.safetensors"):format(run.folder, name),
      { split = run.split_sha256 }, tensors)
end

local function save_best(run)
   if not run.best or run.best.saved or not run.folder then return end
   write_split(run)
   save_model(run, "best", run.best.weights)
   run.best.saved = true
end

local function save_best_average(run)
   local best_average = run.average and run.average.best
   if not best_average or best_average.saved then return end
   save_model(run, "best_ema", best_average.weights)
   best_average.saved = true
end

local function save(run)
   local start = scute.clock()
   if run.folder and (run.step > 0 or run.best) then -- an update that is left out is no step
      console.guard(nil, scute.files.mkdirs, run.folder)
      save_best(run)
      write_split(run)
      save_model(run, "last")
      if run.average then
         save_model(run, "ema", run.average.tensors)
         save_best_average(run)
      end
      write(run.folder .. "/history.csv", history_text(run))
      if count_bad(run) > 0 then write(run.folder .. "/bad_images.csv", bad_images_text(run)) end
   end
   run.saved_at = scute.clock()
   run.save_cost = run.saved_at - start
end

-- Keeps the row of an epoch, and the weights where they are the best so far.
local function keep_row(run)
   local held <close> = saving.hold() -- luacheck: ignore
   local row = run.row
   run.history[#run.history + 1] = row
   if best.is_better(row, run.best, run.best_by, run.less_is_better) then
      if run.best then free_weights(run.best) end -- one copy of the network is enough
      run.best = row
      run.best.weights = kept_weights.copy(run)
   end
   refresh(run)
   if scute.clock() - run.saved_at < math.max(SAVE_INTERVAL, SHARE * run.save_cost) then return end
   local saved, why = pcall(save, run)
   if saved then return end
   run.saved_at = scute.clock()
   run.meter:clear()
   console.warn("%s; training goes on and tries again", console.message(why))
end

-- Writes everything and leaves the best weights in the model. Where there is no room for them, what was learned is in the
-- checkpoint still.
local function close(run)
   local saved, why = pcall(save, run)
   if not saved then
      console.fail("%s%s", console.message(why), run.checkpoint.saved and "; --resume auto goes on from the checkpoint in "
         .. run.folder .. " once that is mended" or "")
   end
   if run.best then
      local own = run.model:state_dict().tensors
      scute.no_grad(function()
         for name, kept in pairs(run.best.weights) do own[name]:copy_(kept) end
      end)
      free_weights(run.best)
   end
   if run.average and run.average.best then free_weights(run.average.best) end
   if run.folder then
      write(run.folder .. "/run.json", run_text(run, run.outcome))
      write_report(run)
   end
end

--- The hook that keeps all this; the first of all, so that on_epoch_end finds run.history and run.best renewed. Where a
-- run ends with an error run.json says so, if it can still be written.
record.hook = {
   on_fit_begin = open,
   on_epoch_end = keep_row,
   on_fit_end = function(run)
      local held <close> = saving.hold() -- luacheck: ignore
      if run.outcome ~= "failed" then return close(run) end
      if run.recorded then
         pcall(scute.files.write, run.folder .. "/run.json", run_text(run, "failed"))
         pcall(write_report, run)
      end
   end,
}

--- After a failure in the middle: what was good until then is written; `last` stays as it was saved before.
function record.rescue(run)
   local held <close> = saving.hold() -- luacheck: ignore
   if #run.history == 0 or not run.folder then return end
   save_best(run)
   save_best_average(run)
   write(run.folder .. "/history.csv", history_text(run))
   write(run.folder .. "/run.json", run_text(run, "failed"))
end

return record
