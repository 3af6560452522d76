-- RMSprop, as torch.optim.RMSprop does it (Tieleman and Hinton 2012; centered: Graves 2013).
local scute = require "scute.core"
local Optimizer = require "scute.optim.optimizer"

local function update(options, lr, batch)
   scute.rmsprop_step { params = batch.params, grads = batch.grads, square_avg = batch.square_avg,
      momenta = options.momentum ~= 0 and batch.momentum or nil, grad_avg = options.centered and batch.grad_avg or nil,
      found_inf = batch.found_inf, lr = lr, alpha = options.alpha, eps = options.eps, momentum = options.momentum,
      weight_decay = batch.weight_decay }
end

local presets = { lr = false, alpha = 0.99, eps = 1e-8, momentum = 0, weight_decay = 0, centered = false,
   decay_norms = true }

-- optim.rmsprop(parameters, { lr, alpha = 0.99, eps = 1e-8, momentum = 0, weight_decay = 0, centered = false,
-- decay_norms = true })
-- v = alpha v + (1 - alpha) g^2, p -= lr g / (sqrt(v) + eps); centered = true: the variance in place of v. `parameters` is
-- model:groups { lr = }, a module or a list of tensors. The decay is part of g and goes to norms and biases too, as in
-- PyTorch, unless decay_norms = false.
local function rmsprop(parameters, options)
   local buffers = { "square_avg" }
   if options and options.momentum and options.momentum ~= 0 then buffers[#buffers + 1] = "momentum" end
   if options and options.centered then buffers[#buffers + 1] = "grad_avg" end
   local class = { kind = "rmsprop", options = presets, buffers = buffers, update = update }
   return Optimizer.new(class, parameters, options)
end

return { rmsprop = rmsprop }
