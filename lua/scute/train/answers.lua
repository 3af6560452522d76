-- What the model said about each photo that validated in the best epoch, so that statistics need no second pass: records as
-- evaluate.photos returns them.
local scute = require "scute"
local as_text = require "scute.evaluate.as_text"
local joined = require "scute.base.joined"

local answers = {}

local ROWS = 256 -- whose probabilities are numbers of Lua at a time

local Kept = {}
Kept.__index = Kept

--- Nothing yet, of one validation.
function answers.new()
   return setmetatable({ indices = {}, chunks = {} }, Kept)
end

--- One batch as scute.score tells it, whose logits are taken out of it.
function Kept:add(batch)
   local numbers = batch.indices:values()
   table.move(numbers, 1, #numbers, #self.indices + 1, self.indices)
   self.chunks[#self.chunks + 1], batch.logits = batch.logits, nil
end

--- The logits of all photos (n, classes); nil where there is none.
function Kept:whole()
   self.logits = self.logits or joined(self.chunks)
   self.chunks = {}
   return self.logits
end

--- A record of each photo, { path, truth, predicted, confidence, truth_probability, rank, loss } (see evaluate.record), with
-- logits = (n, classes), a row for each; nil where a run has validated nothing.
function answers.of(run)
   local kept = run.best and run.best.answers
   local logits = kept and kept:whole()
   if not logits then return nil end
   local part, records = run.set.val, {}
   for from = 1, #kept.indices, ROWS do
      local some <close> = scute.slice(logits, 1, from, math.min(from + ROWS - 1, #kept.indices))
      local wide <close> = some:to "f64"
      local shares <close> = wide:softmax(-1)
      for i, probabilities in ipairs(shares:totable()) do
         local index = kept.indices[from + i - 1]
         local record = scute.evaluate.record(probabilities, part.labels[index])
         record.path = part.paths[index]
         records[#records + 1] = record
      end
   end
   records.logits = logits
   return as_text.records(records)
end

--- The answers of the best epoch as a part of a run's state (see scute.train.state).
answers.part = { name = "answers" }

function answers.part.save(run)
   local kept = run.best and run.best.answers
   local logits = kept and kept:whole()
   return { indices = logits and kept.indices }, logits and { logits = logits }
end

function answers.part.load(run, data, tensors)
   if not data.indices or not run.best then return end
   local kept = answers.new()
   kept.indices, kept.logits = data.indices, tensors.logits
   run.best.answers = kept
end

return answers
