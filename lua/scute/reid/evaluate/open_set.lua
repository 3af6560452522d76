-- The open set: photos of individuals that are in the gallery and of others; who is named, who is said to be new, and what the
-- probabilities are worth.
local metrics = require "scute.metrics"

-- Each query again, its own individual left out of the gallery: to what is left it is a new one.
local function made_new(queries, gallery)
   local rows_of, names, list = {}, {}, {}
   for i, row in ipairs(gallery.rows) do
      rows_of[row.identity] = rows_of[row.identity] or {}
      table.insert(rows_of[row.identity], i)
      names[i] = row.identity
   end
   local nobody = {}
   for q = 1, #queries.rows do nobody[q] = false end
   local found = metrics.retrieval { queries = queries.x, gallery = gallery.x, query_labels = nobody, gallery_labels = names,
      keep = 1, exclude = function(q) return rows_of[queries.rows[q].identity] end }
   for q, row in ipairs(queries.rows) do
      local first = found.nearest[q][1]
      if first then
         list[#list + 1] = { truth = "\0" .. row.identity, said = names[first.row], similarity = first.similarity,
            is_known = false, is_right = false }
      end
   end
   return list
end

-- Says of each answer how probable it is and whether the photo is said to be new.
local function decide(answers, o)
   for _, answer in ipairs(answers) do
      answer.probability = o.calibration:of(answer.similarity)
      answer.likelier = answer.probability >= 0.5
      if o.threshold then answer.new = answer.similarity < o.threshold else answer.new = not answer.likelier end
   end
end

-- metrics.balanced_open where named(answer) says who is not new.
local function balanced(answers, known, named)
   local truth, predicted = {}, {}
   for i, answer in ipairs(answers) do truth[i], predicted[i] = answer.truth, named(answer) and answer.said end
   return metrics.balanced_open { truth = truth, predicted = predicted, known = known }
end

-- The figures about probabilities.
local function add_probabilities(fields, answers)
   local probabilities, right, similarities, is_known, sum, n = {}, {}, {}, {}, 0.0, 0
   for i, answer in ipairs(answers) do
      probabilities[i], right[i], similarities[i] = answer.probability, answer.is_right, answer.similarity
      is_known[i], sum, n = answer.is_known, sum + answer.probability, n + (answer.is_right and 1 or 0)
   end
   fields.auc = metrics.roc(similarities, is_known).auc
   fields.calibration_error, fields.bins = metrics.calibration_error(probabilities, right)
   fields.mean, fields.right = sum / #answers, n / #answers
end

--- answers: of all queries, which get `probability` and `new`. known: individuals in the gallery, a set. o: { calibration,
-- threshold = a similarity; nil: new is what is less probable than not }.
return function(queries, gallery, answers, known, o)
   decide(answers, o)
   local all, is_made = answers, true
   for _, answer in ipairs(answers) do is_made = is_made and answer.is_known end
   if is_made then
      local made = made_new(queries, gallery)
      decide(made, o)
      all = table.move(made, 1, #made, #answers + 1, table.move(answers, 1, #answers, 1, {}))
   end
   local fields = { threshold = o.threshold, made = is_made,
      likelier = balanced(all, known, function(a) return a.likelier end) }
   for name, value in pairs(balanced(all, known, function(a) return not a.new end)) do fields[name] = value end
   add_probabilities(fields, all)
   return fields
end
