-- The hook behind --tensorboard: numbers of each epoch (and of steps, every few seconds), the confusion of the best epoch, the
-- photos as the network sees them, and the arguments as hyperparameters, in an event file in the run's folder.
local scute = require "scute"
local augmenting = require "scute.train.augmenting"
local batches = require "scute.data.batches"
local console = require "scute.base.console"
local kept_random = require "scute.base.kept_random"
local arguments = require "scute.train.arguments"
local measures = require "scute.train.measures"
local repeats = require "scute.data.repeats"
local sampling = require "scute.train.sampling"
local tensorboard = require "scute.report.tensorboard"

local board = {}

local INTERVAL = 5 -- seconds between numbers of steps
local PHOTOS = 10
local CLASSES = 60 -- more make a confusion matrix that TensorBoard's small pictures do not show

local function parameters_of(run)
   local list = { model = run.model.arch, seed = run.seed, epochs = run.epochs, batch_size = run.batch_size,
      photos = #run.set.train.paths, classes = #run.set.classes }
   for name, x in pairs(arguments(run)) do
      if type(x) ~= "table" and type(x) ~= "function" then list[name] = x end
   end
   return list
end

-- The first photos of the first epoch as training gets them, before they are mixed. What it draws is drawn again there.
local function photos_of(run)
   if run.set.train.samples then return nil end -- numbers that may be no picture
   local random <close> = kept_random() -- luacheck: ignore
   local first = table.move(sampling.indices(run, 1, {}), 1, PHOTOS, 1, {})
   local part, order = repeats(run.set.train, first)
   local read, _, _, closing = batches(part, { order = order, batch_size = PHOTOS, preprocess = run.preprocess, workers = 0,
      on_bad = "skip", augment = run.augment, seed = run.seed, epoch = 1, device = run.device })
   local reading <close> = closing -- luacheck: ignore
   local x, y, indices = read()
   if not x then return nil end
   if augmenting.has_functions(run) then x = augmenting.apply(run, part, x, indices, 1) end
   return scute.plot.batch(x, { labels = y, classes = run.set.classes, mean = run.preprocess.mean, std = run.preprocess.std })
end

local HARDWARE = { "memory", "pool", "cores", "temperature" }
local GPU = { "memory", "use", "power", "temperature" }

local function hardware_of(run, numbers)
   local found = run.hardware and run.hardware.epoch
   if not found then return end
   for _, name in ipairs(HARDWARE) do numbers["hardware/" .. name] = found[name] end
   for _, gpu in ipairs(found.gpus or {}) do
      for _, name in ipairs(GPU) do numbers[("hardware/gpu%d_%s"):format(gpu.index, name)] = gpu[name] end
   end
end

local function numbers_of(run)
   local row = run.row
   local numbers = { ["train/loss"] = row.train_loss, ["train/accuracy"] = row.train_accuracy, ["val/loss"] = row.val_loss,
      ["val/accuracy"] = row.val_accuracy, ["val/balanced_accuracy"] = row.balanced, ["ema/val_loss"] = row.ema_val_loss,
      ["ema/val_accuracy"] = row.ema_val_accuracy, epoch = row.epoch }
   for name, value in pairs(measures.of_row(run, row) or {}) do
      numbers["val/" .. name], numbers["ema/" .. name] = value, row["ema_" .. name]
   end
   for group, rate in pairs(row.rates) do numbers["learning_rate/" .. group] = rate end
   hardware_of(run, numbers)
   return numbers
end

--- The hook. What cannot be written is told once, and the run goes on.
function board.hook()
   local file, last, last_png

   local function try(run, f, ...)
      if not file then return end
      local ok, why = pcall(f, ...)
      if ok then return end
      file:close()
      file = nil
      run.meter:clear()
      console.warn("%s; training goes on without TensorBoard", console.message(why))
   end

   local function begin(run)
      if file.continues then return end
      file:hparams(parameters_of(run), { "val/accuracy", "val/loss" })
      local figure = photos_of(run)
      if figure then file:image("photos", run.step, figure:png(1)) end
   end

   local function write_confusion(run)
      if run.best ~= run.row or #run.set.classes > CLASSES then return end
      local now = scute.clock()
      if last_png and now - last_png < INTERVAL then return end
      last_png = now
      file:image("confusion of the best epoch", run.step,
         scute.plot.confusion(run.row.confusion, run.set.classes, { title = ("Confusion, epoch %d"):format(run.epoch) }):png(1))
   end

   return {
      on_fit_begin = function(run)
         if not run.folder then return end
         last = scute.clock()
         local ok, opened = pcall(tensorboard.open, run.folder, { resume_at = run.resumed and run.step or nil })
         if not ok then return console.warn("%s; training goes on without TensorBoard", console.message(opened)) end
         file = opened
         try(run, begin, run)
      end,
      on_step_end = function(run)
         if not file or scute.clock() - last < INTERVAL then return end
         last = scute.clock()
         try(run, file.scalar, file, "train/step_loss", run.step, run.last.loss)
      end,
      on_epoch_end = function(run)
         if not file then return end
         try(run, file.scalars, file, run.step, numbers_of(run))
         try(run, write_confusion, run)
      end,
      on_fit_end = function(run)
         try(run, function() file:hparams_end(run.outcome == "finished") end)
         if file then file:close() end
      end,
   }
end

return board
