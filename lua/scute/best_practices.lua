-- Exercise 4, what its script calls: the flags, the model of a row, and the runs of all rows, of which those that are done
-- are not done again. How results are shown is in best_practices/tell.lua.
local lfs = require "lfs"
local scute = require "scute"
local apart = require "scute.data.apart"
local cli = require "scute.cli"
local console = require "scute.base.console"
local photos = require "scute.compare.photos"
local plan = require "scute.compare.plan"
local replaced = require "scute.compare.replaced"
local split_file = require "scute.data.split_file"
local tell = require "scute.best_practices.tell"
local text_of = require "scute.base.plain_text"
local to_json = require "scute.base.json"
local train = require "scute.train"
local train_folder = require "scute.train.folder"

local best_practices = {}

-- ---- flags ----

--- The flags of the exercise, as cli.parse takes them.
best_practices.flags = cli.flags({
   cli.changed("data_dir", { unless = "list" }), cli.changed("model", {}),
   cli.changed("output_dir", { default = "practices", help = "where the runs, the table and the curves go" }),
   { "only", value = "NAMES", show = "all rows", resume = "free",
     help = "rows to run, with commas between them, as in all,constant,plain" },
   { "list", flag = true, resume = "free", help = "print the rows and stop after that" },
   { "seeds", whole = true, min = 1, max = 100, default = 1, resume = "free",
     help = "runs of each row, each with a seed of its own" },
   cli.changed("epochs", { help = "passes over the training photos" }), cli.changed("batch_size", {}),
   cli.changed("learning_rate", { default = 1e-4, show = false, help = "of the layers before the head, after the warmup" }),
   { "head_learning_rate", number = true, above = 0, value = "RATE", default = function(opt) return 30 * opt.learning_rate end,
     show = "30 x learning_rate", help = "of the new head" },
   { "unfreeze", default = "gradual", value = "SCHEDULE", suggests = { "gradual", "all", "none", "head" },
     help = "what trains from which epoch on, as for scripts/fine_tuning.lua" },
   cli.changed("weight_decay", {}), cli.changed("warmup_epochs", {}),
   cli.changed("patience", { default = 3 }),
   { "dropout", number = true, min = 0, below = 1, default = 0.2, help = "share of the features dropped before the head" },
   cli.changed("label_smoothing", { default = 0.1 }),
   cli.changed("augment", { default = "light", show = false }),
   cli.changed("precision", { default = "fp32", help = "what the rows compute in, but for mixed_precision, which is auto; "
      .. "auto: bf16 where the device computes in it, on older GPUs fp16, else fp32" }),
   { "resume", choices = { "auto" }, resume = "free", help = "go on with the runs in output_dir" },
}, { "freeze_backbone", "lr_find", "overwrite" })

-- ---- the model ----

--- A pretrained model with a new head and dropout p before it (nil: as the architecture has it); where it has a dropout there,
-- that one.
function best_practices.model(opt, classes, p)
   local model = scute.models.create(opt.model, { classes = classes, pretrained = opt.weights, head_init = opt.head_init,
      image_size = opt.image_size, log = console.say }):to(opt.device)
   return p and model:set_dropout(p) or model
end

-- ---- rows ----

-- The rows as tables with all their settings, under their names too.
local function complete(rows)
   local list = {}
   for i, row in ipairs(rows) do
      local full = { name = row[1], what = row[2] }
      for key, value in pairs(rows[1][3]) do full[key] = value end
      for key, value in pairs(row[3]) do full[key] = value end
      list[i], list[full.name] = full, full
   end
   return list
end

local function choose(list, only)
   if not only then return list end
   local wanted, names, chosen = {}, {}, {}
   for i, row in ipairs(list) do names[i] = row.name end
   for name in (only .. ","):gmatch "%s*([^,]*),%s*" do
      if not list[name] then
         local near = scute.nearest(name, names)
         console.stop(2, "only: there is no row '%s'%s; there are %s", name,
            near and ("; did you mean '%s'?"):format(near) or "", table.concat(names, ", "))
      end
      wanted[name] = true
   end
   for _, row in ipairs(list) do
      if wanted[row.name] then chosen[#chosen + 1] = row end
   end
   return chosen
end

-- ---- the folder ----

-- What a result hangs on, by the flags' own word: rows and seeds may be added to a folder, the rest may not change.
local function same()
   local names = { "photos", "classes", "split" }
   for _, entry in ipairs(best_practices.flags) do
      if not entry.resume or entry.resume == "longer" then names[#names + 1] = entry[1] end
   end
   return names
end

-- As the file gives them back, which holds 14 digits of a number.
local function settings_of(opt, set)
   local settings = {}
   for name, value in pairs(opt) do settings[name] = value end
   settings.photos, settings.classes, settings.split = #set.train.paths + #set.val.paths, #set.classes, set.split
   local kept = {}
   for _, name in ipairs(same()) do kept[name] = settings[name] end
   return plan.from_json(to_json(kept))
end

local function difference(old, new)
   for _, name in ipairs(same()) do
      local there, here = text_of(old[name] or "not given"), text_of(new[name] or "not given")
      if there ~= here then return ("%s is %s there and %s now"):format(name, there, here) end
   end
end

-- Fails unless the runs that a folder holds already are of the same settings and shall go on, or are replaced.
local function check_old(opt, path, settings)
   local old, why = plan.read_json(path)
   if not old then console.fail("output_dir: %s; choose another folder", why) end
   if not opt.resume and replaced(opt.output_dir, old.watched) then return end
   local fault = difference(old, settings)
   if fault then console.fail("output_dir: '%s' holds other runs: %s; choose another folder", opt.output_dir, fault) end
   if not opt.resume then
      console.fail("output_dir: '%s' holds these runs already: --resume auto goes on with them", opt.output_dir)
   end
end

-- Sees to it that the folder is empty, or holds runs of the same settings that shall go on.
local function settle(opt, settings)
   local path = opt.output_dir .. "/settings.json"
   if lfs.attributes(path) then check_old(opt, path, settings) end
   settings.watched = train_folder.mark()
   console.guard("output_dir", scute.files.mkdirs, opt.output_dir)
   console.guard("output_dir", scute.files.write, path, to_json(settings))
end

local function folder_of(opt, row, seed)
   return ("%s/%s/seed%d"):format(opt.output_dir, row.name, seed)
end

-- The result of a run that is done, or nil.
local function read_result(folder)
   local result = plan.read_json(folder .. "/result.json")
   return result and result.state == "finished" and result or nil
end

local function write_result(folder, row, seed, fitted)
   local best, last = fitted.best, fitted.history[#fitted.history]
   local curve = { train_loss = {}, train_accuracy = {}, val_loss = {}, val_accuracy = {} }
   for i, entry in ipairs(fitted.history) do
      for name, list in pairs(curve) do list[i] = entry[name] end
   end
   console.guard("output_dir", scute.files.write, folder .. "/result.json", to_json {
      _order = { "state", "row", "seed", "epochs", "best_epoch", "accuracy", "loss", "train_accuracy", "last_accuracy",
         "seconds", "stopped", "curve" },
      state = "finished", row = row.name, seed = seed, epochs = #fitted.history, best_epoch = best.epoch,
      accuracy = best.val_accuracy, loss = best.val_loss, train_accuracy = best.train_accuracy,
      last_accuracy = last.val_accuracy, seconds = fitted.seconds, stopped = fitted.stopped, curve = curve,
   })
   return read_result(folder)
end

-- ---- running ----

local function one(opt, set, row, seed, fit)
   local folder = folder_of(opt, row, seed)
   local done = read_result(folder)
   if done then return done end
   scute.manual_seed(seed)
   local run = train.options(opt) -- alike for all rows
   run.output_dir, run.seed, run.arguments = folder, seed, { practice = row.name }
   run.overwrite = true -- the folder is this row's, and there is no result in it
   local fitted = fit(row, run)
   local result = write_result(folder, row, seed, fitted)
   photos.learn(set, opt.output_dir, fitted.folder)
   collectgarbage()
   return result
end

-- Whether a run of the rows is missing.
local function is_missing(opt, rows)
   for seed = opt.seed, opt.seed + opt.seeds - 1 do
      for _, row in ipairs(rows) do
         if not read_result(folder_of(opt, row, seed)) then return true end
      end
   end
   return false
end

local function print_rows(list)
   for _, row in ipairs(list) do print(("%-20s %s"):format(row.name, row.what)) end
end

--- Runs the rows that the options ask for, for every seed, and tells what came out; with opt.list it prints them, and needs
-- no set.
-- rows: list of { name, what it is, settings that differ from the first row's }. fit(row, run) trains a row with all its
-- settings and returns what train.fit does; run has the options of train.fit that all rows share, and the row's seed.
-- Returns a list of { row, results = one for each seed }.
function best_practices.run(opt, set, rows, fit)
   local chosen = choose(complete(rows), opt.only)
   if opt.list then return print_rows(chosen) end
   opt.output_dir = opt.output_dir:gsub("(.)/+$", "%1")
   if not opt.split_csv then apart(opt.output_dir .. "/" .. chosen[1].name, opt.data_dir, opt.layout) end
   local locked <close> = train_folder.hold(opt.output_dir) -- luacheck: ignore
   local held = opt.resume and photos.hold(set, opt.output_dir)
   settle(opt, settings_of(opt, set))
   if not held then split_file.save(set, opt.output_dir) end
   if is_missing(opt, chosen) then photos.check(set, opt.output_dir) end
   local found, i = {}, 0
   for k, row in ipairs(chosen) do found[k] = { row = row, results = {} } end
   for k = 1, opt.seeds do -- seed by seed, so that after an early end there is something of every row
      for _, entry in ipairs(found) do
         i = i + 1
         console.line("\n[%d/%d] %s, seed %d: %s", i, opt.seeds * #found, entry.row.name, opt.seed + k - 1, entry.row.what)
         entry.results[k] = one(opt, set, entry.row, opt.seed + k - 1, fit)
      end
   end
   tell.all(opt.output_dir, found, set)
   return found
end

return best_practices
