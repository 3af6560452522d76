-- The open set: photos of individuals that are in the gallery and of others; who is named, who is said to be new, and what the
-- probabilities are worth.
local metrics = require "scute.metrics"

-- Says of each answer how probable it is and whether the photo is said to be new.
local function decide(answers, calibration, threshold)
   for _, answer in ipairs(answers) do
      answer.probability = calibration:of(answer.similarity)
      if threshold then
         answer.new = answer.similarity < threshold
      else
         answer.new = answer.probability < 0.5
      end
   end
end

--- known: individuals in the gallery, a set. threshold: a similarity; nil: new is what is less probable than not.
return function(answers, known, calibration, threshold)
   decide(answers, calibration, threshold)
   local truth, predicted, probabilities, right, similarities, is_known, sum, n = {}, {}, {}, {}, {}, {}, 0.0, 0
   for i, answer in ipairs(answers) do
      truth[i], predicted[i] = answer.truth, not answer.new and answer.said
      probabilities[i], right[i], similarities[i] = answer.probability, answer.is_right, answer.similarity
      is_known[i], sum, n = answer.is_known, sum + answer.probability, n + (answer.is_right and 1 or 0)
   end
   local open, fields = metrics.balanced_open { truth = truth, predicted = predicted, known = known }, {}
   for name, value in pairs(open) do fields[name] = value end
   fields.threshold, fields.auc = threshold, metrics.roc(similarities, is_known).auc
   fields.calibration_error, fields.bins = metrics.calibration_error(probabilities, right)
   fields.mean, fields.right = sum / #answers, n / #answers
   return fields
end
