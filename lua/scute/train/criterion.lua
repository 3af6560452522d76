-- What a run minimises: the cross entropy, or a function of the user's.
local scute = require "scute"
local is_tensor = require("scute.nn.module").is_tensor

local criterion = {}

--- Takes the option `loss` of a run, which becomes run.criterion (run.loss is the tensor of the moment).
function criterion.read(run)
   run.criterion, run.loss = run.loss, nil
   if run.criterion and run.label_smoothing > 0 then
      error("train.fit: label_smoothing is the cross entropy's; a loss of your own sees to it itself", 0)
   end
end

local function check_outputs(run, logits)
   local outputs, classes = logits.shape[2], #run.set.classes
   if outputs ~= classes then
      error(("train.fit: the model has %d outputs and the photos have %d classes; models.create(name, { classes = "
         .. "set.classes }) gives it a head for them"):format(outputs, classes), 0)
   end
end

--- The mean loss of logits (n, classes) for classes y (n), a scalar. smoothing: of labels (default 0).
function criterion.loss(run, logits, y, smoothing)
   if not run.criterion then
      check_outputs(run, logits)
      return scute.cross_entropy(logits, y, { label_smoothing = smoothing or 0 })
   end
   local loss = run.criterion(logits, y)
   if not is_tensor(loss) or loss:numel() ~= 1 then
      error(("train.fit: loss: expected a tensor with one element from the function, found %s"):format(
         is_tensor(loss) and "shape (" .. table.concat(loss.shape, ", ") .. ")" or tostring(loss)), 0)
   end
   return loss
end

--- The loss of a batch that trains, mixed (see scute.train.mix) or not.
function criterion.of_batch(run, logits, batch)
   if not batch.partner then return criterion.loss(run, logits, batch.y, run.label_smoothing) end
   local own <close> = criterion.loss(run, logits, batch.y, run.label_smoothing)
   local other <close> = criterion.loss(run, logits, batch.partner, run.label_smoothing)
   local left <close> = own * batch.share
   local right <close> = other * (1 - batch.share)
   return left + right
end

return criterion
