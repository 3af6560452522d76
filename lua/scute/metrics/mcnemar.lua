-- McNemar's test (1947), exact: of the photos about which two models disagree, does either get more right than a coin would?
local by_path = require "scute.base.by_path"
local console = require "scute.base.console"

local FOUND = { __name = "scute.mcnemar", __tostring = function(found)
   return ("first alone right: %d, second alone: %d, of %s; p = %.3g"):format(found.only_first, found.only_second,
      console.count(found.photos, "photo"), found.p)
end }

-- The probability that n coins show `heads` or something as far from half, or farther.
local function both_tails(heads, n)
   local log_term, sum = -n * math.log(2), 0 -- of no head
   for k = 0, math.min(heads, n - heads) do
      sum = sum + math.exp(log_term)
      log_term = log_term + math.log((n - k) / (k + 1))
   end
   return math.min(1, 2 * sum)
end

local function partner_of(answer, place, others)
   local other = others[answer.path or place]
   local name = answer.path or "photo " .. place
   if not other then error(("metrics.mcnemar: '%s' is among the second answers only"):format(name), 3) end
   if other.truth ~= answer.truth then
      error(("metrics.mcnemar: '%s' is of class %s for the first and of %s for the second"):format(name, other.truth,
         answer.truth), 3)
   end
   return other
end

local function is_answers(value)
   return type(value) == "table" and type(value[1]) == "table" and value[1].truth ~= nil and value[1].predicted ~= nil
end

--- Whether two trained models differ by more than chance (of two ways to train, which differ from seed to seed too, a
-- comparison of several seeds or folds says that): two lists of answers about the same photos (`answers` of what train.fit
-- returns, or records of evaluate.photos), paired by path. Returns { only_first, only_second = photos that one of them alone
-- got right, photos, p = probability of a difference as large, or larger, between models that are equally good }.
return function(first, second)
   if not (is_answers(first) and is_answers(second)) then
      error("metrics.mcnemar: expected two lists of answers, as `answers` of what train.fit returns", 2)
   elseif #first ~= #second then
      error(("metrics.mcnemar: expected answers about the same photos, found %d and %d"):format(#first, #second), 2)
   end
   local of, found = by_path(first), setmetatable({ only_first = 0, only_second = 0, photos = #first }, FOUND)
   for i, answer in ipairs(second) do
      local other = partner_of(answer, i, of)
      local one, two = other.predicted == other.truth, answer.predicted == answer.truth
      found.only_first = found.only_first + (one and not two and 1 or 0)
      found.only_second = found.only_second + (two and not one and 1 or 0)
   end
   found.p = both_tails(found.only_first, found.only_first + found.only_second)
   return found
end
