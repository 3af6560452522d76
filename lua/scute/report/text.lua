-- What a run came to, as a table to read, and what to try next.
local architectures = require "scute.nn.architectures"
local console = require "scute.base.console"
local metrics = require "scute.metrics"
local measures = require "scute.train.measures"
local photo_file = require "scute.base.photo_file"
local quoted_text = require "scute.base.quoted"
local typed_name = require "scute.base.typed_name"

local report = {}

--- The highest resident memory of this process so far, in bytes; nil where the system does not tell.
function report.peak_memory()
   local status = io.open "/proc/self/status"
   if not status then return nil end
   local kilobytes = (status:read "a" or ""):match "VmHWM:%s+(%d+) kB"
   status:close()
   return kilobytes and tonumber(kilobytes) * 1024
end

local function bad_photos(run)
   return #run.bad + #(run.set.broken or {})
end

local function files_of(run)
   local names = { "best.safetensors", "last.safetensors", "report.html", "history.csv", "events.jsonl", "run.json" }
   if run.average then table.move({ "best_ema.safetensors", "ema.safetensors" }, 1, 2, #names + 1, names) end
   if bad_photos(run) > 0 then names[#names + 1] = "bad_images.csv" end
   return run.folder .. "/" .. table.concat(names, ", ")
end

local function quoted(path)
   return path:find "^[%w/._-]+$" and path or quoted_text(path)
end

-- What the averaged weights reached, beside what the weights did.
local function average_of(row, folder)
   return ("%.3f in epoch %d, its best (%.3f averaged over classes)%s"):format(row.ema_val_accuracy, row.epoch,
      row.ema_balanced, folder and "; those weights are in best_ema.safetensors" or "")
end

-- What the accuracy is worth on so many photos.
local function interval_of(run)
   local confusion = run.best.confusion
   local low, high = metrics.interval(confusion:right(), confusion.total)
   return ("%.3f to %.3f (95 %%, Wilson's)%s"):format(low, high,
      #run.history > 1 and "; the epoch was chosen on the same photos, so the accuracy is optimistic" or "")
end

-- One suggestion, the one that most likely helps.
local function next_step(run)
   local best, trains = run.best, #run.set.train.paths
   local own = rawget(run, "next_step") -- of a hook
   if best.epoch == run.epochs and best.train_accuracy < 0.9 then
      return ("it was still learning: --epochs %d%s"):format(2 * run.epochs, run.folder and " --resume auto" or "")
   elseif own then
      return own
   elseif best.val_accuracy < 0.7 and trains < 20 * #run.set.classes then
      return ("more photos: %d are few for %d classes"):format(trains, #run.set.classes)
   elseif run.folder and run.set.samples then
      return ("scute.models.load %q, in a script"):format(run.folder .. "/best.safetensors")
   elseif run.folder then
      local first = architectures.file_to_load(run.model.arch)
      return ("%s %sscripts/predict.lua --model %s/best.safetensors %s"):format(typed_name(),
         first and ("-l %s "):format(quoted(first)) or "", quoted(run.folder), quoted(photo_file(run.set.val.paths[1])))
   end
   return "say output_dir, so that the model is kept"
end

--- Prints the table at the end of a run.
function report.finish(run, seconds)
   local best = run.best
   local memory = report.peak_memory()
   local rows = {
      { "epochs", ("%d of %d%s"):format(#run.history, run.epochs, run.stopped and " (" .. run.stopped .. ")" or "") },
      { "best epoch", ("%d; its weights are in the model"):format(best.epoch) },
      { "accuracy", ("%.3f on %s that did not train (%.3f averaged over classes); split: %s"):format(best.val_accuracy,
         console.count(best.confusion.total, "photo"), best.balanced, run.set.split) },
      { "interval", interval_of(run) },
      { "time", console.duration(seconds) .. (run.times.features
         and (", %s of it for the features"):format(console.duration(run.times.features)) or "") },
      { "peak memory", memory and console.bytes(memory) or "unknown" },
   }
   local averaged = run.average and run.average:best_row()
   if averaged then table.insert(rows, 5, { "average", average_of(averaged, run.folder) }) end
   for i, metric in ipairs(run.metrics) do
      table.insert(rows, 4 + i, { metric.name, measures.text(best[metric.name])
         .. (run.best_by == metric.name and ", by which the best epoch is chosen" or "") })
   end
   local bad = bad_photos(run)
   if bad > 0 then rows[#rows + 1] = { "left out", console.count(bad, "bad photo") .. ", see bad_images.csv" } end
   if run.folder then rows[#rows + 1] = { "files", files_of(run) } end
   rows[#rows + 1] = { "try next", next_step(run) }
   console.line("")
   for _, row in ipairs(rows) do console.line("%-12s %s", row[1], row[2]) end
end

return report
