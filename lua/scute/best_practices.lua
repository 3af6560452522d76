-- Exercise 4, what its script calls beside scute.experiment: the flags, its rows as variants, and the model of a row. How the
-- results are shown is in best_practices/tell.lua.
local scute = require "scute"
local again = require "scute.experiment.again"
local cli = require "scute.cli"
local console = require "scute.base.console"
local experiment = require "scute.experiment"
local nn = require "scute.nn"
local process = require "scute.experiment.process"
local tell = require "scute.best_practices.tell"
local unfreeze = require "scute.train.unfreeze"

local best_practices = { tell = tell.all }

-- ---- flags ----

--- The flags of the exercise, as cli.parse takes them.
best_practices.flags = cli.flags({
   cli.changed("data_dir", { unless = "list" }), cli.changed("model", {}),
   experiment.changed("output_dir", { default = "practices", help = "where the runs, the table and the curves go" }),
   { "only", value = "NAMES", show = "all rows", resume = "free",
     help = "rows to run, with commas between them, as in all,constant,plain" },
   { "list", flag = true, resume = "free", help = "print the rows and stop after that" },
   experiment.changed("seeds", { default = 1, help = "runs of each row, each with a seed of its own" }),
   experiment.changed("jobs", {}), experiment.changed("timeout", {}), experiment.changed("memory", {}),
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
      .. "auto: bf16 where the device computes in it, fp16 on older GPUs with tensor cores, else fp32" }),
   { "resume", choices = { "auto" }, resume = "free", help = "go on with the runs in output_dir" },
   experiment.changed("overwrite", {}),
}, { "freeze_backbone", "lr_find" })

-- ---- the model ----

--- A pretrained model with a new head and dropout p before it (nil: as the architecture has it); where it has a dropout there,
-- that one.
function best_practices.model(opt, classes, p)
   local model = scute.models.create(opt.model, { classes = classes, pretrained = opt.weights, head_init = opt.head_init,
      image_size = opt.image_size, log = console.say }):to(opt.device)
   return p and model:set_dropout(p) or model
end

-- ---- rows ----

-- What is wrong with a row; nil where nothing is.
local function fault_of(row, i)
   local is_row = type(row) == "table" and type(row[1]) == "string" and type(row[2]) == "string" and type(row[3]) == "table"
   if is_row then return nil end
   return ("best_practices.rows: row %d: expected { \"its name\", \"what it is\", { setting = value, ... } }"):format(i)
end

--- Rows as tables with all their settings: list of { name, what, settings }, under their names too. given: list of { name, what
-- it is, settings that differ from the first row's }.
function best_practices.rows(given)
   local list = {}
   for i, row in ipairs(given) do
      local fault = fault_of(row, i)
      if fault then error(fault, 2) end
      local settings = {}
      for _, from in ipairs { given[1][3], row[3] } do
         for key, value in pairs(from) do settings[key] = value end
      end
      list[i] = { name = row[1], what = row[2], settings = settings }
      list[row[1]] = list[i]
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

local function variants_of(rows)
   local list = {}
   for i, row in ipairs(rows) do
      list[i] = { row.name }
      for key, value in pairs(row.settings) do list[i][key] = value end
   end
   return list
end

-- What is wrong with --unfreeze is told before any row trains.
local function check_unfreezing(opt)
   local model = nn.init.on("shape", scute.models.create, opt.model, { classes = 2, image_size = opt.image_size })
   unfreeze.plan(model, opt.unfreeze, { epochs = opt.epochs })
end

--- What the options ask scute.experiment for: the rows as variants, seeds, folder. With opt.list the rows are printed and the
-- script ends.
function best_practices.options(opt, rows)
   local chosen = choose(rows, opt.only)
   if opt.list then
      for _, row in ipairs(chosen) do console.print(("%-20s %s"):format(row.name, row.what)) end
      os.exit(true, true)
   end
   if not process.job() then check_unfreezing(opt) end
   local asked = experiment.options(opt)
   asked.title, asked.resume = "Best practices", opt.resume ~= nil
   asked.variants = variants_of(chosen)
   again.mark(asked, "--resume auto")
   asked.fixed = { { "photos in", opt.data_dir }, { "model", opt.model }, { "epochs", tostring(opt.epochs) } }
   return asked
end

return best_practices
