-- Metrics that a name says, for train.fit { metrics = { "f1", "top2" } }: functions of what a model said about photos (see
-- docs/parts/metric.md), all of them better when higher.
local options = require "scute.base.options"

local named = {}

local function averaged(name)
   return function(seen) return seen.confusion:averages().macro[name] end
end

local METRICS = { f1 = averaged "f1", precision = averaged "precision", recall = averaged "recall",
   balanced = function(seen) return seen.confusion:balanced_accuracy() end }

local AT_ONCE = 100000 -- scores that are in a list of Lua's

-- How many classes come before class `class` by the scores at + 1 to at + n; of equal ones the first, as for a guess.
local function rank(scores, at, n, class)
   local own, before = scores[at + class], 0
   for j = 1, n do
      local score = scores[at + j]
      if score > own or score == own and j < class then before = before + 1 end
   end
   return before
end

-- The share of photos whose class is among the k of highest score.
local function top(k)
   return function(seen)
      local photos, n, right = #seen.truth, #seen.classes, 0
      local step = math.max(1, AT_ONCE // n)
      for from = 1, photos, step do
         local to = math.min(from + step - 1, photos)
         local part <close> = seen.logits:slice(1, from, to)
         local scores = part:values()
         for i = from, to do
            if rank(scores, (i - from) * n, n, seen.truth[i]) < k then right = right + 1 end
         end
      end
      return right / photos
   end
end

--- Names of such metrics, for completion and messages.
named.NAMES = { "f1", "precision", "recall", "balanced", "top2", "top5" }

--- The function of a name; nil where there is none.
function named.get(name)
   local k = type(name) == "string" and math.tointeger(tonumber(name:match "^top([1-9]%d*)$"))
   return k and top(k) or METRICS[name]
end

--- The end of a message about a name that is none of those known: the nearest, or all of them and what else there is to do.
function named.hint(name, known, otherwise)
   local hint = options.hint(name, known)
   return hint:find "%?$" and hint or hint .. "; " .. otherwise
end

--- Metrics as a text says them: "f1,top2" as a list of names. What is wrong is an error without a position.
function named.parse(text)
   local list = {}
   for name in text:gmatch "[^,%s]+" do
      if not named.get(name) then
         local hint = named.hint(name, named.NAMES, "one of yours is given in a script")
         error(("there is no metric '%s'%s"):format(name, hint), 0)
      end
      list[#list + 1] = name
   end
   if #list == 0 then error("expected names of metrics as in f1,top2, found none", 0) end
   return list
end

return named
