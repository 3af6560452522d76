-- Stochastic gradient descent, as torch.optim.SGD does it.
local scute = require "scute.core"
local Optimizer = require "scute.optim.optimizer"

local function update(options, lr, batch)
   scute.sgd_step { params = batch.params, grads = batch.grads, momenta = options.momentum ~= 0 and batch.momentum or nil,
      found_inf = batch.found_inf, lr = lr, momentum = options.momentum, weight_decay = batch.weight_decay,
      dampening = options.dampening, nesterov = options.nesterov, first = batch.step == 1 }
end

local presets = { lr = false, momentum = 0, weight_decay = 0, dampening = 0, nesterov = false, decay_norms = true }
local with_momentum = { kind = "sgd", options = presets, buffers = { "momentum" }, update = update }
local without = { kind = "sgd", options = presets, buffers = {}, update = update }

-- optim.sgd(parameters, { lr, momentum = 0, weight_decay = 0, dampening = 0, nesterov = false, decay_norms = true })
-- v = momentum v + (1 - dampening) g (the first time v = g), p -= lr v. `parameters` is model:groups { lr = }, a module
-- or a list of tensors. The decay is part of g and goes to norms and biases too, as in PyTorch, unless
-- decay_norms = false.
local function sgd(parameters, options)
   local has_momentum = options and options.momentum and options.momentum ~= 0
   local optimizer = Optimizer.new(has_momentum and with_momentum or without, parameters, options)
   return optimizer
end

return { sgd = sgd }
