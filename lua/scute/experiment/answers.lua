-- What every run said of every photo, as data.
local columns = require "scute.base.columns"
local console = require "scute.base.console"
local known_fields = require "scute.base.known_fields"

local answers = {}

local SHOWN = 10 -- answers that are printed

local ANSWER = { __name = "scute.answer", __index = known_fields.reading("an answer of a trial", known_fields.set "loss") }

local function cells(answer)
   return { answer.photo, answer.variant, answer.run, answer.truth, answer.predicted, answer.right and "right" or "wrong",
      answer.loss and ("%.3f"):format(answer.loss) or "-" }
end

local LIST = { __name = "scute.answers", __tostring = function(list)
   local rows = { { "photo", "variant", "run", "is", "said", "", "loss" } }
   for i = 1, math.min(SHOWN, #list) do rows[#rows + 1] = cells(list[i]) end
   local more = #list > SHOWN and ("\n… %s more"):format(columns.thousands(#list - SHOWN)) or ""
   return ("%s of a trial\n%s%s"):format(console.count(#list, "answer"), columns.text(rows, { 1, 2, 3, 4, 5, 6 }), more)
end }

local function add(list, record, photo, classes)
   local losses = record.values and record.values.loss
   for i, path in ipairs(record.photos or {}) do
      if not photo or path == photo then
         local truth, predicted = record.labels[i], record.predicted[i]
         list[#list + 1] = setmetatable({ photo = path, variant = record.variant, run = record.run,
            truth = classes[truth] or truth, predicted = classes[predicted] or predicted, right = truth == predicted,
            loss = losses and losses[i] }, ANSWER)
      end
   end
end

local function check(list, photo)
   if photo == nil or #list > 0 then return end
   error(("answers: no run validated a photo '%s'; trial:answers() has all of them"):format(console.brief(photo)), 4)
end

--- What the runs of a trial said of a photo, or of all: see trial.lua.
function answers.of(trial, photo)
   local list = setmetatable({}, LIST)
   for _, row in ipairs(trial.rows) do
      for _, record in ipairs(row.results) do
         add(list, record, photo, record.classes or trial.plan.class_names or {})
      end
   end
   check(list, photo)
   return list
end

return answers
