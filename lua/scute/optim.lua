-- scute.optim: SGD with momentum, Adam, AdamW, RMSprop. What they train is said by the first argument:
-- model:groups { lr = 0.01 } (a learning rate per group), a module, or a list of tensors (with { lr = } among the options).
--
--    local opt = scute.optim.adamw(model:groups { lr = 1e-3 }, { weight_decay = 0.01 })
--    opt:zero_grad(); loss:backward(); opt:step()
--
-- A group may have weight_decay, momentum (SGD, RMSprop), beta1 and beta2 (Adam, AdamW) of its own as well:
-- model:groups { lr = 0.01, weight_decay = { backbone = 1e-4, head = 0 } }. Norms, biases and vectors, as (C) or
-- (C, 1, 1), are not decayed unless decay_norms = true.
--
-- One of your own from a function that updates one parameter: optim.define, explained in docs/parts/optimizer.md.
--
-- Rates by depth: model:groups { lr = optim.layer_decay(model, 1e-4, 0.75) }, or optim.lr_range(model, 1e-6, 1e-4).
--
-- State is kept by parameter name, so that unfreezing or a resume never mixes it up. A frozen parameter (or one without
-- a gradient) takes no part: no step, no decay, no share in a gradient norm.
return {
   sgd = require("scute.optim.sgd").sgd,
   adamw = require("scute.optim.adam").adamw,
   adam = require("scute.optim.adam").adam,
   rmsprop = require("scute.optim.rmsprop").rmsprop,
   define = require("scute.optim.define").define,
   layer_decay = require("scute.optim.rates").layer_decay,
   lr_range = require("scute.optim.rates").lr_range,
   Optimizer = require "scute.optim.optimizer",
}
