-- The photos of highest loss of one validation, for the report: found as the batches pass, so that it costs next to nothing.
local crops = require "scute.data.crops"

local worst = {}

local LIMIT = 12

local Worst = {}
Worst.__index = Worst

--- Nothing yet. part: what validates, { paths }; classes: names.
function worst.new(part, classes)
   return setmetatable({ part = part, classes = classes, list = {} }, Worst)
end

-- The entry of row i of the logits, with what was said instead.
local function entry_of(self, logits, i, truth, index, loss)
   local row <close> = logits[{ { i, i } }]
   local probabilities = row:to("f64"):softmax(-1):values()
   local best = 1
   for class, p in ipairs(probabilities) do
      if p > probabilities[best] then best = class end
   end
   return { path = self.part.paths[index], crop = crops.shown(self.part, index), truth = tostring(self.classes[truth]),
      predicted = tostring(self.classes[best]),
      loss = loss, probability = probabilities[best], truth_probability = probabilities[truth] }
end

--- One batch: logits (n, classes), each (n) loss, y and indices (n) of the photos in the part; all on the CPU.
function Worst:add(logits, each, y, indices)
   local losses, truths, numbers, list = each:values(), y:values(), indices:values(), self.list
   for i, loss in ipairs(losses) do
      local last = list[LIMIT]
      if loss == loss and (not last or loss > last.loss) then
         local at = #list + 1
         while at > 1 and list[at - 1].loss < loss do at = at - 1 end
         table.insert(list, at, entry_of(self, logits, i, truths[i], numbers[i], loss))
         list[LIMIT + 1] = nil
      end
   end
end

return worst
