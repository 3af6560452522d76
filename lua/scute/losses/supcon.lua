-- The supervised contrastive loss (see scute.losses).
local options = require "scute.base.options"
local scute = require "scute.core"
local loss = require "scute.losses.loss"
local unit_rows = require "scute.nn.unit_rows"

local FAR = -1e30 -- as a logit nothing, yet a number: 0 times it is 0

-- The mean over anchors that have a positive of the mean over their positives of -log softmax over all others.
local function compute(self, x, y)
   local n = y.shape[1]
   local unit = unit_rows(x)
   local logits = unit:matmul(unit:transpose(1, 2)) / self.temperature -- (N, N)
   local positive, itself, count, anchors = scute.no_grad(function()
      local diagonal = scute.eye(n, { dtype = x.dtype, device = x.device })
      local others = loss.same_class(y, x) - diagonal
      local found = others:sum(2)
      return others, diagonal:gt(0), found:clamp(1), found:gt(0):to(x.dtype):sum():clamp(1)
   end)
   local whole = scute.where(itself, FAR, logits):logsumexp(2):reshape(n, 1)
   local of_anchor = ((whole - logits) * positive):sum(2) / count
   return of_anchor:sum() / anchors
end

local SUPCON = options.declare("losses.supcon", {
   { "temperature", 0.1, number = true, above = 0, help = "what cosines are divided by before the softmax" },
})

--- The supervised contrastive loss (Khosla et al. 2020): among all other photos of a batch those of the same individual have
-- to be the most alike. Called with embeddings (N, D), which are brought to length 1, and y (N). The mean over the photos of
-- which there is another one of the same individual, 0 where there is none: see scute.sampler.identities. It is
-- pytorch-metric-learning's SupConLoss, but for batches of one individual alone, which that leaves out.
local function supcon(given)
   local o = SUPCON:read(given)
   return loss.new { name = "supcon", takes = "embeddings (N, D)", compute = compute, temperature = o.temperature,
      settings = ("temperature = %g"):format(o.temperature) }
end

return SUPCON:describes(supcon)
