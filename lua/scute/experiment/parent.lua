-- An experiment from its beginning to its end, in the process that the user started: what lies in its folder, the runs that are
-- missing, the photos that chose nothing, and what came out.
local lfs = require "lfs"
local scute = require "scute"
local again = require "scute.experiment.again"
local apart = require "scute.data.apart"
local choice = require "scute.experiment.choice"
local console = require "scute.base.console"
local content = require "scute.experiment.content"
local crops = require "scute.data.crops"
local equal = require "scute.data.equal"
local failed = require "scute.experiment.failed"
local folder = require "scute.train.folder"
local folds = require "scute.experiment.folds"
local gather = require "scute.experiment.gather"
local halving = require "scute.experiment.halving"
local hopeless = require "scute.experiment.hopeless"
local in_session = require "scute.experiment.in_session"
local jobs = require "scute.experiment.jobs"
local lies_in = require "scute.base.lies_in"
local photos = require "scute.experiment.photos"
local plan = require "scute.experiment.plan"
local pool = require "scute.experiment.pool"
local process = require "scute.experiment.process"
local record = require "scute.experiment.record"
local settle = require "scute.experiment.settle"
local shown = require "scute.experiment.shown"
local split_file = require "scute.data.split_file"
local threads = require "scute.experiment.threads"
local unread = require "scute.experiment.unread"

local parent = {}

-- ---- before ----

-- Results lie apart from photos, and what is moved aside takes no photos along.
local function check_folder(path, set, overwrite_or_resume)
   if lfs.attributes(path, "mode") == "file" then console.fail("output_dir: '%s' is a file, not a folder", path) end
   if not set.dir then return end
   if not set.is_listed then apart(path .. "/runs", set.dir, set.layout) end
   if not overwrite_or_resume and settle.has_trial(path) and lies_in(set.dir .. "/.", path) then
      console.fail("output_dir: '%s' holds a trial, which is in the way, and the photos ('%s') too; choose another "
         .. "--output_dir", path, set.dir)
   end
end

-- Which photos they are is what the first run that ended has read.
local function learn_photos(self, found)
   if found.model then photos.learn(self.given.set, self.folder, self.folder .. "/" .. found.model) end
end

-- What is wrong with the split, or with one of the folds, is told before any training: photos on both sides, and folds that
-- leave a class without photos.
local function check_split(set, given)
   local told = not given.folds and equal.tell(set)
   for fold = 1, given.folds or 0 do
      for inner = 1, given.nested or 1 do
         local parted = folds(set, fold, given.folds, given.seed, given.nested and inner, given.nested)
         told = told or equal.tell(parted)
      end
   end
end

-- What a run that has ended may not have done; nil where all is well.
local function fault_of_photos(self, found)
   local other = found.model and photos.other(self.given.set, self.folder .. "/" .. found.model)
   return other and ("'%s' was another one for it than for the runs before; a comparison is fair with the same photos only")
      :format(other)
end

-- A run is this program too, and has as much before it begins.
local function check_memory(self)
   local limit, used = self.given.memory, process.memory() * scute.world.size
   if not limit or self.is_here or not self.is_first or limit > used then return end
   console.fail("memory: this program has %s before a run begins, so that no run could do with %s; give more, as 4 GiB",
      console.bytes(used), console.bytes(limit))
end

-- What only a process of its own can have.
local function warn_of_limits(given)
   local list = {}
   for _, name in ipairs { "timeout", "memory", "jobs" } do
      if given[name] and given[name] ~= 1 then list[#list + 1] = name end
   end
   if #list > 0 then
      console.warn("%s: not here, where runs are no processes of their own; in a script they are", table.concat(list, ", "))
   end
end

local function describe(self)
   local made = self.plan
   console.line("%s: %s, %s in all", made.name, console.count(#made.variants, "variant"),
      console.count(#plan.runs(made), "run"))
   for _, setting in ipairs(made.settings) do console.line("   %-20s %s", setting[1], setting[2]) end
   if scute.world.size > 1 then console.line("   each run is %d processes", scute.world.size) end
   if self.is_here then
      console.line "   in this process, one after the other: memory and time of one run may touch another"
      warn_of_limits(self.given)
   end
   for _, note in ipairs(self.given.set.notes or {}) do console.line("note: %s", note) end
end

-- ---- runs ----

local function fails(self, job, how, why)
   local message = why or "it left no result"
   local failure = { variant = job.run.variant, run = job.run.run, kind = job.job.kind, message = message, how = how,
      folder = job.job.folder,
      over = message:find("did not fit the budget", 1, true) ~= nil or nil }
   scute.process.ends_with(1) -- where the script says nothing else
   table.insert(self.failures, failure)
   failed.write(job.job.folder, failure)
   self.over[job.run.variant] = self.over[job.run.variant] or failure.over
   local more = self.is_here and "" or (" (%s/output.log and errors.log say more)"):format(job.folder)
   local why_all = not self.has_result and hopeless.of(self.failures)
   if why_all then
      self.hopeless = self.hopeless or why_all .. more
      return
   end
   console.warn("%s failed: %s%s; the others go on", job.title, message, more)
end

-- What a run has warned of is in its errors.log; each text is told once.
local function pass_on_warnings(self, job)
   for line in process.errors(job):gmatch "[^\n]+" do
      local text = line:match "^scute: (.*)"
      if text and not self.warned[text] then
         self.warned[text] = true
         console.warn("%s: %s", job.title, text)
      end
   end
end

-- An option that nobody reads is a slip of the pen, and what it should have changed is the same in all variants.
local function tell_unread(self, found)
   self.unread:add(found)
   for _, key in ipairs(self.unread:news()) do
      console.warn("run reads the option '%s' of no variant: as far as that goes they are all the same", key)
   end
end

-- What a run came to, in a line.
local function tell(self, job, found)
   local is_test = job.job.kind == "test"
   local figures = is_test and found.test.figures or found.figures
   local more = is_test and "on photos that chose nothing"
      or found.state == "paused" and ("stopped for now after epoch %d"):format(found.epochs)
      or found.best_epoch and ("best epoch %d"):format(found.best_epoch)
   local list = { ("%s %.4g"):format(found.metric, figures[found.metric]), more }
   if not is_test and found.seconds then list[#list + 1] = console.duration(found.seconds) end
   console.line("   %s%s", self.given.jobs > 1 and job.title .. ": " or "", table.concat(list, ", "))
end

-- Whether a job that is done has left what it was to leave.
local function has_left(job, found)
   if not found then return false end
   if job.job.kind == "test" then return found.test ~= nil end
   return found.state == "finished" or not job.before or found.epochs > job.before.epochs
end

local function finished(self, job)
   local found, why = gather.one(self.folder, job.run)
   if not has_left(job, found) then return fails(self, job, "failed", why) end
   local fault = fault_of_photos(self, found)
   if fault then
      os.remove(job.job.folder .. "/" .. record.RESULT) -- it is no result of this experiment
      return fails(self, job, "failed", fault)
   end
   self.has_result = true
   learn_photos(self, found)
   if self.command then pass_on_warnings(self, job) end
   tell_unread(self, found)
   tell(self, job, found)
   shown.refresh(self)
end

local FROM_OUTSIDE = { SIGKILL = true, SIGTERM = true, SIGINT = true, SIGHUP = true }

-- Whether a run has ended because somebody else ended that one process, as the system does where memory runs out: that is no
-- fault of its variant's, so it is tried once more.
local function was_killed(job, signal)
   return FROM_OUTSIDE[signal] and not job.is_second and not scute.interrupted()
end

-- The same job as one that goes on from its checkpoint.
local function second(self, job, why)
   console.warn("%s: %s; it is tried once more", job.title, why)
   local again_job = jobs.write(self, job.run, { pause = job.job.pause, kind = job.job.kind, resume = true })
   again_job.before, again_job.is_second = job.before, true
   return again_job
end

-- Does runs, a list of { run, pause }. Returns whether all of that could go on: false where Ctrl-C came.
local function run_all(self, list)
   local queued, i = {}, 0
   for k, entry in ipairs(list) do
      local before = gather.one(self.folder, entry.run)
      queued[k] = jobs.write(self, entry.run, { pause = entry.pause, kind = entry.kind,
         resume = (self.given.resume or before and before.state == "paused") or nil })
      queued[k].before, queued[k].entry = before, entry
   end
   local options = { at_once = self.given.jobs,
      started = function(job)
         if self.hopeless then table.insert(self.left_out, job.entry) end
         if self.hopeless or self.over[job.run.variant] then return false end
         failed.clear(job.job.folder)
         i = i + 1
         console.line("[%d/%d] %s", i, #queued, job.title)
      end,
      ended = function(job, how, why, signal)
         if how == "done" then return finished(self, job) end
         if was_killed(job, signal) then
            queued[#queued + 1] = second(self, job, why)
            return
         end
         local was_asked = how == "interrupted" and scute.interrupted() -- not of the one run alone
         if not was_asked then fails(self, job, how, why) end
      end }
   local how = self.is_here and in_session.run(queued, self, options) or pool.run(queued, options)
   return how == "done"
end

-- A command that is stopped says how it is gone on with.
local function stop_politely(self)
   if scute.interrupted() ~= "save" then -- of a script that is watched, which begins anew
      console.warn("stopped; to finish what is missing: %s", again.words(self.flag))
   end
   console.stop(scute.interrupted() == "SIGTERM" and 143 or 130, "interrupted")
end

-- Does runs, a list as run_all takes it; where no more is to be hoped for that is the end.
local function do_runs(self, list)
   self.left_out = {}
   if not run_all(self, list) then stop_politely(self) end
   if not self.hopeless then return end
   if not self.has_result then console.fail("%s; nothing else is begun", self.hopeless) end
   console.warn("%s; the others go on, of which one has a result", self.hopeless)
   self.hopeless = nil
   if #self.left_out > 0 then do_runs(self, self.left_out) end
end

-- One round after the other, as the search decides by what has come out so far.
local function search(self)
   while true do
      local records = gather.all(self.folder, self.plan)
      local list = halving.next(self.plan, plan.runs(self.plan), records, self.failures, shown.unranked(self))
      if not list or #list == 0 then return end
      do_runs(self, list)
   end
end

local function train(self, missing)
   if self.plan.search == "halving" then return search(self) end
   local list = {}
   for i, run in ipairs(missing) do list[i] = { run = run } end
   if #list > 0 then do_runs(self, list) end
end

-- ---- the whole of it ----

local function fail_if_nothing(self, records)
   if not gather.is_empty(records) then return end
   local first, fitting = self.failures[1], false
   if not first then console.fail "no run has a result" end
   for _, failure in ipairs(self.failures) do
      fitting = fitting or not failure.message:find("did not fit the budget", 1, true)
   end
   if not fitting then console.fail("budget: no variant fits: %s", first.message) end
   console.fail("no run succeeded; the first: %s", first.message)
end

-- Whether what is done and what is missing stand beside each other.
local function check_results(self, records, missing)
   photos.check(self.given.set, self.folder, #missing == 0)
   local warning = #missing > 0 and threads.warning(records, jobs.threads(self))
   if warning then console.warn("%s", warning) end
end

-- What is gone on with keeps its photos; where the script splits them otherwise now, they are not the same.
local function hold_photos(self)
   local given, old = self.given, plan.read(self.folder)
   if not given.resume then return false, false end
   local is_split_anew = old and not given.folds
      and photos.are_split_otherwise(given.set, self.folder, old.split, given.overwrite)
   return not is_split_anew and photos.hold(given.set, self.folder), is_split_anew
end

-- What its runs leave behind speaks of photos as files.
local function refuse_crops(set)
   if not crops.has(crops.kind(set)) then return end
   console.fail "set: scute.experiment compares runs on whole photos, and these have boxes or masks; train.fit takes them"
end

local function conduct(self)
   local given = self.given
   refuse_crops(given.set)
   local is_held, is_split_anew = hold_photos(self)
   check_split(given.set, given)
   self.plan = plan.new(given, self.variants, self.axes)
   self.contents, self.unread = content.of(given), unread.new(self.variants)
   settle.plan(self.folder, self.plan, given, self.contents, { is_first = self.is_first, is_split_anew = is_split_anew })
   describe(self)
   local records, missing = gather.all(self.folder, self.plan, function(why) console.warn("%s; it is done again", why) end)
   if not is_held or gather.is_empty(records) then
      given.set.digests = nil -- what they are is for the first run to find
      split_file.save(given.set, self.folder)
   end
   self.has_result = not gather.is_empty(records)
   for _, list in pairs(records) do
      for _, found in ipairs(list) do
         learn_photos(self, found)
         self.unread:add(found)
      end
   end
   check_results(self, records, missing)
   train(self, missing)
   fail_if_nothing(self, (gather.all(self.folder, self.plan)))
   local tests = choice.wanted(self, shown.trial(self)._chosen)
   if #tests > 0 then
      photos.check(given.set, self.folder)
      do_runs(self, tests)
   end
   return shown.all(self)
end

local function report_only(self)
   local made, why = plan.read(self.folder)
   if not made then
      console.fail("output_dir: %s", why and why .. "; with --resume it is written anew"
         or ("'%s' holds no experiment (there is no %s in it)"):format(self.folder, plan.NAME))
   end
   self.plan, self.failures = made, failed.all(self.folder, made)
   local records = gather.all(self.folder, made, function(fault)
      console.warn("%s; left out, --resume does that run again", fault)
   end)
   if gather.is_empty(records) then console.fail("output_dir: there is no finished run in '%s/runs'", self.folder) end
   local found = shown.all(self)
   if found.missing > 0 and made.search == "all" then
      console.warn("%s missing; --resume finishes", console.count(found.missing, "run is", "runs are"))
   end
   return found
end

--- The trial that lies in the folder of an experiment, without training: of one that stands before another in a script, for a
-- run of that. list: its variants.
function parent.trial(given, list)
   local self = { given = given, variants = list, folder = parent.folder(given) }
   local made, why = plan.read(self.folder)
   if not made then console.fail("output_dir: %s", why or ("there is no experiment in '%s'"):format(self.folder)) end
   self.plan, self.failures = made, failed.all(self.folder, made)
   return shown.trial(self)
end

--- The folder of an experiment.
function parent.folder(given)
   local root = given.output_dir:gsub("(.)/+$", "%1")
   return given.name == "experiment" and root or root .. "/" .. given.name
end

--- Does all of an experiment. given: its options, checked; list, axes: its variants. more: { flag = with which its command
-- line goes on, is_first = whether it is the first one of the script }. Returns its trial.
function parent.run(given, list, axes, more)
   local self = { given = given, variants = list, axes = axes, folder = parent.folder(given), failures = {}, over = {},
      warned = {}, command = process.command(), command_alone = process.command(true), flag = more.flag,
      is_first = more.is_first }
   self.is_here = not self.command and not given.report_only
   if given.report_only then return report_only(self) end
   shown.check_rank(self)
   check_memory(self)
   check_folder(self.folder, given.set, given.overwrite or given.resume)
   local before = scute.on_interrupt "finish"
   local how <close> = setmetatable({}, { __close = function() scute.on_interrupt(before) end }) -- luacheck: ignore
   local held <close> = folder.hold(self.folder) -- luacheck: ignore
   return conduct(self)
end

return parent
