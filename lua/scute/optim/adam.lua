-- optim.adamw(parameters, { lr, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01, decay_norms = false })
-- optim.adam(parameters, the same with weight_decay = 0 and decay_norms = true)
-- torch.optim.AdamW (Loshchilov and Hutter 2019: the decay acts on the parameter itself) and Adam (it is part of the
-- gradient). AdamW decays neither norms nor biases unless decay_norms = true, PyTorch's plain behaviour; print(optimizer)
-- shows how many parameters are decayed.
local scute = require "scute.core"
local Optimizer = require "scute.optim.optimizer"

local function updater(decoupled)
   return function(options, lr, batch)
      scute.adamw_step { params = batch.params, grads = batch.grads, exp_avg = batch.exp_avg,
         exp_avg_sq = batch.exp_avg_sq, lr = lr, beta1 = options.beta1, beta2 = options.beta2, eps = options.eps,
         weight_decay = batch.weight_decay, step = batch.step, decoupled = decoupled }
   end
end

local function class(kind, decoupled, weight_decay, decay_norms)
   return { kind = kind, buffers = { "exp_avg", "exp_avg_sq" }, update = updater(decoupled),
      options = { lr = false, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = weight_decay,
         decay_norms = decay_norms } }
end

local adamw, adam = class("adamw", true, 0.01, false), class("adam", false, 0, true)

return {
   adamw = function(parameters, options)
      local optimizer = Optimizer.new(adamw, parameters, options)
      return optimizer
   end,
   adam = function(parameters, options)
      local optimizer = Optimizer.new(adam, parameters, options)
      return optimizer
   end,
}
