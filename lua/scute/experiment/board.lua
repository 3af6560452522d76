-- What TensorBoard shows of a trial: each run with the options of its variant, so that its HParams page compares them all:
--    tensorboard --logdir experiments/tensorboard
local console = require "scute.base.console"
local lfs = require "lfs"
local page = require "scute.base.page"
local scute = require "scute"
local tensorboard = require "scute.report.tensorboard"
local variant_folder = require("scute.experiment.variants").folder

local board = {}

board.FOLDER = "tensorboard"

local TAGS = { val_accuracy = "val/accuracy", val_loss = "val/loss", train_accuracy = "train/accuracy",
   train_loss = "train/loss" }
local OF_METRIC = { accuracy = "val/accuracy", loss = "val/loss" }

-- ---- parameters ----

local function plain(value)
   local kind = type(value)
   return (kind == "number" or kind == "boolean" or kind == "string") and value or page.plain(value)
end

-- TensorBoard wants values of one kind under a name.
local function kinds_of(variants)
   local kinds = {}
   for _, variant in ipairs(variants) do
      for key, value in pairs(variant.options) do
         local kind = type(plain(value))
         kinds[key] = kinds[key] and kinds[key] ~= kind and "string" or kind
      end
   end
   return kinds
end

local function parameters_of(options, kinds)
   local found = {}
   for key, value in pairs(options) do
      found[key] = plain(value)
      if kinds[key] == "string" then found[key] = tostring(found[key]) end
   end
   return found
end

-- One value of every option that any variant has.
local function all_of(variants, kinds)
   local all = { variant = "" }
   for _, variant in ipairs(variants) do
      for key, value in pairs(parameters_of(variant.options, kinds)) do all[key] = value end
   end
   return all
end

-- What is the run's, where no option has that name.
local function with_run(parameters, all, record)
   local copy = { variant = record.variant }
   for _, key in ipairs { "seed", "fold", "inner" } do copy[key] = record[key] end
   for key, value in pairs(parameters) do copy[key] = value end
   for key, value in pairs(copy) do
      if all[key] == nil then all[key] = value end
   end
   return copy
end

-- ---- numbers ----

local function tag_of(key)
   return TAGS[key] or "val/" .. key
end

local function numbers_of(row)
   local numbers = {}
   for key, value in pairs(row) do
      if key ~= "epoch" and type(value) == "number" then numbers[tag_of(key)] = value end
   end
   return numbers
end

local COSTS = { "seconds", "images_per_second", "peak_memory", "latency", "parameters", "trainable" }

-- What one number tells of the whole run; of the best epoch, and what it cost.
local function finals_of(record)
   local numbers = {}
   for name, value in pairs(record.figures) do numbers["best/" .. name] = value end
   for _, name in ipairs(COSTS) do numbers["cost/" .. name] = record[name] end
   return numbers
end

local function write_run(folder, record, parameters, all, metric)
   scute.files.mkdirs(folder)
   local file <close> = tensorboard.open(folder)
   file:hparams(parameters, { "best/" .. metric.name, OF_METRIC[metric.name] or tag_of(metric.name) }, all)
   for epoch, row in ipairs(record.curve or {}) do file:scalars(epoch, numbers_of(row)) end
   file:scalars(record.epochs or #(record.curve or {}), finals_of(record))
   file:hparams_end(record.state == "finished")
end

-- Runs that are there no more, or have another name.
local function remove_others(folder, kept)
   if not lfs.attributes(folder) then return end
   for name in lfs.dir(folder) do
      local path = folder .. "/" .. name
      if name:find "^events%.out%.tfevents%." and not kept[folder] then os.remove(path) end
      if name ~= "." and name ~= ".." and lfs.symlinkattributes(path, "mode") == "directory" then remove_others(path, kept) end
   end
   lfs.rmdir(folder) -- where nothing else is in it
end

--- Writes tensorboard/<variant>/<run> into the folder of a trial, for every run that has left something.
function board.write(folder, trial)
   local variants, kept = trial.plan.variants, {}
   local kinds, list = kinds_of(variants), {}
   local all = all_of(variants, kinds)
   for _, row in ipairs(trial.rows) do
      for _, record in ipairs(row.results) do
         local path = ("%s/%s/%s/%s"):format(folder, board.FOLDER, variant_folder(record.variant), record.run)
         kept[path] = true
         list[#list + 1] = { path = path, record = record,
            parameters = with_run(parameters_of(row.options, kinds), all, record) }
      end
   end
   console.guard("tensorboard", function()
      for _, entry in ipairs(list) do write_run(entry.path, entry.record, entry.parameters, all, trial.metric) end
      remove_others(("%s/%s"):format(folder, board.FOLDER), kept)
   end)
end

return board
