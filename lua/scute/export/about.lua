--- What is known of a trained model beside its weights: on which photos it was measured, and how good it was.
local scute = require "scute.core"
local history = require "scute.plot.history"
local json_file = require "scute.base.json_file"
local split_file = require "scute.data.split_file"
local weights = require "scute.weights"

local CHOSEN = "at the best epoch, which was chosen on them"
local LAST = "after the last epoch"

-- Which accuracy is whose, by the name that a run gives its model.
local MEASURED = {
   ["best.safetensors"] = { "val_accuracy", epoch = "best_epoch", when = CHOSEN },
   ["best_ema.safetensors"] = { "ema_val_accuracy", epoch = "ema_best_epoch", when = CHOSEN },
   ["last.safetensors"] = { "val_accuracy", when = LAST },
   ["ema.safetensors"] = { "ema_val_accuracy", when = LAST },
}

-- The last row of a run's history, empty where it cannot be read.
local function last_row(folder)
   local read, rows = pcall(history.read_history, folder .. "/history.csv")
   return read and rows[#rows] or {}
end

-- The run in a folder, where a model is of that run; nil and why it is not known.
local function run_of(folder, metadata)
   local run, why = json_file.read(folder .. "/run.json")
   if not run then return nil, why end
   local path = folder .. "/" .. split_file.NAME
   local hashed, digest = pcall(weights.sha256, path)
   if hashed and metadata.split and digest == metadata.split then return run end
   return nil, ("%s is not the one of this model"):format(path)
end

local function accuracy_of(run, folder, kind)
   local result = type(run.result) == "table" and run.result or {}
   local row = kind.when == LAST and last_row(folder) or result
   local photos = type(run.photos) == "table" and run.photos.val or result.val_photos
   return { split = run.split, accuracy = row[kind[1]], epoch = kind.epoch and row[kind.epoch] or row.epoch,
      accuracy_on = ("%s photos that validated, in %s, %s"):format(photos, run.precision, kind.when) }
end

-- What failed has "nan" in its history.
local function is_share(x)
   return type(x) == "number" and x >= 0 and x <= 1
end

--- What the folder of a model says of it, as a table { split (in words), split_sha256, accuracy (of the photos that
-- validated), accuracy_on (in words), epoch, trained_with } of what is known; and why the accuracy is not, where it is not.
-- metadata: of the model's file.
return function(path, metadata)
   local folder, name = path:match "^(.*)/" or ".", path:match "[^/]*$"
   local run, why = run_of(folder, metadata)
   local kind = MEASURED[name]
   if run and not kind then run, why = nil, ("no run calls its model %s"):format(name) end
   local about = run and accuracy_of(run, folder, kind) or {}
   if not is_share(about.accuracy) then about.accuracy = nil end
   about.split_sha256 = metadata.split
   about.exported_by = "scute " .. scute.version().scute
   if run and not about.accuracy then why = folder .. "/run.json does not say it" end
   return about, why
end
