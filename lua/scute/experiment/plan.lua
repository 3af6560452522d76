-- What an experiment consists of: its variants, its runs, and what holds for all of them. The plan lies in
-- <folder>/experiment.json; every run has a folder of its own, runs/<variant>/seed0, fold2 or fold2.1 (outer.inner), with
-- job.json (what to do), output.log and errors.log (what was said meanwhile) and result.json (what came out, only if all went
-- well); test/ has those of its test.
local lfs = require "lfs"
local scute = require "scute"
local console = require "scute.base.console"
local direction = require "scute.experiment.direction"
local headline = require "scute.experiment.headline"
local json_file = require "scute.base.json_file"
local part_text = require "scute.base.part_text"
local to_json = require "scute.base.json"
local variants = require "scute.experiment.variants"

local plan = {}

plan.NAME = "experiment.json"

-- ---- making one ----

local function count(set)
   local n = #set.train.paths + #set.val.paths
   local test = rawget(set, "test")
   return n, test and #test.paths or nil
end

local function split_text(given)
   if not given.folds then return given.set.split end
   return ("%s, seed %d"):format(headline.runs(given), given.seed)
end

-- What is held fixed, for people.
local function settings_of(made, fixed)
   local list = { { "photos", ("%d in %s"):format(made.photos, console.count(made.classes, "class", "classes")) },
      { "split", made.split } }
   list[#list + 1] = { "runs of each variant", headline.runs(made) }
   list[#list + 1] = { "budget of a run", made.budget or "as the script says" }
   local is_own = direction.of(made.metric) == nil and made.lower ~= nil
   list[#list + 1] = { "compared by", made.metric .. (is_own and ", " .. direction.words(made.lower) or "") }
   if made.search == "halving" then list[#list + 1] = { "search", "successive halving" } end
   fixed = fixed or {}
   return table.move(fixed, 1, #fixed, #list + 1, list)
end

local function lower_of(given)
   if given.lower ~= nil then return given.lower end
   return direction.of(given.metric)
end

--- The plan of options of scute.experiment, its variants and, of a grid, its axes.
function plan.new(given, list, axes)
   local set = given.set
   local photos, test = count(set)
   local made = { format = 1, name = given.name, title = given.title, variants = list,
      axes = axes, seeds = given.seeds, folds = given.folds,
      nested = given.nested, seed = given.seed, budget = given.budget, metric = given.metric,
      lower = lower_of(given), search = given.search, photos = photos, test_photos = test, classes = #set.classes,
      class_names = set.classes, split = split_text(given), jobs = given.jobs, threads = given.threads or scute.threads() }
   made.settings = settings_of(made, given.fixed)
   return made
end

-- ---- runs ----

-- The runs of one variant, without it.
local function each_of(made)
   local list = {}
   for fold = 1, made.folds or 0 do
      for inner = 1, made.nested or 1 do
         local name = made.nested and ("fold%d.%d"):format(fold, inner) or "fold" .. fold
         list[#list + 1] = { run = name, seed = made.seed, fold = fold, inner = made.nested and inner or nil }
      end
   end
   for i = 1, not made.folds and made.seeds or 0 do
      list[#list + 1] = { run = "seed" .. made.seed + i - 1, seed = made.seed + i - 1 }
   end
   return list
end

--- The runs of a plan: list of { variant = its name, options, run = "seed0", "fold2" or "fold2.1", seed, fold, inner }, seed by
-- seed, so that after an early end there is something of every variant.
function plan.runs(made)
   local list = {}
   for _, run in ipairs(each_of(made)) do
      for _, variant in ipairs(made.variants) do
         list[#list + 1] = { variant = variant.name, options = variant.options, run = run.run, seed = run.seed, fold = run.fold,
            inner = run.inner }
      end
   end
   return list
end

--- The folder of a run in that of its experiment.
function plan.folder(folder, run)
   return ("%s/runs/%s/%s"):format(folder, variants.folder(run.variant), run.run)
end

-- ---- on disk ----

-- Options as a file can hold them: of functions and objects their words.
local function plain_value(value)
   local kind = type(value)
   if kind == "number" or kind == "string" or kind == "boolean" then return value end
   return part_text.of(value)
end

local function plain_options(given)
   local copy = {}
   for key, value in pairs(given) do copy[key] = plain_value(value) end
   return copy
end

local function plain_axes(axes)
   local list = {}
   for i, axis in ipairs(axes or {}) do
      local values = {}
      for k, value in ipairs(axis.values) do values[k] = plain_value(value) end
      list[i] = { key = axis.key, values = values }
   end
   return axes and list
end

--- A plan as plain data: what experiment.json holds, and what others get.
function plan.plain(made)
   local copy = {}
   for key, value in pairs(made) do copy[key] = value end
   copy.variants, copy.axes = {}, plain_axes(made.axes)
   for i, variant in ipairs(made.variants) do
      copy.variants[i] = { name = variant.name, options = plain_options(variant.options) }
   end
   return copy
end

local ORDER = { "format", "name", "title", "variants", "axes", "seeds", "folds", "nested", "seed", "budget", "metric", "lower",
   "search", "photos", "test_photos", "classes", "class_names", "split", "jobs", "threads", "settings", "watched" }

--- Writes the plan into its folder.
function plan.write(folder, made)
   local text = plan.plain(made)
   text._order = ORDER
   console.guard("output_dir", scute.files.mkdirs, folder)
   console.guard("output_dir", scute.files.write, folder .. "/" .. plan.NAME, to_json(text))
end

local function fault_of(made)
   if made.format ~= 1 then return ("its format is %s, and this scute knows 1"):format(tostring(made.format)) end
   if type(made.variants) ~= "table" or #made.variants == 0 then return "it names no variants" end
   for _, variant in ipairs(made.variants) do
      if type(variant) ~= "table" or type(variant.name) ~= "string" then return "a variant in it has no name" end
      if type(variant.options) ~= "table" then variant.options = {} end
   end
   local repeats = made.seeds or made.folds
   if math.type(repeats) ~= "integer" then return "it says no seeds and no folds" end
   if math.type(made.seed) ~= "integer" or type(made.metric) ~= "string" then return "its seed or metric is missing" end
   if type(made.class_names) ~= "table" or type(made.settings) ~= "table" then return "classes or settings are missing" end
end

--- The plan in a folder; nil and what is wrong with it; nil alone where there is none.
function plan.read(folder)
   local path = folder .. "/" .. plan.NAME
   if not lfs.attributes(path) then return nil end
   local made, why = json_file.read(path)
   if not made then return nil, why end
   local fault = fault_of(made)
   if fault then return nil, ("%s is damaged: %s"):format(path, fault) end
   return made
end

return plan
