-- What a comparison comes to, in a sentence or two: who is ahead, and whether its test says that this is more than chance.
local console = require "scute.base.console"
local metrics = require "scute.metrics"

local headline = {}

local MOST = 4 -- models that are named with their numbers

local function points(share)
   return ("%+.1f"):format(100 * share)
end

-- "A, B and C".
local function listed(words)
   if #words < 2 then return words[1] or "" end
   return table.concat(words, ", ", 1, #words - 1) .. " and " .. words[#words]
end

-- "ResNet-50 by 3.1 points (-2.0 to +8.2)", of many the first few.
local function against(list)
   local words = {}
   for i = 1, math.min(#list, MOST) do
      local pair = list[i]
      local ahead = pair.difference > 0 and (" by %.1f points"):format(100 * pair.difference) or ""
      words[i] = ("%s%s (%s to %s)"):format(pair.second.name, ahead, points(pair.low), points(pair.high))
   end
   if #list > MOST then words[MOST + 1] = ("%d more"):format(#list - MOST) end
   return listed(words)
end

-- The pairs of the first: those that the test tells from chance, the others, and those without a difference.
local function pairs_of(found, first)
   local apart, close, level = {}, {}, {}
   for _, pair in ipairs(found.pairs) do
      if pair.first == first then table.insert(pair.apart and apart or pair.difference > 0 and close or level, pair) end
   end
   return apart, close, level
end

-- What has no rank has no interval yet: as if the photos were answered alike in all runs.
local function interval(entry, photos)
   if entry.low then return entry.low, entry.high end
   return metrics.interval(entry.accuracy * photos, photos)
end

--- How many of the photos the first model recognised, with the interval for that; nil where no run is done. Returns the share
-- as a text of its own, and the words behind it.
function headline.accuracy(found)
   local first = found.ranked[1] or found.unranked[1]
   if not first then return nil end
   local low, high = interval(first, found.photos)
   return ("%.1f %%"):format(100 * first.accuracy), ("(95 %% interval %.1f to %.1f %%) of %s were recognised by %s%s"):format(
      100 * low, 100 * high, console.count(found.photos, "photo"), first.name, first.unranked and ", which has no rank ("
      .. first.unranked .. ")" or "")
end

--- What was tested, in a few words: "paired test over 44 photos and 3 seeds", and what a single seed leaves open.
function headline.test(found)
   local photos = console.count(found.photos, "photo")
   if found.folds then return ("paired test over %s in %d folds"):format(photos, found.folds) end
   if found.seeds > 1 then return ("paired test over %s and %d seeds"):format(photos, found.seeds) end
   return ("paired test over %s; one seed, so what another would change is not in it"):format(photos)
end

--- What the numbers of a verdict are.
function headline.explain(found)
   return ("Points of accuracy; the intervals hold together at 95 %% for all pairs of models (%s)."):format(
      headline.test(found))
end

--- That the epochs of the runs were chosen on the photos that they are compared on; "" where there was nothing to choose.
function headline.chosen(made)
   if made.budget == "epochs=1" then return "" end
   return "The best epoch of each run was chosen on the same photos, so all accuracies are optimistic."
end

--- Who is ahead of whom, in points, and what the test says of that: see
-- scute.experiment.paired. nil where there is nothing to compare.
function headline.verdict(found)
   local first = found.ranked[1]
   if not first then return nil end
   local apart, close, level = pairs_of(found, first)
   local chance, words = {}, {}
   if #level > 0 then chance[1] = "level with " .. against(level) end
   if #close > 0 then chance[#chance + 1] = "ahead of " .. against(close) end
   if #chance > 0 then
      words[1] = ("%s, which %s cannot tell from chance"):format(listed(chance), console.count(found.photos, "photo"))
   end
   if #apart > 0 then words[#words + 1] = "better than " .. against(apart) end
   if #words == 0 then return nil end
   return ("%s is %s"):format(first.name, table.concat(words, "; it is "))
end

return headline
