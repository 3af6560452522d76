-- Stochastic gradient descent, as torch.optim.SGD does it.
local scute = require "scute.core"
local Optimizer = require "scute.optim.optimizer"

local function update(options, lr, batch)
   scute.sgd_step { params = batch.params, grads = batch.grads, momenta = batch.state.momentum,
      found_inf = batch.found_inf, lr = lr, momentum = options.momentum, weight_decay = batch.weight_decay,
      dampening = options.dampening, nesterov = options.nesterov, first = batch.step == 1 }
end

local declaration = Optimizer.declare("sgd", 0, {
   Optimizer.share("momentum", 0, "share of the step before"),
   { "dampening", number = true, min = 0, default = 0, help = "share of the gradient that does not enter the momentum" },
   { "nesterov", flag = true, default = false, help = "Nesterov's momentum, which looks a step ahead" },
})

local function buffers(options)
   return options.momentum ~= 0 and { "momentum" } or {}
end

local function fault(options)
   if options.nesterov and (options.momentum == 0 or options.dampening ~= 0) then
      return ("option 'nesterov': expected a momentum above 0 and no dampening, found %g and %g"):format(options.momentum,
         options.dampening)
   end
end

local class = { kind = "sgd", declaration = declaration, buffers = buffers, update = update, fault = fault }

-- optim.sgd(parameters, { lr = 0.1, momentum = 0.9 })
-- v = momentum v + (1 - dampening) g (the first time v = g), p -= lr v. `parameters` is model:groups { lr = }, a module
-- or a list of tensors. The decay is part of g; norms, biases and vectors, as (C) or (C, 1, 1), are not decayed unless
-- decay_norms = true, which is what PyTorch does.
local function sgd(parameters, given)
   local optimizer = Optimizer.new(class, parameters, given)
   return optimizer
end
declaration:describes(sgd)

return { sgd = sgd }
