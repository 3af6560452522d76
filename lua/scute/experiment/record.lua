-- What is left of a run of an experiment: result.json in its folder, and test.json of one whose model was tested on photos that
-- chose nothing. Both are written whole or not at all; what is read is checked, so that a file that was damaged or edited is a
-- run that is missing, and no wrong figure.
local console = require "scute.base.console"
local json_file = require "scute.base.json_file"
local scute = require "scute"
local shares = require "scute.experiment.shares"
local to_json = require "scute.base.json"

local record = {}

local FORMAT = 1

record.RESULT, record.TEST = "result.json", "test.json"

local ORDER = { "format", "state", "variant", "run", "seed", "fold", "inner", "content", "architecture", "weights", "metric",
   "lower", "figures", "best_epoch", "epochs", "updates", "stopped", "seconds", "images_per_second", "peak_memory",
   "parameters", "trainable", "parameters_1000", "multiply_adds", "latency", "image_size", "jobs", "threads", "device",
   "precision", "split", "unread", "model", "curve", "classes", "photos", "labels", "predicted", "values" }

-- ---- writing ----

--- Writes a record into the folder of its run. name: record.RESULT or record.TEST.
function record.write(folder, name, found)
   local text = { _order = ORDER, format = FORMAT }
   for key, value in pairs(found) do text[key] = value end
   console.guard("output_dir", scute.files.write, folder .. "/" .. name, to_json(text))
end

-- ---- reading ----

local function is_number(value)
   return type(value) == "number" and math.abs(value) < math.huge
end

local function is_whole(value)
   return type(value) == "number" and value >= 0 and value % 1 == 0
end

local function is_list(value, n, is)
   if type(value) ~= "table" or #value ~= n then return false end
   for i = 1, n do
      if not is(value[i]) then return false end
   end
   return true
end

local function is_text(value) return type(value) == "string" end

local function fault_of_answers(found)
   if found.photos == nil then return found.values ~= nil and "values without photos" or nil end
   local n = type(found.photos) == "table" and #found.photos or 0
   if n == 0 or not is_list(found.photos, n, is_text) then return "photos: expected a list of names" end
   local classes = type(found.classes) == "table" and #found.classes or 0
   local function is_class(value) return is_whole(value) and value >= 1 and value <= classes end
   for _, name in ipairs { "labels", "predicted" } do
      if not is_list(found[name], n, is_class) then return ("%s: expected %d classes"):format(name, n) end
   end
   for name, list in pairs(type(found.values) == "table" and found.values or {}) do
      if not is_list(list, n, is_number) then return ("values of %s: expected %d numbers"):format(tostring(name), n) end
   end
end

local function fault_of_figures(found)
   if type(found.figures) ~= "table" or next(found.figures) == nil then return "figures are missing" end
   for name, value in pairs(found.figures) do
      if type(name) ~= "string" or not is_number(value) then return ("figures: %s is no number"):format(tostring(name)) end
   end
   if not is_text(found.metric) or not found.figures[found.metric] then
      return ("figures: there is no %s"):format(tostring(found.metric))
   end
end

local function fault_of_curve(found)
   for i, row in ipairs(type(found.curve) == "table" and found.curve or {}) do
      if type(row) ~= "table" or row.epoch ~= i then return ("curve: entry %d is not that of epoch %d"):format(i, i) end
   end
end

-- What a result hangs on, which comes to be compared.
local function fault_of_content(found)
   if found.content ~= nil and type(found.content) ~= "table" then return "content: expected texts by name" end
   for name, text in pairs(found.content or {}) do
      if not is_text(name) or not is_text(text) then return "content: expected texts by name" end
   end
end

-- What it says beside figures and answers.
local function fault_of_costs(found)
   if found.model ~= nil and not is_text(found.model) then return "model: expected a folder" end
   for _, name in ipairs { "seconds", "images_per_second", "peak_memory", "parameters", "trainable", "parameters_1000",
      "multiply_adds", "latency", "image_size", "updates", "best_epoch" } do
      if found[name] ~= nil and not is_number(found[name]) then return name .. ": expected a number" end
   end
end

-- A search decides by how far a run has come.
local function fault_of_progress(found)
   if found.state == "tested" then return nil end
   if not is_whole(found.epochs) then return "epochs: expected a whole number" end
   local known = type(found.curve) == "table" and #found.curve or 0
   if found.state == "paused" and (found.epochs < 1 or known < found.epochs) then
      return "epochs: expected one at least, with their curve"
   end
end

local function fault_of_state(found, is_test)
   local state = found.state
   if is_test then return state ~= "tested" and "state: expected tested" or nil end
   return state ~= "finished" and state ~= "paused" and "state: expected finished or paused" or nil
end

-- run: whose it is to be, nil where anyone's.
local function fault_of_name(found, run)
   if not is_text(found.variant) or not is_text(found.run) then return "variant or run is missing" end
   if not run or found.variant == run.variant and found.run == run.run then return nil end
   return ("it is of '%s', %s, not of '%s', %s"):format(found.variant, found.run, run.variant, run.run)
end

local function fault_of(found, is_test, run)
   if found.format ~= FORMAT then
      return ("it has format %s, this program reads %d"):format(tostring(found.format), FORMAT)
   end
   return fault_of_state(found, is_test) or fault_of_name(found, run) or fault_of_figures(found) or fault_of_answers(found)
      or fault_of_curve(found) or fault_of_progress(found) or fault_of_content(found)
      or fault_of_costs(found)
end

--- The record in a file; nil and why where there is none, or it is none. run: { variant, run } whose it must be (nil:
-- anyone's).
function record.read(path, run)
   local found, why = json_file.read(path)
   if not found then return nil, why end
   local fault = fault_of(found, path:match "[^/]*$" == record.TEST, run)
   if fault then return nil, ("%s: %s"):format(path, fault) end
   return found
end

-- ---- what a run is measured by ----

--- The photos of answers (records as evaluate.photos returns them), as parallel lists { photos, labels, predicted }, and the
-- losses of those that have one.
function record.columns(answers)
   local columns, losses = { photos = {}, labels = {}, predicted = {} }, {}
   for i, answer in ipairs(answers) do
      columns.photos[i], columns.labels[i], columns.predicted[i] = answer.path, answer.truth, answer.predicted
      losses[i] = answer.loss
   end
   return columns, #losses == #answers and shares.are_finite(losses) and losses or nil
end

return record
