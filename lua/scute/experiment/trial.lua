-- What an experiment comes to, as scute.experiment returns it: a row for each variant, which differences are real, and every
-- answer as data. It prints as a table, what can be said, and where the files are.
local answers = require "scute.experiment.answers"
local by_run = require "scute.experiment.by_run"
local choice = require "scute.experiment.choice"
local chosen = require "scute.experiment.chosen"
local direction = require "scute.experiment.direction"
local failed = require "scute.experiment.failed"
local known_fields = require "scute.base.known_fields"
local metric_of = require("scute.experiment.metric").of
local paired = require "scute.experiment.paired"
local rows = require "scute.experiment.rows"
local surplus = require "scute.base.surplus"
local tell = require "scute.experiment.tell"
local values = require "scute.experiment.values"

local trial = {}

-- What a trial may be without; those that are always there are named for messages.
local FIELDS = known_fields.set [[seeds folds nested best test times title worth folder answers name rows ranked unranked pairs
   photos failures missing metric plan by_photo]]
local Trial = { __name = "scute.trial", __tostring = tell.text }
Trial.__index = Trial
setmetatable(Trial, { __index = known_fields.reading("a trial of scute.experiment", FIELDS) })

--- What the runs said of a photo that validated (its path), or of all: a list of { photo, variant, run, truth, predicted (names
-- of classes), right, loss }, variant by variant, the best first.
function Trial:answers(photo, ...)
   surplus.refuse("trial:answers(photo)", "one photo, or none for all of them", ...)
   return answers.of(self, photo)
end
surplus.refused_by(Trial.answers)

-- Whether each photo's part of the metric is known in all runs.
local function is_by_photo(records, name)
   for _, list in pairs(records) do
      if #list > 0 and not values.are_known(list, name) then return false end
   end
   return true
end

-- Of one variant: photos is how many there are; nil where its runs are the unit.
local function interval_of(runs, metric, photos, o)
   if photos then
      local low, high = paired.interval(runs, photos, o)
      return metric:within(low, high, values.least(runs))
   end
   local low, high = by_run.interval(runs, o)
   return metric:within(low, high, math.min(table.unpack(runs)))
end

-- Adds to the ranked rows their intervals and returns what the pairs say. The answers of each photo are the unit, or, of
-- figures that no photo has a part of, the runs.
local function test(ranked, metric, by_photo, folds)
   if #ranked == 0 then return {} end
   local numbers, variants, o = values.numbers(), {}, metric:bounds(folds)
   for v, row in ipairs(ranked) do
      variants[v] = by_photo and values.of(row.results, metric.name, numbers) or row._figures
   end
   for v, row in ipairs(ranked) do
      row.low, row.high = interval_of(variants[v], metric, by_photo and numbers[1], o)
   end
   local found = by_photo and paired.compare(variants, numbers[1], o) or by_run.compare(variants, o)
   for _, pair in ipairs(found) do pair.first, pair.second = ranked[pair.first], ranked[pair.second] end
   return found
end

-- Why the times of the runs do not compare; nil where they do.
local function why_times_differ(all)
   local jobs, threads
   for _, row in ipairs(all) do
      for _, record in ipairs(row.results) do
         if (record.jobs or 1) > 1 then return ("%d runs went on at once"):format(record.jobs) end
         if jobs and (record.jobs or 1) ~= jobs then return "not all runs were alone" end
         if threads and record.threads and record.threads ~= threads then return "the runs had different numbers of threads" end
         jobs, threads = record.jobs or 1, threads or record.threads
      end
   end
end

-- Runs that are still to come: of those that were stopped no more are wanted, and those that failed have ended.
local function missing_of(all, failures, is_search)
   local missing = 0
   for _, row in ipairs(all) do
      local own = row.stopped_at and 0 or row.wanted - row.runs + row._paused
      missing = missing + own - failed.count(failures, row.name, own, is_search)
   end
   return missing
end

local function photos_of(all)
   local row = all[1]
   if not row or row.runs == 0 then return 0 end
   local seen, photos = {}, 0
   for _, record in ipairs(row.results) do
      for _, photo in ipairs(record.photos or {}) do
         if not seen[photo] then seen[photo], photos = true, photos + 1 end
      end
   end
   return photos
end

-- The best of those that ran whole; of a trial in which none did the best so far, if there is one that may have a rank.
local function first_of(all, ranked)
   if ranked[1] then return ranked[1] end
   for _, row in ipairs(all) do
      if row.figure and not row._own_reason then return row end
   end
   return all[1] and all[1].figure and all[1] or nil
end

--- plan: an experiment's. records: name of a variant -> list of what its runs found (a record may have `test`, what it said
-- about photos that chose nothing). failures: list of them (see scute.experiment.failed). more: { folder, rank =
-- function(options, row) -> why a variant has no rank, stopped = by variant { epoch, why }; where others know: title, times =
-- why they do not compare, worth = sentences on what the figures are worth,
-- untested = whether these photos can say nothing of which is better }.
-- Returns { name, folder, rows (the best first), ranked, unranked, pairs (see scute.experiment.paired.compare; first and second
-- are rows), photos (how many validated), seeds or folds, failures, missing (how many runs), best (a row), test (see
-- scute.experiment.chosen), times (why they do not compare; nil where they do), metric, plan }.
function trial.of(plan, records, failures, more)
   more = more or {}
   local metric, by_photo = metric_of(plan.metric, direction.is_lower(plan, records)), is_by_photo(records, plan.metric)
   local wanted = plan.folds and plan.folds * (plan.nested or 1) or plan.seeds
   local all, ranked, unranked = rows.of(plan.variants, { metric = metric, wanted = wanted, by_photo = by_photo },
      { records = records, failures = failures, stopped = more.stopped, rank = more.rank })
   local by_fold = choice.of(plan, all, ranked, metric, more.rank)
   local pairs_of_rows = test(ranked, metric, by_photo, plan.folds ~= nil)
   local found = { name = plan.name, folder = more.folder, rows = all, ranked = ranked, unranked = unranked, metric = metric,
      pairs = more.untested and {} or pairs_of_rows, by_photo = by_photo, photos = photos_of(all), plan = plan,
      seeds = not plan.folds and plan.seeds or nil, folds = plan.folds, nested = plan.nested, failures = failures,
      missing = missing_of(all, failures, plan.search == "halving"), best = first_of(all, ranked), _chosen = by_fold,
      test = chosen.of(all, metric, plan, by_fold, wanted),
      times = more.times or why_times_differ(all), title = more.title, worth = more.worth }
   return setmetatable(found, Trial)
end

return trial
