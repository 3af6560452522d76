-- What lies in the folder of an experiment already: nothing, an older trial, which is moved aside, dropped or gone on with, or
-- something else. A trial that goes on keeps the runs whose content is what it would be now; what has changed is refused by
-- name.
local lfs = require "lfs"
local console = require "scute.base.console"
local content = require "scute.experiment.content"
local folder = require "scute.train.folder"
local json_file = require "scute.base.json_file"
local plan = require "scute.experiment.plan"
local record = require "scute.experiment.record"
local replaced = require "scute.experiment.replaced"
local sorted_keys = require "scute.base.sorted_keys"
local split_file = require "scute.data.split_file"

local settle = {}

-- ---- the folder ----

local function exists(path)
   return lfs.attributes(path, "mode") ~= nil
end

-- The folders of scute before there were experiments: what is in them tells no variant.
local function refuse_older_format(path)
   local is_comparison = exists(path .. "/plan.json")
   if not is_comparison and not exists(path .. "/settings.json") then return end
   console.fail("output_dir: '%s' holds a %s in the format of an earlier scute (%s.json), which cannot be gone on with; move "
      .. "it away, or choose another --output_dir", path, is_comparison and "comparison" or "table of practices",
      is_comparison and "plan" or "settings")
end

local function remove_tree(path)
   if lfs.symlinkattributes(path, "mode") == "directory" then
      for name in lfs.dir(path) do
         if name ~= "." and name ~= ".." then remove_tree(path .. "/" .. name) end
      end
   end
   local removed, why = os.remove(path)
   if not removed then console.fail("output_dir: %s", why) end
end

-- What a trial writes beside its runs, as patterns; the rest in its folder is the user's, and stays.
local FILES = { "experiment%.json", "split%.csv", "results%.csv", "comparison%.%a+", "report%.html", "curves%.png",
   "grid%.png" }

local function drop(path)
   console.line("note: the trial that was in %s is dropped (--overwrite)", path)
   for name in lfs.dir(path) do
      local is_ours = name == "runs" or name == "tensorboard"
      for _, pattern in ipairs(FILES) do is_ours = is_ours or name:find("^" .. pattern .. "$") ~= nil end
      if is_ours then remove_tree(path .. "/" .. name) end
   end
end

-- ---- what has changed ----

-- What was written for a run: its content, and its record where it has one; nil where there is nothing.
local function left_by(path, run)
   local at = plan.folder(path, run)
   local found = record.read(at .. "/result.json")
   if found then return found.content or {}, found end
   local job = json_file.read(at .. "/job.json")
   return job and job.content or nil
end

local IN_EVERY_RUN = { accuracy = true, loss = true } -- what is known of each photo, by whatever metric a run was compared

local function fault_of_metric(found, metric)
   if found.figures[metric] and (IN_EVERY_RUN[metric] or found.metric == metric) then return nil end
   return ("metric was %s there, is %s now"):format(tostring(found.metric), metric)
end

local function begin_anew(path, run)
   local at = plan.folder(path, run)
   if exists(at) then remove_tree(at) end
end

-- Notes a change of a variant's runs. changes: text -> set of variants; in order: the texts.
local function note(changes, variant, text)
   if not changes[text] then
      changes[text] = {}
      changes[#changes + 1] = text
   end
   changes[text][variant] = true
end

-- Changes that all variants share are told without them. done: the variants that have results.
local function told(changes, done)
   local lines, names = {}, sorted_keys(done)
   for i, text in ipairs(changes) do
      local of = sorted_keys(changes[text])
      local others = #of > 1 and (" and %d more"):format(#of - 1) or ""
      lines[i] = #of == #names and text or ("%s ('%s'%s)"):format(text, of[1], others)
   end
   return content.told(lines)
end

-- What is told of the photos: of another split that.
local function told_of_photos(found, made)
   if not found or not found.split or found.split == made.split then return nil end
   return { data = ("split was %s there, is %s now"):format(found.split, made.split) }
end

-- Runs whose content is another than what is written of them: those that have a result, what has changed in these, as text, and
-- those that have none, whose checkpoints are no use.
local function find_changed(path, made, contents)
   local list, unfinished, changes, done = {}, {}, {}, {}
   for _, run in ipairs(plan.runs(made)) do
      local there, found = left_by(path, run)
      local faults = there and content.changes(there, content.run(contents, run, made.seed), contents.places,
         told_of_photos(found, made)) or {}
      if found then
         done[run.variant] = true
         faults[#faults + 1] = fault_of_metric(found, made.metric)
         for _, text in ipairs(faults) do note(changes, run.variant, text) end
      end
      if #faults > 0 then table.insert(found and list or unfinished, run) end
   end
   return list, #list > 0 and told(changes, done) or nil, unfinished
end

-- Other folds are other runs, which nothing that lies there fits.
local function fault_of_plan(old, made)
   local function words(of)
      if not of.folds then return ("%s"):format(console.count(of.seeds, "seed")) end
      return of.nested and ("%d folds of %d"):format(of.folds, of.nested) or ("%d folds"):format(of.folds)
   end
   if old.folds == made.folds and old.nested == made.nested then return nil end
   return ("it has %s there and %s now"):format(words(old), words(made))
end

local function resume(path, old, made, contents, overwrite)
   local fault = old and fault_of_plan(old, made)
   if fault and not overwrite then
      console.fail("output_dir: '%s' holds another experiment: %s; choose another --output_dir, or do without --resume, which "
         .. "moves it aside", path, fault)
   end
   if fault and exists(path .. "/runs") then remove_tree(path .. "/runs") end
   local changed, words, unfinished = find_changed(path, made, contents)
   if words and not overwrite then
      console.fail("resume: '%s' holds results that do not fit: %s; --overwrite beside --resume does those runs anew (%d), and "
         .. "without --resume all begin anew", path, words, #changed)
   end
   for _, list in ipairs { changed, unfinished } do
      for _, run in ipairs(list) do begin_anew(path, run) end
   end
   if words then console.line("note: %s anew: %s", console.count(#changed, "run begins", "runs begin"), words) end
end

-- Variants that the script does not have any more keep their runs, and are not compared.
local function tell_of_others(old, made)
   local here, gone = {}, {}
   for _, variant in ipairs(made.variants) do here[variant.name] = true end
   for _, variant in ipairs(old.variants) do
      if not here[variant.name] then gone[#gone + 1] = ("'%s'"):format(variant.name) end
   end
   if #gone > 0 then
      console.line("note: %s not among the variants any more; the runs stay in the folder and are not compared",
         table.concat(gone, ", ", 1, math.min(#gone, 5)) .. (#gone == 1 and " is" or " are"))
   end
end

--- Whether there is a trial in a folder that a run with `resume` could go on with.
function settle.has_trial(path)
   return exists(path .. "/" .. plan.NAME) or exists(path .. "/runs")
end

--- Brings a new plan together with what the folder holds already, and writes it. held: as scute.train.folder holds the folder.
-- given: the options, of which resume and overwrite count. contents: what content.of returns. more: { is_first = whether it is
-- the first experiment of its script; those behind it may not have begun, is_split_anew = whether the split that lies there is
-- over }. May fail; then nothing is written.
function settle.plan(path, held, made, given, contents, more)
   refuse_older_format(path)
   local old, why = plan.read(path)
   local is_replaced = old and not given.resume and replaced(path, old.watched)
   if given.resume and not settle.has_trial(path) and more.is_first then
      console.fail("output_dir: there is nothing to resume in '%s'; leave --resume out to begin", path)
   elseif given.resume then
      if why then console.warn("%s; it is written anew", why) end
      resume(path, old, made, contents, given.overwrite)
      if old then tell_of_others(old, made) end
      if more.is_split_anew then os.remove(path .. "/" .. split_file.NAME) end -- before a plan that says otherwise
   elseif settle.has_trial(path) and not is_replaced then
      if given.overwrite then drop(path) else folder.set_aside(path, held, "trial") end
   end
   made.watched = folder.mark()
   plan.write(path, made)
end

return settle
