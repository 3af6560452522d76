-- Adam and AdamW, as torch.optim.Adam and AdamW do them (Kingma and Ba 2015, Loshchilov and Hutter 2019).
local scute = require "scute.core"
local Optimizer = require "scute.optim.optimizer"

local function updater(decoupled)
   return function(options, lr, batch)
      scute.adamw_step { params = batch.params, grads = batch.grads, exp_avg = batch.exp_avg,
         exp_avg_sq = batch.exp_avg_sq, found_inf = batch.found_inf, lr = lr, beta1 = options.beta1,
         beta2 = options.beta2, eps = options.eps, weight_decay = batch.weight_decay, step = batch.step, decoupled = decoupled }
   end
end

local function buffers()
   return { "exp_avg", "exp_avg_sq" }
end

local function describe(kind, decoupled, weight_decay)
   return { kind = kind, buffers = buffers, update = updater(decoupled),
      options = { lr = false, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = weight_decay, decay_norms = false } }
end

local adamw_class, adam_class = describe("adamw", true, 0.01), describe("adam", false, 0)

-- optim.adamw(parameters, { lr, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01, decay_norms = false })
-- The decay acts on the parameter itself: p *= 1 - lr * weight_decay. Norms and biases (all vectors) are not decayed
-- unless decay_norms = true, PyTorch's plain behaviour; print(optimizer) shows how many parameters are. `parameters` is
-- model:groups { lr = }, a module or a list of tensors.
local function adamw(parameters, options)
   local optimizer = Optimizer.new(adamw_class, parameters, options)
   return optimizer
end

-- optim.adam(parameters, { lr, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0, decay_norms = false })
-- The decay is part of the gradient; vectors and `parameters` as for adamw.
local function adam(parameters, options)
   local optimizer = Optimizer.new(adam_class, parameters, options)
   return optimizer
end

return { adamw = adamw, adam = adam }
