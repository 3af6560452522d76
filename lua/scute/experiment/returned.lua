-- What `run` of an experiment may return: the result of train.fit, or figures and answers of its own.
local console = require "scute.base.console"
local may_be = require("scute.experiment.metric").may_be
local part_text = require "scute.base.part_text"

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

local function fault_of_figures(figures)
   if type(figures) ~= "table" then return "figures: expected numbers by name, found " .. console.brief(figures) end
   for name, value in next, figures do
      if type(name) ~= "string" or type(value) ~= "number" or value ~= value then
         return ("figures: expected a number by its name, found %s = %s"):format(tostring(name), console.brief(value))
      elseif not may_be(name, value) then
         return ("figures: '%s' is a share, from 0 to 1, found %g%s"):format(name, value,
            value > 1 and value <= 100 and "; is it in percent?" or "")
      end
   end
end

-- What is wrong with a result that is not train.fit's; nil where nothing is.
local function fault_of(result, metric)
   if type(result) ~= "table" then return ("expected %s, found %s"):format(EXPECTED, console.brief(result)) end
   if rawget(result, "history") then return "returned a result of train.fit that this run has not trained" end
   for key in next, result do
      if key ~= "figures" and key ~= "answers" then
         return ("expected %s, found a field '%s'"):format(EXPECTED, tostring(key))
      end
   end
   local answers, figures = result.answers, result.figures or {}
   if answers ~= nil and not is_records(answers) then return "answers: expected records as evaluate.photos returns them" end
   local is_told = answers and (metric == "accuracy" or metric == "loss")
   return fault_of_figures(figures) or figures[metric] == nil and not is_told
      and ("figures: there is no '%s', by which variants are compared"):format(metric) or nil
end

--- The entry of train.fit's, among {run, result}, whose result `run` has returned; nil where it tells figures of its own.
-- Anything else is an error at its line.
function returned.fit(job, run, result, fits)
   for _, fit in ipairs(fits) do
      if fit.result == result then return fit end
   end
   local fault = fault_of(result, job.metric)
   if not fault and job.pause then
      fault = "returned figures of its own, and search = \"halving\" stops runs of train.fit; search = \"all\" takes them"
   end
   if fault then error(("%s: scute.experiment: run of '%s': %s"):format(part_text.place(run), job.variant, fault), 0) end
end

return returned
