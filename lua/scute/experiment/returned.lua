-- What `run` of an experiment may return: the result of train.fit, or figures and answers of its own.
local console = require "scute.base.console"
local measures = require "scute.train.measures"
local may_be = require("scute.experiment.metric").may_be
local part_text = require "scute.base.part_text"
local readable = require "scute.base.readable"

local returned = {}

local EXPECTED = "what train.fit returns, or a table { figures = { accuracy = 0.9 }, answers = records of evaluate.photos }"

local function is_records(answers)
   if type(answers) ~= "table" or #answers == 0 then return false end
   for _, answer in ipairs(answers) do
      if type(answer) ~= "table" or type(answer.path) ~= "string" or math.type(answer.truth) ~= "integer"
         or math.type(answer.predicted) ~= "integer" then
         return false
      end
   end
   return true
end

-- The photos that validate and have no answer, but for files that cannot be read.
local function unanswered(set, seen)
   local list = {}
   for _, path in ipairs(set.val.paths) do
      if not seen[path] and (set.samples or readable(path)) then list[#list + 1] = path end
   end
   return list
end

-- Answers are compared photo by photo with the other variants', so they are of those that validate, each once.
local function fault_of_answers(answers, set)
   local label_of, seen, classes = {}, {}, set.classes
   for i, path in ipairs(set.val.paths) do label_of[path] = set.val.labels[i] end
   for _, answer in ipairs(answers) do
      local path, label = answer.path, label_of[answer.path]
      if not label then return ("'%s' is no photo that validates in this run (context.set.val)"):format(path) end
      if seen[path] then return ("'%s' is answered twice"):format(path) end
      if answer.truth ~= label then
         return ("the class of '%s' is %d (%s) in context.set.val, found %d as its truth"):format(path, label, classes[label],
            answer.truth)
      elseif not classes[answer.predicted] then
         return ("'%s' is said to be of class %d, and there are %d classes"):format(path, answer.predicted, #classes)
      end
      seen[path] = true
   end
   local missing = unanswered(set, seen)
   if #missing == 0 then return end
   return ("there is none for '%s'%s, which %s too"):format(missing[1],
      #missing > 1 and (" and %d more"):format(#missing - 1) or "", #missing > 1 and "validate" or "validates")
end

local function fault_of_figures(figures, metric, lower)
   if type(figures) ~= "table" then return "figures: expected numbers by name, found " .. console.brief(figures) end
   for name, value in next, figures do
      if type(name) ~= "string" or type(value) ~= "number" or value ~= value then
         return ("figures: expected a number by its name, found %s = %s"):format(tostring(name), console.brief(value))
      elseif not may_be(name, value) then
         return ("figures: '%s' is a share, from 0 to 1, found %g%s"):format(name, value,
            value > 1 and value <= 100 and "; is it in percent?" or "")
      end
   end
   if figures[metric] and lower == nil and measures.sounds_lower(metric) then
      return ("figures: is less '%s' better? Say lower = true in scute.experiment, or lower = false where more is"):format(
         metric)
   end
end

-- What is wrong with a result that is not train.fit's; nil where nothing is.
local function fault_of(result, job, set)
   if type(result) ~= "table" then return ("expected %s, found %s"):format(EXPECTED, console.brief(result)) end
   if rawget(result, "history") then return "returned a result of train.fit that this run has not trained" end
   for key in next, result do
      if key ~= "figures" and key ~= "answers" then
         return ("expected %s, found a field '%s'"):format(EXPECTED, tostring(key))
      end
   end
   local answers, figures, metric = result.answers, result.figures or {}, job.metric
   if answers ~= nil and not is_records(answers) then return "answers: expected records as evaluate.photos returns them" end
   local fault = answers and fault_of_answers(answers, set)
   if fault then return "answers: " .. fault end
   local is_told = answers and (metric == "accuracy" or metric == "loss")
   return fault_of_figures(figures, metric, job.lower) or figures[metric] == nil and not is_told
      and ("figures: there is no '%s', by which variants are compared"):format(metric) or nil
end

--- The entry of train.fit's, among {run, result}, whose result `run` has returned; nil where it tells figures of its own, and
-- answers about the photos of `set` that validate. Anything else is an error at its line.
function returned.fit(job, run, result, fits, set)
   for _, fit in ipairs(fits) do
      if fit.result == result then return fit end
   end
   local fault = fault_of(result, job, set)
   if not fault and job.pause then
      fault = "returned figures of its own, and search = \"halving\" stops runs of train.fit; search = \"all\" takes them"
   end
   if fault then error(("%s: scute.experiment: run of '%s': %s"):format(part_text.place(run), job.variant, fault), 0) end
end

return returned
