-- What a run minimises: the cross entropy, with weights of classes or without, or a function of the user's.
local scute = require "scute"
local class_weights = require "scute.train.class_weights"
local is_tensor = require("scute.nn.module").is_tensor

local criterion = {}

--- Takes the option `loss` of a run, which becomes run.criterion (run.loss is the tensor of the moment), and class_weights,
-- which become a list.
function criterion.read(run)
   run.criterion, run.loss = run.loss, nil
   if run.criterion and run.class_weights then
      error("train.fit: class_weights are the cross entropy's; a loss of your own sees to them itself", 0)
   end
   run.class_weights = run.class_weights and class_weights.of(run.class_weights, run.set)
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

-- The same with weights of classes, as a part of the whole that counts `share`: losses added up, and weights.
local function shared_sums(run, logits, y, share)
   local total, weight = class_weights.sums(run.class_weights, logits, y, run.label_smoothing)
   if share == 1 then return total, weight end
   local part, part_weight = total * share, weight * share
   total:free()
   weight:free()
   return part, part_weight
end

-- The weighted mean; a mixed photo counts as `share` of one class and the rest of the other.
local function weighted(run, logits, batch)
   check_outputs(run, logits)
   local sums = { shared_sums(run, logits, batch.y, batch.partner and batch.share or 1) }
   if batch.partner then
      local own, weight, other, more = sums[1], sums[2], shared_sums(run, logits, batch.partner, 1 - batch.share)
      sums = { own + other, weight + more, own, weight, other, more }
   end
   local loss = sums[1] / sums[2]
   for _, tensor in ipairs(sums) do tensor:free() end
   return loss
end

--- The loss of a batch that trains, mixed (see scute.train.mix) or not.
function criterion.of_batch(run, logits, batch)
   if run.class_weights then return weighted(run, logits, batch) end
   if not batch.partner then return criterion.loss(run, logits, batch.y, run.label_smoothing) end
   local own <close> = criterion.loss(run, logits, batch.y, run.label_smoothing)
   local other <close> = criterion.loss(run, logits, batch.partner, run.label_smoothing)
   local left <close> = own * batch.share
   local right <close> = other * (1 - batch.share)
   return left + right
end

-- Classes of a whole batch are known without asking a GPU; mixing exchanges them within the batch.
local function weight_of(run, batch)
   if not batch.indices then
      local own = class_weights.sum(run.class_weights, batch.y:values())
      if not batch.partner then return own end
      return batch.share * own + (1 - batch.share) * class_weights.sum(run.class_weights, batch.partner:values())
   end
   local labels = {}
   for i, index in ipairs(batch.indices:values()) do labels[i] = run.set.train.labels[index] end
   return class_weights.sum(run.class_weights, labels)
end

--- How much the loss of a batch, or of a piece of one, counts beside that of others: its photos, or their weights.
function criterion.weight(run, batch)
   return run.class_weights and weight_of(run, batch) or batch.y:numel()
end

return criterion
