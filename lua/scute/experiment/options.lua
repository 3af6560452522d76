-- What scute.experiment takes: every option, declared here and nowhere else. Those that a text can say are flags too
-- (scute.experiment.flags). None of them is a setting of what runs compute but the budget: the flags count as free.
local budgets = require "scute.experiment.budgets"
local options = require "scute.base.options"

local MOST = 100 -- seeds or folds

-- A check of a text that keeps the text.
local function checked(check)
   return function(text)
      check(text)
      return text
   end
end

local SECONDS = { s = 1, min = 60, h = 3600 }
local BYTES = { B = 1, kB = 1e3, MB = 1e6, GB = 1e9, KiB = 1 << 10, MiB = 1 << 20, GiB = 1 << 30 }

-- A number with one of some units behind it, as a number of the smallest.
local function read_amount(text, units, plain, expected)
   local number, unit = text:match "^%s*([%d.]+)%s*(%a*)%s*$"
   number = tonumber(number)
   local factor = units[unit ~= "" and unit or plain]
   if number and number > 0 and factor then return number * factor end
   error(("expected %s, found '%s'"):format(expected, text), 0)
end

local function read_time(text)
   return read_amount(text, SECONDS, "s", "a time as 90 s, 10 min or 2 h")
end

local function read_bytes(text)
   return math.ceil(read_amount(text, BYTES, "B", "an amount of memory as 4 GiB or 800 MB"))
end

-- A result hangs on the text of the function, which one of C has not.
local function is_lua(value)
   return type(value) == "function" and debug.getinfo(value, "S").what ~= "C"
end

local function is_positive(value)
   return type(value) == "number" and value > 0 and value < math.huge
end

local function is_set(value)
   local function part(name) return type(value[name]) == "table" and type(value[name].paths) == "table" end
   return type(value) == "table" and type(value.classes) == "table" and part "train" and part "val"
end

-- What people are told: names and words.
local function are_words(value)
   if type(value) ~= "table" then return false end
   for _, entry in ipairs(value) do
      if type(entry) ~= "table" or type(entry[1]) ~= "string" or type(entry[2]) ~= "string" then return false end
   end
   return true
end

-- A folder beside those that an experiment without a name has.
local function is_name(text)
   return type(text) == "string" and text:find "^[%w_][%w_. -]*$" ~= nil and text ~= "runs" and text ~= "tensorboard"
end

return options.declare("scute.experiment", {
   { "run", required = true, script_only = true, resume = "free", is = options.typed(is_lua, "function"),
     expected = "a function(variant, context) that is written in Lua",
     help = "function(variant, context): makes a model, trains it on context.set and returns what train.fit does" },
   { "set", required = true, unless = "report_only", script_only = true, resume = "free", is = options.typed(is_set, "table"),
     expected = "a data set, as scute.data.open returns it",
     help = "the photos of all runs; a run gets its part of them as context.set" },
   { "variants", script_only = true, resume = "free", is = options.of_type "table", excludes = { "grid" },
     why = "each says what is compared", expected = "a list as { { \"frozen\", unfreeze = \"none\" }, ... }",
     help = "what is compared: a list of { name, option = value, ... }; the options are whatever `run` reads" },
   { "grid", script_only = true, resume = "free", is = options.of_type "table",
     expected = "a table as { lr = { 1e-4, 1e-3 }, ... }",
     help = "in place of variants: lists of values by option, of which each combination is a variant" },
   { "name", "experiment", is = options.typed(is_name, "string"), script_only = true, resume = "free",
     expected = "a name of letters, digits and _ . - that a folder may have",
     help = "tells several experiments of a script apart; any other than the default one lies in output_dir/NAME" },
   { "rank", script_only = true, resume = "free", is = options.of_type "function", expected = "a function(variant)",
     help = "function(variant) -> nil, or in words why this variant is shown but gets no rank" },
   { "title", text = true, script_only = true, show = "the name", resume = "free", help = "what stands above table and page" },
   { "fixed", {}, script_only = true, is = options.typed(are_words, "table"), resume = "free",
     expected = "a list as { { \"model\", \"resnet18\" }, ... }",
     help = "what else is alike in all runs, for the table and the page: a list of { what, in words }" },
   { "output_dir", text = true, default = "experiments", value = "PATH", resume = "free",
     help = "where the runs, the table and report.html go" },
   { "seeds", whole = true, min = 1, max = MOST, show = "3", excludes = { "folds" },
     why = "in folds every photo validates once, with one seed", resume = "free",
     help = "runs of each variant, each with a seed of its own" },
   { "folds", whole = true, min = 2, max = MOST, resume = "free",
     help = "cross validation instead of seeds: so many runs of each variant, pooled; for small data sets" },
   { "nested", whole = true, min = 2, max = MOST, resume = "free",
     help = "with folds: so many inner ones choose the variant, and the outer one measures it on photos that chose nothing" },
   { "seed", whole = true, min = 0, max = options.MAXSEED, default = 0, resume = "free",
     help = "the first seed; what is drawn at random depends on it alone" },
   { "budget", read = checked(budgets.read), is = options.of_type "string", value = "epochs=N|minutes=N",
     suggests = { "epochs=", "minutes=" }, expected = "a text, epochs=N or minutes=N as in \"epochs=10\"",
     show = "what run says", resume = "free", help = "what each run may spend" },
   { "metric", text = true, default = "accuracy", suggests = { "accuracy", "balanced", "loss" }, value = "NAME",
     resume = "free",
     help = "by which figure of the runs variants are compared: accuracy, balanced, loss, or a metric of theirs" },
   { "lower", script_only = true, resume = "free", is = options.of_type "boolean", expected = "true or false",
     show = "as the metric says",
     help = "whether less is better of the metric: of figures that `run` returns itself, where a name as test_error needs it" },
   { "search", choices = { "all", "halving" }, default = "all", resume = "free",
     help = "all: every run to its end; halving: poor variants are stopped early (needs a budget of epochs)" },
   { "jobs", whole = true, min = 1, max = 256, default = 1, value = "N", resume = "free",
     help = "runs at once, which share the threads; times do not compare then" },
   { "threads", whole = true, min = 1, max = 1024, value = "N", show = "all there are", resume = "free",
     help = "threads that compute, shared by the runs that go on at once" },
   { "timeout", read = read_time, is = options.typed(is_positive, "number"), value = "TIME", show = "none",
     expected = "seconds, or a text as 90 s, 10 min or 2 h", resume = "free",
     help = "a run that takes longer is stopped and counts as failed, as 90 s, 10 min or 2 h" },
   { "memory", read = read_bytes, is = options.typed(is_positive, "number"), value = "BYTES", show = "no limit",
     expected = "bytes, or a text as 4 GiB or 800 MB", resume = "free",
     help = "a run that needs more fails, as 4 GiB; those started fail before the rest of the system does; each of its "
        .. "processes (--nproc) has a share" },
   { "resume", flag = true, default = false, resume = "free", help = "finish what is missing in output_dir" },
   { "overwrite", flag = true, default = false, resume = "free",
     help = "drop the older trial in output_dir instead of moving it aside; with resume: do those runs anew that have "
        .. "changed" },
   { "report_only", flag = true, default = false, excludes = { "resume", "overwrite" },
     why = "one trains and the other does not", resume = "free", help = "show what is in output_dir, without training" },
   { "tensorboard", flag = true, default = false, resume = "free",
     help = "also write TensorBoard's event files, with the options of the variants" },
})
