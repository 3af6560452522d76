-- What a run minimises: the cross entropy, with weights of classes or without, or a function of the user's (see
-- docs/parts/loss.md).
local scute = require "scute"
local console = require "scute.base.console"
local class_weights = require "scute.train.class_weights"
local exact = require "scute.train.exact"
local is_tensor = require("scute.nn.module").is_tensor

local criterion = {}

-- A table that is called as a function may have a state, and describe itself.
local function check_fields(loss)
   local function expect(good, text, ...)
      if not good then error(("train.fit: loss: " .. text):format(...), 0) end
   end
   for _, name in ipairs { "save", "load", "describe" } do
      local value = loss[name]
      expect(value == nil or type(value) == "function", "%s: expected a function, found %s", name, tostring(value))
   end
   expect((loss.save == nil) == (loss.load == nil), "it has '%s' and no '%s'; a run that goes on needs both",
      loss.save and "save" or "load", loss.save and "load" or "save")
   if loss.save then
      local plain, why = pcall(exact.check, (loss:save()) or {})
      expect(plain, "save: %s", why)
   end
end

--- Takes the option `loss` of a run, which becomes run.criterion (run.loss is the tensor of the moment).
function criterion.read(run)
   run.criterion, run.loss = run.loss, nil
   if not run.criterion then return end
   if run.class_weights then
      error("train.fit: class_weights are the cross entropy's; a loss of your own sees to them itself", 0)
   end
   if run.label_smoothing > 0 then
      error("train.fit: label_smoothing is the cross entropy's; a loss of your own sees to it itself, as in "
         .. "logits:cross_entropy(y, { label_smoothing = 0.1 })", 0)
   end
   if type(run.criterion) == "table" then check_fields(run.criterion) end
end

--- Makes class_weights of a run a list (run.balanced_weights: whether the library chose them). The photos of the run are known.
function criterion.weigh(run)
   run.balanced_weights = run.class_weights == "balanced"
   run.class_weights = run.class_weights and class_weights.of(run.class_weights, run.set)
end

--- The state of a loss that has one, as a part of a run's state (see scute.train.state); nil where there is none.
function criterion.part(run)
   local loss = run.criterion
   if type(loss) ~= "table" or not loss.save then return nil end
   return { name = "loss", alike = true, save = function() return loss:save() end,
      load = function(_, data, tensors) loss:load(data, tensors) end }
end

--- Fails where the loss has a state, which would be another one in each of the processes that share the photos of a batch, and
-- of which a checkpoint holds that of the first.
function criterion.check_shared(run)
   local loss = run.criterion
   if not run.shared or type(loss) ~= "table" or not loss.save then return end
   console.fail("%sthe loss (%s) has a state, and each of the %d processes would call it with its own photos alone; start one "
      .. "process alone", run.ordered and "--ordered: " or "", loss.name or "a table", scute.world.size)
end

local function shape_text(tensor)
   return "shape (" .. table.concat(tensor.shape, ", ") .. ")"
end

-- What a loss of the user's gives.
local function of_own(run, logits, y)
   local loss = run.criterion(logits, y)
   if not is_tensor(loss) or loss:numel() ~= 1 then
      error(("train.fit: loss: expected a tensor with one element from the function, found %s"):format(is_tensor(loss)
         and shape_text(loss) .. "; the mean over the photos is :mean()" or tostring(loss)), 0)
   end
   return loss
end

-- What it gives for logits of 0 and a batch in which the classes take turns, which comes so many times over; nil and why where
-- it gives none. Random numbers stay as they were.
local function try(run, times)
   local classes, n, y, state = #run.set.classes, math.min(run.batch_size, #run.set.train.paths), {}, scute.rng_state()
   for i = 1, times * n do y[i] = (i - 1) % n % classes + 1 end
   local logits = scute.zeros({ #y, classes }, { device = run.device }):requires_grad_()
   local ok, loss = pcall(of_own, run, logits, scute.tensor(y, { dtype = "i64", device = run.device }))
   scute.rng_state(state)
   if ok then return loss end
   return nil, loss
end

local ROUNDING = 1e-3

-- Fails where a batch that comes twice over counts twice. What a loss makes of a larger batch otherwise is its own affair.
local function check_mean(run, loss)
   local doubled = try(run, 2)
   if not doubled then return end
   local once, twice = loss:item(), doubled:item()
   if math.abs(twice - 2 * once) <= ROUNDING * math.abs(once) and once ~= 0 then
      error(("train.fit: loss: expected the mean over the photos, found a sum: it is %g for a batch and %g for the same batch "
         .. "twice over; the mean is :mean(), or reduction = \"mean\""):format(once, twice), 0)
   end
end

--- Fails where a loss of the user's gives no number with a gradient, or a sum over the photos. Where there is no memory for
-- that, training knows how to do with.
function criterion.check(run)
   if not run.criterion then return end
   local loss, why = try(run, 1)
   if not loss then
      if scute.error_kind(why) ~= "out of memory" then error(why, 0) end
      return
   end
   if not loss.requires_grad then
      error("train.fit: loss: expected a tensor that depends on the logits, found one without a gradient; it is to be computed "
         .. "by methods of tensors alone (item() and values() give plain numbers), and not within scute.no_grad", 0)
   end
   check_mean(run, loss)
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
   return of_own(run, logits, y)
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
