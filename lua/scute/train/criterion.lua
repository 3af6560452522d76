-- What a run minimises: the cross entropy, or a function of the user's.
local scute = require "scute"
local is_tensor = require("scute.nn.module").is_tensor

local criterion = {}

--- Takes the option `loss` of a run, which becomes run.criterion (run.loss is the tensor of the moment).
function criterion.read(run)
   local loss = run.loss
   run.criterion, run.loss = loss, nil
   if not loss then return end
   local class = getmetatable(loss)
   if type(loss) ~= "function" and not (class and class.__call) then
      error(("train.fit: loss: expected a function f(logits, y), found %s"):format(tostring(loss)), 4)
   end
   if run.label_smoothing > 0 then
      error("train.fit: label_smoothing is the cross entropy's; a loss of your own sees to it itself", 4)
   end
end

--- The mean loss of logits (n, classes) for classes y (n), a scalar. smoothing: of labels (default 0).
function criterion.loss(run, logits, y, smoothing)
   if not run.criterion then return scute.cross_entropy(logits, y, { label_smoothing = smoothing or 0 }) end
   local loss = run.criterion(logits, y)
   if not is_tensor(loss) or loss:numel() ~= 1 then
      error(("train.fit: loss: expected a tensor with one element from the function, found %s"):format(
         is_tensor(loss) and "shape (" .. table.concat(loss.shape, ", ") .. ")" or tostring(loss)), 0)
   end
   return loss
end

return criterion
