-- Stochastic gradient descent, as torch.optim.SGD does it.
local scute = require "scute.core"
local Optimizer = require "scute.optim.optimizer"

local function update(options, lr, batch)
   scute.sgd_step { params = batch.params, grads = batch.grads, momenta = options.momentum ~= 0 and batch.momentum or nil,
      found_inf = batch.found_inf, lr = lr, momentum = options.momentum, weight_decay = batch.weight_decay,
      dampening = options.dampening, nesterov = options.nesterov, first = batch.step == 1 }
end

local presets = { lr = false, momentum = 0, weight_decay = 0, dampening = 0, nesterov = false, decay_norms = false }

local function buffers(options)
   return options.momentum ~= 0 and { "momentum" } or {}
end

local class = { kind = "sgd", options = presets, buffers = buffers, update = update }

-- optim.sgd(parameters, { lr, momentum = 0, weight_decay = 0, dampening = 0, nesterov = false, decay_norms = false })
-- v = momentum v + (1 - dampening) g (the first time v = g), p -= lr v. `parameters` is model:groups { lr = }, a module
-- or a list of tensors. The decay is part of g; norms and biases (all vectors) are not decayed unless decay_norms = true,
-- which is what PyTorch does.
local function sgd(parameters, options)
   local optimizer = Optimizer.new(class, parameters, options)
   return optimizer
end

return { sgd = sgd }
