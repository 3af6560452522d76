-- What a comparison consists of: its settings, the models with the weights they start from, and its runs. The plan lies in
-- <output_dir>/plan.json; every run has a folder of its own, runs/<model>/seed0 or runs/<model>/fold1, with job.json (what
-- to do), output.log and errors.log (what was said meanwhile) and result.json (what came out, only if all went well).
local cjson = require "cjson"
local lfs = require "lfs"
local scute = require "scute"
local console = require "scute.base.console"
local budgets = require "scute.compare.budgets"
local architectures = require "scute.nn.architectures"
local names = require "scute.compare.names"
local replaced = require "scute.compare.replaced"
local source = require "scute.nn.source"
local split_file = require "scute.data.split_file"
local options = require "scute.base.options"
local to_json = require "scute.base.json"
local FIT = require "scute.train.options"
local train_folder = require "scute.train.folder"

local plan = {}

-- What makes two comparisons the same; everything that a result hangs on.
local SAME = { "data_dir", "split_csv", "val_fraction", "photos", "classes", "protocol", "budget", "seeds", "folds", "seed",
   "augment", "batch_size", "learning_rate", "weight_decay", "warmup_epochs", "image_size", "device", "precision",
   "deterministic" }

-- What a job says beside options of train.fit. Where it lies and how many threads it has makes it no other run.
local OF_JOBS = {
   { "folder", resume = "free" }, { "data_dir", resume = "free" }, { "threads", resume = "free" }, { "model" }, { "run" },
   { "fold" }, { "folds" }, { "split_seed" }, { "split_csv" }, { "val_fraction" },
   { "split_file", resume = "free" }, { "layout", resume = "free" }, { "weights" }, { "weights_path" },
   { "minutes" }, { "protocol" }, { "learning_rate" }, { "weight_decay" }, { "warmup_epochs" }, { "image_size" },
}

--- The declaration of a job, as a run of a comparison reads it.
plan.JOB = options.declare("job", table.move(FIT.entries, 1, #FIT.entries, #OF_JOBS + 1, OF_JOBS))

local function exists(path)
   return lfs.attributes(path, "mode") ~= nil
end

-- JSON does not tell 3 from 3.0; Lua does.
local function with_integers(value)
   if type(value) ~= "table" then return math.type(value) == "float" and math.tointeger(value) or value end
   for key, entry in pairs(value) do value[key] = with_integers(entry) end
   return value
end

--- The value of a JSON text.
function plan.from_json(text)
   return with_integers(cjson.decode(text))
end

--- The table in a JSON file; nil and what is wrong with it.
function plan.read_json(path)
   local file, why = io.open(path, "rb")
   if not file then return nil, why end
   local text = file:read "a"
   file:close()
   local ok, value = pcall(plan.from_json, text or "")
   if ok and type(value) == "table" then return value end
   return nil, ("%s is damaged or was cut off (%s)"):format(path, ok and "no table in it" or value)
end

-- ---- weights ----

-- "imagenet", "none" or "resnet18=FILE,resnet50=FILE" as a function model -> "imagenet", "none" or a path.
local function weights_by_model(text)
   if text == "imagenet" or text == "none" then
      return function() return text end
   end
   local chosen = {}
   for entry in text:gmatch "[^,]+" do
      local model, path = entry:match "^%s*([%w_]+)=(.-)%s*$"
      chosen[model] = path
   end
   return function(model) return chosen[model] or "imagenet" end
end

--- Checks the value of --weights; returns it.
function plan.check_weights(text)
   if text == "imagenet" or text == "none" then return text end
   for entry in text:gmatch "[^,]+" do
      local model = entry:match "^%s*([%w_]+)=[^%s]"
      if not model then error(("expected imagenet, none or MODEL=FILE,..., found '%s'"):format(entry), 0) end
      names.check(model, scute.models.list())
   end
   return text
end

-- Where a model starts: { weights = sha256, "random" or "scratch", path, note }. Official weights that can be neither
-- found nor fetched leave it random; "scratch" is random on request, for all alike.
local function resolve(model, which, all_from_scratch)
   if which == "none" then return { weights = all_from_scratch and "scratch" or "random", note = "as --weights says" } end
   if which ~= "imagenet" then
      local path, digest = console.guard("weights", scute.weights.find, model, which)
      return { weights = digest, path = path }
   end
   local found, path, digest = pcall(scute.weights.find, model, "imagenet", function(text) console.warn("%s", text) end)
   if found then return { weights = digest, path = path } end
   return { weights = "random", note = console.message(path) }
end

-- ---- making one ----

--- The plan of options (as the script's flags give them) and a data set.
function plan.new(opt, set)
   local made = { models = {}, starts = {} }
   for _, name in ipairs(SAME) do made[name] = rawget(opt, name) end
   made.photos, made.classes = #set.train.paths + #set.val.paths, #set.classes
   made.seeds = not opt.folds and opt.seeds or nil
   made.split = opt.folds and ("%d folds, seed %d"):format(opt.folds, opt.seed) or set.split
   made.models = names.select(opt.models)
   local which = weights_by_model(opt.weights)
   for _, model in ipairs(made.models) do
      made.starts[model] = resolve(model, which(model), opt.weights == "none")
      made.starts[model].registered = architectures.find(model).digests
   end
   return made
end

--- The runs of a plan: list of {model, run = "seed0" or "fold1", seed, fold}, seed by seed, so that after an early end
-- there is something of every model.
function plan.runs(made)
   local runs = {}
   for i = 1, made.folds or made.seeds do
      for _, model in ipairs(made.models) do
         runs[#runs + 1] = made.folds and { model = model, run = "fold" .. i, seed = made.seed, fold = i }
            or { model = model, run = "seed" .. made.seed + i - 1, seed = made.seed + i - 1 }
      end
   end
   return runs
end

--- The folder of a run.
function plan.folder(output_dir, run)
   return ("%s/runs/%s/%s"):format(output_dir, run.model, run.run)
end

--- Writes job.json of a run and returns its path.
function plan.write_job(output_dir, made, run, opt)
   local folder, start, limits = plan.folder(output_dir, run), made.starts[run.model], budgets.read(opt.budget)
   console.guard("output_dir", scute.files.mkdirs, folder)
   local job = { folder = folder, model = run.model, run = run.run, seed = run.seed, fold = run.fold, split_seed = made.seed,
      weights = start.weights, weights_path = start.path, workers = opt.workers, threads = opt.threads,
      on_bad_image = opt.on_bad_image, tensorboard = opt.tensorboard,
      resume = opt.resume, layout = opt.layout,
      split_file = output_dir .. "/" .. split_file.NAME, epochs = limits.epochs, minutes = limits.minutes }
   for _, name in ipairs { "data_dir", "split_csv", "val_fraction", "protocol", "folds", "augment", "batch_size",
      "learning_rate", "weight_decay", "warmup_epochs", "image_size", "device", "precision", "deterministic" } do
      job[name] = made[name]
   end
   console.guard("output_dir", scute.files.write, folder .. "/job.json", to_json(job))
   return folder .. "/job.json"
end

-- ---- on disk ----

local function path_of(output_dir)
   return output_dir .. "/plan.json"
end

--- The plan in a folder. Fails where there is none.
function plan.read(output_dir)
   local path = path_of(output_dir)
   if not exists(path) then
      console.fail("output_dir: '%s' holds no comparison (there is no plan.json in it)", output_dir)
   end
   local made, why = plan.read_json(path)
   if made and (type(made.models) ~= "table" or type(made.starts) ~= "table" or not (made.seeds or made.folds)) then
      made, why = nil, path .. " is damaged: it names no models"
   end
   if not made then
      console.fail("output_dir: %s; the runs beside it are untouched: with the command that began the comparison and "
         .. "--resume it is written anew", why)
   end
   return made
end

local function differences(old, new)
   local found = {}
   for _, name in ipairs(SAME) do
      if (old[name] or nil) ~= (new[name] or nil) then -- a flag that is off, or that an earlier version did not have
         found[#found + 1] = ("%s %s there, %s now"):format(name, tostring(old[name] or "not given"),
            tostring(new[name] or "not given"))
      end
   end
   return found
end

-- Models of the old plan that are not asked for this time stay in the comparison.
local function keep_models(old, new)
   for _, model in ipairs(old.models) do
      if not new.starts[model] then
         table.insert(new.models, model)
         new.starts[model] = old.starts[model]
      end
   end
end

--- Brings a new plan together with what the folder holds already, and writes it. Another comparison in the folder is a
-- failure, and so is the same one unless `resume`; but one of an earlier save of a watched script is replaced.
function plan.settle(output_dir, new, resume)
   local path = path_of(output_dir)
   local old = exists(path) and plan.read_json(path)
   local is_replaced = old and not resume and replaced(output_dir, old.watched)
   if exists(path) and not old then
      if not resume then plan.read(output_dir) end
      console.warn("%s was damaged and is written anew", path)
   end
   if old and not is_replaced then
      local found = differences(old, new)
      for _, model in ipairs(new.models) do
         local before = old.starts[model]
         found[#found + 1] = before and source.fault(before.registered, new.starts[model].registered, model)
      end
      if #found > 0 then
         console.fail("output_dir: '%s' holds another comparison: %s; choose another folder", output_dir,
            table.concat(found, "; "))
      elseif not resume then
         console.fail("output_dir: '%s' holds this comparison already: --resume finishes what is missing, --report_only "
            .. "shows what is there", output_dir)
      end
      keep_models(old, new)
   elseif resume and not exists(path) then
      console.fail("output_dir: there is nothing to resume in '%s'; leave --resume out to begin", output_dir)
   elseif exists(output_dir .. "/runs") and not resume and not is_replaced then
      console.fail("output_dir: '%s' holds runs/ but no plan.json; choose another folder", output_dir)
   end
   new.watched = train_folder.mark()
   console.guard("output_dir", scute.files.mkdirs, output_dir)
   console.guard("output_dir", scute.files.write, path, to_json(new))
   return new
end

-- ---- results ----

local NUMBERS = { "parameters", "parameters_1000", "multiply_adds", "seconds", "latency", "best_epoch" }

local function check_result(result)
   if result.state ~= "finished" then return "it says no end" end
   for _, name in ipairs(NUMBERS) do
      if type(result[name]) ~= "number" then return name .. " is missing" end
   end
   for _, name in ipairs { "photos", "labels", "predicted" } do
      if type(result[name]) ~= "table" or #result[name] == 0 then return name .. " are missing" end
   end
   if #result.photos ~= #result.labels or #result.photos ~= #result.predicted then return "its lists differ in length" end
end

--- The result of a run; nil and a line on why not, where there is a file that is no use; nil alone where there is none.
function plan.result(output_dir, made, run)
   local path = plan.folder(output_dir, run) .. "/result.json"
   if not exists(path) then return nil end
   local result, why = plan.read_json(path)
   if not result then return nil, why end
   local fault = check_result(result)
   if fault then return nil, ("%s is damaged: %s"):format(path, fault) end
   if result.weights ~= made.starts[run.model].weights then
      return nil, path .. " started from other weights"
   end
   return result
end

return plan
