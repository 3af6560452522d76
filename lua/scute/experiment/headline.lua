-- What a trial comes to, in a sentence or two: who is ahead, whether its test says that this is more than chance, and what the
-- figures are worth.
local console = require "scute.base.console"
local direction = require "scute.experiment.direction"

local headline = {}

local MOST = 4 -- variants that are named with their numbers
local WORTH = "; photos kept for a test, or nested folds, would say what the choice is worth"

-- "A, B and C".
local function listed(words)
   if #words < 2 then return words[1] or "" end
   return table.concat(words, ", ", 1, #words - 1) .. " and " .. words[#words]
end

-- "gradual by 3.1 points (-2.0 to +8.2)", of many the first few.
local function against(list, metric)
   local words = {}
   for i = 1, math.min(#list, MOST) do
      local pair = list[i]
      local ahead = pair.difference ~= 0 and " by " .. metric:amount(pair.difference) or ""
      words[i] = ("%s%s (%s)"):format(pair.second.name, ahead, metric:between(pair.low, pair.high))
   end
   if #list > MOST then words[MOST + 1] = ("%d more"):format(#list - MOST) end
   return listed(words)
end

-- The pairs of the first: those that the test tells from chance, the others, and those without a difference.
local function pairs_of(found, first)
   local apart, close, level = {}, {}, {}
   for _, pair in ipairs(found.pairs) do
      if pair.first == first then table.insert(pair.apart and apart or pair.difference ~= 0 and close or level, pair) end
   end
   return apart, close, level
end

-- "3 seeds", "5 folds".
local function runs_text(found)
   if found.nested then return ("%d outer folds of %d inner ones"):format(found.folds, found.nested) end
   return found.folds and ("%d folds"):format(found.folds) or console.count(found.seeds, "seed")
end

--- What the runs of each variant are, of a trial, a plan or options: "3 seeds", "2 outer folds of 3 inner ones".
headline.runs = runs_text

--- What can tell no difference: "44 photos", of figures that no photo has a part of "3 seeds".
function headline.units(found)
   return found.by_photo and console.count(found.photos, "photo") or runs_text(found)
end

--- What was tested, in a few words: "paired test over 44 photos and 3 seeds", and what a single seed leaves open.
function headline.test(found)
   if not found.by_photo then
      return ("paired test over %s; no photo has a part of its own in %s"):format(runs_text(found), found.metric.words)
   end
   local photos = console.count(found.photos, "photo")
   if found.folds then return ("paired test over %s in %s"):format(photos, runs_text(found)) end
   if found.seeds > 1 then return ("paired test over %s and %s"):format(photos, runs_text(found)) end
   return ("paired test over %s; one run of each, so what another seed would change is not in it"):format(photos)
end

--- What the numbers of a verdict are.
function headline.explain(found)
   local metric = found.metric
   local way = metric.direction or metric.lower and direction.words(true)
   return ("%s of %s%s; the intervals hold together at 95 %% for all pairs of variants (%s)."):format(
      metric.share and "Points" or "Differences", metric.words, way and ", of which " .. way or "",
      headline.test(found))
end

--- Who is ahead of whom, and what the test says of that: see scute.experiment.paired. nil where there is nothing to compare.
function headline.verdict(found)
   local first = found.ranked[1]
   if not first then return nil end
   local apart, close, level = pairs_of(found, first)
   local chance, words = {}, {}
   if #level > 0 then chance[1] = "level with " .. against(level, found.metric) end
   if #close > 0 then chance[#chance + 1] = "ahead of " .. against(close, found.metric) end
   if #chance > 0 then words[1] = ("%s, which %s cannot tell from chance"):format(listed(chance), headline.units(found)) end
   if #apart > 0 then words[#words + 1] = "better than " .. against(apart, found.metric) end
   if #words == 0 then return nil end
   return ("%s is %s"):format(first.name, table.concat(words, "; it is "))
end

local function interval(metric, of)
   return of.low and (" (%s)"):format(metric:interval(of.low, of.high)) or ""
end

--- The figure that counts, as a text of its own, and the words behind it: of the chosen variant on photos that chose nothing,
-- where there are such, else of the best on those that validated. nil where no run is done.
function headline.figure(found)
   local metric, best, test = found.metric, found.best, found.test
   if test then return metric:text(test.figure), ("%s: %s %s"):format(interval(metric, test), metric.words, test.words) end
   if not best then return nil end
   local on = found.photos > 0 and " on " .. console.count(found.photos, "photo") or ""
   return metric:text(best.figure), ("%s: %s of %s%s%s"):format(interval(metric, best), metric.words, best.name, on,
      best.unranked and (", which has no rank (%s)"):format(best.unranked) or "")
end

local function has_chosen_epoch(found)
   for _, row in ipairs(found.rows) do
      if row.best_epoch and (row.epochs or 0) > 1 then return true end
   end
   return false
end

-- How many variants were stopped early.
local function stopped_in(found)
   local count = 0
   for _, row in ipairs(found.rows) do count = count + (row.stopped_at and 1 or 0) end
   return count
end

--- What was chosen on the photos that the variants are compared on, and what that does to their figures: a list of sentences.
function headline.chosen(found)
   if found.worth then return found.worth end
   local what, lines, stopped = {}, {}, stopped_in(found)
   if has_chosen_epoch(found) then what[1] = "the best epoch of each run" end
   if #found.ranked + stopped > 1 and found.photos > 0 then what[#what + 1] = "the best variant" end
   if #what > 0 then
      lines[1] = ("%s %s chosen on the photos that validate, so figures there are optimistic%s."):format(
         (listed(what):gsub("^%l", string.upper)), #what == 1 and "was" or "were", found.test and "" or WORTH)
   end
   if stopped > 0 then
      lines[#lines + 1] = ("%s stopped early by what these photos said; the test is of those that ran whole, given that choice."
         ):format(console.count(stopped, "variant was", "variants were"))
   end
   return lines
end

return headline
