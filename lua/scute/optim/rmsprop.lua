-- RMSprop, as torch.optim.RMSprop does it (Tieleman and Hinton 2012; centered: Graves 2013).
local scute = require "scute.core"
local Optimizer = require "scute.optim.optimizer"

local function update(options, lr, batch)
   scute.rmsprop_step { params = batch.params, grads = batch.grads, square_avg = batch.state.square_avg,
      momenta = batch.state.momentum, grad_avg = batch.state.grad_avg, found_inf = batch.found_inf, lr = lr,
      alpha = options.alpha, eps = options.eps, momentum = options.momentum, weight_decay = batch.weight_decay }
end

local declaration = Optimizer.declare("rmsprop", 0, {
   Optimizer.share("alpha", 0.99, "decay of the mean of squared gradients"),
   { "eps", number = true, min = 0, default = 1e-8, help = "added to the root of that" },
   Optimizer.share("momentum", 0, "share of the step before"),
   { "centered", flag = true, default = false, help = "the variance in place of the mean of squares" },
})

local function buffers(options)
   local names = { "square_avg" }
   if options.momentum ~= 0 then names[#names + 1] = "momentum" end
   if options.centered then names[#names + 1] = "grad_avg" end
   return names
end

local class = { kind = "rmsprop", declaration = declaration, buffers = buffers, update = update }

-- optim.rmsprop(parameters, { lr = 1e-2 })
-- v = alpha v + (1 - alpha) g^2, p -= lr g / (sqrt(v) + eps); centered = true: the variance in place of v. `parameters` is
-- model:groups { lr = }, a module or a list of tensors. The decay is part of g; norms, biases and vectors, as (C) or
-- (C, 1, 1), are not decayed unless decay_norms = true, which is what PyTorch does.
local function rmsprop(parameters, given)
   local optimizer = Optimizer.new(class, parameters, given)
   return optimizer
end
declaration:describes(rmsprop)

return { rmsprop = rmsprop }
