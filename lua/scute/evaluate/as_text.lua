-- How what was asked of a model prints: scores, records, predictions, and the numbers of an evaluation.
local columns = require "scute.base.columns"
local console = require "scute.base.console"

local as_text = {}

local ROWS = 10

local function share(n) return ("%.3f"):format(n) end

local function percent(n) return ("%.1f %%"):format(100 * n) end

-- At most ROWS rows of a list below a heading, and how many more there are.
local function rows_text(heading, list, cells, left)
   local rows = { heading }
   for i = 1, math.min(ROWS, #list) do rows[#rows + 1] = cells(list[i]) end
   local text = columns.text(rows, left)
   return #list > ROWS and ("%s\n… %s more"):format(text, columns.thousands(#list - ROWS)) or text
end

local function unread(bad)
   return #bad > 0 and (", %s cannot be read"):format(console.count(#bad, "photo")) or ""
end

local function mean(list)
   local sum = 0
   for _, value in ipairs(list) do sum = sum + value end
   return sum / #list
end

-- What scute.score returns without `each`.
local function score_text(seen)
   if not seen.indices then return ("scored%s"):format(unread(seen.bad)) end
   local words = {}
   if #seen.guesses > 0 and #seen.y == #seen.guesses then
      local right = 0
      for i, class in ipairs(seen.y) do right = right + (seen.guesses[i] == class and 1 or 0) end
      words[#words + 1] = "accuracy " .. share(right / #seen.y)
   end
   if #seen.losses > 0 then words[#words + 1] = ("mean loss %.4f"):format(mean(seen.losses)) end
   local lines = { ("scores of %s%s%s"):format(console.count(#seen.indices, "photo"), #words > 0 and ": " .. table.concat(words,
      ", ") or "", unread(seen.bad)) }
   for _, name in ipairs { "guesses", "losses" } do
      if #seen[name] > 0 then lines[#lines + 1] = ("   %-9s %d"):format(name, #seen[name]) end
   end
   for _, name in ipairs { "logits", "features" } do
      if seen[name] then lines[#lines + 1] = ("   %-9s (%s)"):format(name, table.concat(seen[name].shape, ", ")) end
   end
   if seen.complete == false then lines[#lines + 1] = "   interrupted" end
   return table.concat(lines, "\n")
end

-- What evaluate.photos returns: a record of each photo.
local function records_text(records)
   if #records == 0 then return "records of no photo" end
   local right = 0
   for _, record in ipairs(records) do right = right + (record.predicted == record.truth and 1 or 0) end
   return ("records of %s: accuracy %s\n%s"):format(console.count(#records, "photo"), share(right / #records),
      rows_text({ "photo", "class", "said", "sure", "loss" }, records, function(r)
         return { r.path or "-", tostring(r.truth), tostring(r.predicted), percent(r.confidence), ("%.3f"):format(r.loss) }
      end, { 1 }))
end

-- What evaluate.summary returns.
local function summary_text(result)
   local interval = result.interval.accuracy
   local rows = {
      { "accuracy", share(result.accuracy), ("%g %% interval %s to %s"):format(100 * result.interval.level, share(interval[1]),
         share(interval[2])) },
      { "averaged over classes", share(result.balanced_accuracy) },
      { ("among the first %d"):format(result.top5.k), share(result.top5.accuracy) },
      { "macro F1", share(result.macro.f1) },
      { "log loss", share(result.log_loss) },
      { "calibration error", share(result.calibration_error) },
   }
   return ("evaluation of %s: accuracy %s\n%s\n%s"):format(console.count(result.photos, "photo"), share(result.accuracy),
      columns.text(rows, { 1, 3 }), tostring(result.confusion))
end

-- What predict.photos returns.
local function predictions_text(result)
   if #result.photos == 0 then return "predictions of no photo" .. unread(result.bad) end
   return ("predictions of %s%s\n%s"):format(console.count(#result.photos, "photo"), unread(result.bad),
      rows_text({ "photo", "class", "sure", "or", "" }, result.photos, function(photo)
         local first, second = photo.top[1], photo.top[2]
         return { photo.path, first.class, percent(first.probability), second and second.class or "-",
            second and percent(second.probability) or "" }
      end, { 1, 2, 4 }))
end

local function printing_as(name, text)
   local meta = { __name = name, __tostring = text }
   return function(value) return setmetatable(value, meta) end
end

--- What scute.score, evaluate.photos, evaluate.summary and predict.photos return, as tables that print so.
as_text.score = printing_as("scute.score", score_text)
as_text.records = printing_as("scute.records", records_text)
as_text.summary = printing_as("scute.evaluation", summary_text)
as_text.predictions = printing_as("scute.predictions", predictions_text)

return as_text
