-- Exercise 3: several architectures on the same photos, under the same conditions, and what can be said about which is
-- better. What its script calls; the parts are in compare/.
local lfs = require "lfs"
local scute = require "scute"
local apart = require "scute.data.apart"
local budgets = require "scute.compare.budgets"
local cli = require "scute.cli"
local command_of = require "scute.compare.command"
local console = require "scute.base.console"
local data = require "scute.data"
local folds = require "scute.compare.folds"
local hold = require("scute.train.folder").hold
local names = require "scute.compare.names"
local photos = require "scute.compare.photos"
local plan = require "scute.compare.plan"
local quoted = require "scute.base.quoted"
local equal = require "scute.data.equal"
local split_file = require "scute.data.split_file"
local report = require "scute.compare.report"
local summary = require "scute.compare.summary"
local tell = require "scute.compare.tell"
local typed_name = require "scute.base.typed_name"

local compare = {}

local SHARE = 20 -- renewing the page takes at most one part in so many of the time

-- ---- flags ----

-- A check of a flag's text that keeps the text.
local function checked(check)
   return function(text)
      check(text)
      return text
   end
end

local function flags()
   local list = {
      cli.changed("data_dir", { unless = "report_only" }),
      { "models", read = checked(names.select), default = "resnet18,resnet50,efficientnet_b0,efficientnet_b3", value = "LIST",
        suggests = scute.models.list, help = "names, with commas between them; * stands for any text, as in resnet*" },
      { "protocol", choices = { "frozen", "finetune" }, default = "frozen",
        help = "train the new head alone, or all layers" },
      { "budget", read = checked(budgets.read), default = "epochs=10", value = "epochs=N|minutes=N",
        suggests = { "epochs=", "minutes=" }, help = "what each run may spend" },
      { "seeds", whole = true, min = 1, max = 100, default = 3, help = "runs of each model, each with a seed of its own" },
      { "folds", whole = true, min = 2, max = 100, excludes = { "seeds", "split_csv", "val_fraction" },
        why = "every photo validates once, in one of the folds",
        help = "cross validation instead of seeds: so many runs of each model, pooled; for small data sets" },
      cli.changed("output_dir", { default = "comparisons", help = "where the runs and comparison.md, .csv and .json go" }),
      { "weights", read = checked(plan.check_weights), default = "imagenet", value = "imagenet|none|MODEL=FILE,...",
        suggests = { "imagenet", "none" },
        help = "where backbones start: the official weights, all from random numbers, or files for some (official ones for "
           .. "the rest); without a file at hand a model starts from random numbers and gets no rank" },
      { "augment", read = checked(scute.augment.parse), value = "DESCRIPTION",
        suggests = scute.augment.PRESETS, show = "none with frozen, light with finetune",
        default = function(opt) return opt.protocol == "frozen" and "none" or "light" end,
        help = "of training photos: none, light, standard, strong, and settings as in light,flip=0" },
      cli.changed("learning_rate", { show = "0.003 with frozen, 0.0001 with finetune (new head 10 times that)",
         default = function(opt) return opt.protocol == "frozen" and 0.003 or 0.0001 end }),
      { "resume", flag = true, help = "finish what is missing in output_dir" },
      { "report_only", flag = true, excludes = { "resume" }, why = "one trains and the other does not",
        help = "show what is in output_dir, without training" },
   }
   local rest = cli.pick(cli.common, "batch_size", "weight_decay", "warmup_epochs", "val_fraction", "split_csv", "layout",
      "seed", "image_size",
      "on_bad_image", "tensorboard", "workers", "threads", "device", "precision", "deterministic", "quiet")
   return table.move(rest, 1, #rest, #list + 1, list)
end

--- The flags of the exercise, as cli.parse takes them.
compare.flags = flags()

-- ---- results ----

-- Everything that is done: model -> list of results, and the runs that are missing. `tell_of(why)` hears of files that are
-- no use.
local function gather(output_dir, made, tell_of)
   local results, missing = {}, {}
   for _, run in ipairs(plan.runs(made)) do
      local result, why = plan.result(output_dir, made, run)
      if why then tell_of(why) end
      if result then
         results[run.model] = results[run.model] or {}
         table.insert(results[run.model], result)
      else
         missing[#missing + 1] = run
      end
   end
   return results, missing
end

local function show(opt, made, results, failures)
   local found = summary.of(made, results, failures)
   tell.write(opt.output_dir, made, found)
   report.write(opt.output_dir, made, found, results, 0)
   tell.print(opt.output_dir, made, found)
   return found
end

-- While runs are missing: a page of those that are done. It takes little of the time.
local function refresh(opt, made, failures, state)
   local start = scute.clock()
   if start < (state.next or 0) then return end
   local results, missing = gather(opt.output_dir, made, function() end)
   if next(results) and #missing > 0 then
      pcall(report.write, opt.output_dir, made, summary.of(made, results, failures), results, #missing)
   end
   state.next = scute.clock() + SHARE * (scute.clock() - start)
end

-- ---- one run ----

local function last_line(path)
   local file = io.open(path)
   local last = ""
   for line in file and file:lines() or function() end do last = line ~= "" and line or last end
   if file then file:close() end
   return (last:gsub("^scute: ", ""))
end

-- Reads what a run says into its log; on a terminal the latest line is shown in place. `pid` gets a signal passed on that
-- came to this process alone.
local function follow(pipe, log, shown)
   local pid, told = pipe:read "l", false
   for line in pipe:lines() do
      log:write(line, "\n")
      log:flush()
      if shown then
         io.stdout:write("\r\27[K", console.cut("   " .. console.visible(line), scute.terminal_size() - 1))
         io.stdout:flush()
      end
      if not told and scute.interrupted() then -- once: the second signal stops it before it has saved
         told = true
         local has_it = scute.interrupted() == "SIGINT" and console.is_terminal(0) -- Ctrl-C reaches both
         if not has_it then os.execute("kill -TERM " .. pid .. " 2>/dev/null") end
      end
   end
   if shown then io.stdout:write "\r\27[K" end
end

-- Runs a job in a process of its own. Returns "done", "interrupted" or "failed", and why.
local function execute(command, job, folder)
   local worker = assert(scute.module_file "scute.compare.worker")
   os.remove(folder .. "/result.json")
   local log, why = io.open(folder .. "/output.log", "w")
   if not log then console.fail("output_dir: %s", why) end
   io.stdout:flush()
   local pipe = assert(io.popen(("echo $$; exec %s %s %s %d 2>%s"):format(command, quoted(worker), quoted(job),
      scute.process.id(), quoted(folder .. "/errors.log"))))
   follow(pipe, log, console.is_terminal(1) and not console.quiet)
   log:close()
   local _, how, code = pipe:close()
   if scute.interrupted() or how == "exit" and (code == 130 or code == 143) then return "interrupted" end
   if how == "exit" and code == 0 then return "done" end
   local message = last_line(folder .. "/errors.log")
   if message == "" then message = how == "signal" and "ended by signal " .. code or "exit status " .. code end
   return "failed", message
end

local function stop_politely()
   console.warn "stopped; the same command with --resume finishes what is missing"
   console.stop(scute.interrupted() == "SIGTERM" and 143 or 130, "interrupted")
end

-- ---- all runs ----

-- A checkpoint that is no use costs the time that it would have saved, no more.
local function try(opt, made, run, command)
   local folder = plan.folder(opt.output_dir, run)
   local how, message = execute(command, plan.write_job(opt.output_dir, made, run, opt), folder)
   if how ~= "failed" or not message:find "^resume: " then return how, message end
   console.warn("%s; %s, %s begins anew", message, names.show(run.model), run.run)
   for _, name in ipairs { "checkpoint", "checkpoint-1" } do
      os.remove(("%s/%s/%s.safetensors"):format(folder, run.model, name))
   end
   return execute(command, folder .. "/job.json", folder)
end

local function one(opt, made, run, command)
   local how, message = try(opt, made, run, command)
   if how == "interrupted" then stop_politely() end
   local result, why = plan.result(opt.output_dir, made, run)
   if how == "failed" or not result then return nil, message or why or "it left no result" end
   return result
end

-- Which photos they are is what the first run that ended has read.
local function learn_photos(opt, set, done)
   for model, results in pairs(done) do
      photos.learn(set, opt.output_dir, ("%s/%s"):format(plan.folder(opt.output_dir, { model = model, run = results[1].run }),
         model))
   end
end

-- The runs that are missing, one by one. Returns the failures. A model that did not fit the budget is not tried again.
local function run_all(opt, made, missing, command, set)
   local failures, over, page = {}, {}, {}
   for i, run in ipairs(missing) do
      if not over[run.model] then
         console.line("[%d/%d] %s, %s", i, #missing, names.show(run.model), run.run)
         local result, why = one(opt, made, run, command)
         if result then
            learn_photos(opt, set, { [run.model] = { result } })
            local right = 0
            for k, class in ipairs(result.labels) do right = right + (result.predicted[k] == class and 1 or 0) end
            console.line("   accuracy %.3f, best epoch %d, %s", right / #result.labels, result.best_epoch,
               console.duration(result.seconds))
         else
            failures[#failures + 1] = { model = run.model, run = run.run, message = why }
            over[run.model] = why:find("did not fit the budget", 1, true) ~= nil
            console.warn("%s, %s failed: %s (%s/output.log and errors.log say more); the others go on",
               names.show(run.model), run.run, why, plan.folder(opt.output_dir, run))
         end
         refresh(opt, made, failures, page)
      end
   end
   return failures
end

local function fail_if_nothing(results, failures)
   if next(results) then return end
   local fitting = false
   for _, failure in ipairs(failures) do
      fitting = fitting or not failure.message:find("did not fit the budget", 1, true)
   end
   if not fitting then console.fail("budget: no model fits: %s", failures[1].message) end
   console.fail("no run succeeded; the first: %s", failures[1].message)
end

local function describe(made)
   console.line("%s", tell.settings(made))
   for _, model in ipairs(made.models) do
      local start = made.starts[model]
      local from = start.path or start.weights == "scratch" and "random numbers"
         or "random numbers, so without a rank: " .. start.note
      console.line("   %-16s starts from %s", names.show(model), from)
   end
end

local function report_only(opt)
   local made = plan.read(opt.output_dir)
   local results, missing = gather(opt.output_dir, made, function(why)
      console.warn("%s; left out, --resume does that run again", why)
   end)
   if not next(results) then console.fail("output_dir: there is no finished run in '%s/runs'", opt.output_dir) end
   if #missing > 0 then console.warn("%s missing; --resume finishes", console.count(#missing, "run is", "runs are")) end
   show(opt, made, results, {})
end

-- What is wrong with the split, or with one of the folds, is told before any training.
local function tell_of_split(set, opt)
   local told = not opt.folds and equal.tell(set)
   for fold = 1, opt.folds or 0 do
      local parted = folds(set, fold, opt.folds, opt.seed)
      told = told or equal.tell(parted)
   end
end

local function train_all(opt, program)
   local set = data.open(opt.data_dir, data.options(opt))
   local held = opt.resume and photos.hold(set, opt.output_dir)
   tell_of_split(set, opt)
   local new = plan.new(opt, set)
   local command = command_of(program, new.models)
   local made = plan.settle(opt.output_dir, new, opt.resume)
   if not held then split_file.save(set, opt.output_dir) end
   describe(made)
   for _, note in ipairs(set.notes) do console.line("note: %s", note) end
   local done, missing = gather(opt.output_dir, made, function(why) console.warn("%s; it is done again", why) end)
   learn_photos(opt, set, done)
   if #missing > 0 then photos.check(set, opt.output_dir) end
   local failures = run_all(opt, made, missing, command, set)
   local results = gather(opt.output_dir, made, function() end)
   fail_if_nothing(results, failures)
   return show(opt, made, results, failures)
end

--- Runs the comparison that the options (see compare.flags) ask for. program: the path of scute, to start the runs with; by
-- default the one that runs this.
-- Returns what scute.compare.summary gives; nil for report_only.
function compare.run(opt, program)
   opt.output_dir = opt.output_dir:gsub("(.)/+$", "%1")
   if opt.report_only then return report_only(opt) end
   if lfs.attributes(opt.output_dir, "mode") == "file" then
      console.fail("output_dir: '%s' is a file, not a folder", opt.output_dir)
   end
   if not opt.split_csv then apart(opt.output_dir .. "/runs", opt.data_dir, opt.layout) end
   local before = scute.on_interrupt "finish"
   local how <close> = setmetatable({}, { __close = function() scute.on_interrupt(before) end }) -- luacheck: ignore
   local held <close> = hold(opt.output_dir) -- luacheck: ignore
   return train_all(opt, program or typed_name())
end

return compare
