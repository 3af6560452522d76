-- Adam and AdamW, as torch.optim.Adam and AdamW do them (Kingma and Ba 2015, Loshchilov and Hutter 2019).
local scute = require "scute.core"
local Optimizer = require "scute.optim.optimizer"

local function updater(decoupled)
   return function(options, lr, batch)
      scute.adamw_step { params = batch.params, grads = batch.grads, exp_avg = batch.state.exp_avg,
         exp_avg_sq = batch.state.exp_avg_sq, found_inf = batch.found_inf, lr = lr, beta1 = options.beta1,
         beta2 = options.beta2, eps = options.eps, weight_decay = batch.weight_decay, step = batch.step, decoupled = decoupled }
   end
end

local function buffers()
   return { "exp_avg", "exp_avg_sq" }
end

local function describe(kind, decoupled, weight_decay)
   return { kind = kind, buffers = buffers, update = updater(decoupled), declaration = Optimizer.declare(kind, weight_decay, {
      Optimizer.share("beta1", 0.9, "decay of the mean of gradients"),
      Optimizer.share("beta2", 0.999, "decay of the mean of their squares"),
      { "eps", number = true, min = 0, default = 1e-8, help = "added to the root of that" },
   }) }
end

local adamw_class, adam_class = describe("adamw", true, 0.01), describe("adam", false, 0)

-- optim.adamw(parameters, { lr = 1e-3, weight_decay = 0.01 }): the decay acts on the parameter itself, p *= 1 - lr *
-- weight_decay. Norms, biases and vectors, as (C) or (C, 1, 1), are not decayed unless decay_norms = true, PyTorch's plain
-- behaviour; print(optimizer) shows how many parameters are. `parameters` is model:groups { lr = }, a module or a list of
-- tensors, of which nothing but the shape says whether they decay.
local function adamw(parameters, given)
   local optimizer = Optimizer.new(adamw_class, parameters, given)
   return optimizer
end
adamw_class.declaration:describes(adamw)

-- optim.adam(parameters, { lr = 1e-3 }): the decay is part of the gradient; norms, vectors and `parameters` as for adamw.
local function adam(parameters, given)
   local optimizer = Optimizer.new(adam_class, parameters, given)
   return optimizer
end
adam_class.declaration:describes(adam)

return { adamw = adamw, adam = adam }
