-- nn.BatchNorm2d { num_features, eps = 1e-5, momentum = 0.1, dtype = "f32", device = "cpu" }
-- x (N, C, H, W) -> the same shape. In training mode with the batch's statistics, which also move the running ones;
-- otherwise with the running ones. Frozen (`freeze`), it keeps its running statistics bit for bit in both modes.
--
-- With the field synchronised = true a batch is, in training mode, that of all processes of scute.world, as
-- torch.nn.SyncBatchNorm has it: all of them call the layer together, forward and backward, with any number of photos each.
-- train.fit { sync_batch_norm = true } sets it while it trains; a script may set it in some layers, which train.fit then lets
-- meet. It is no part of what is saved.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local init = require "scute.nn.initialise"
local public = require "scute.base.public"

local BatchNorm2d = Module:extend("BatchNorm2d", {
   { "num_features", whole = true, min = 1, help = "channels" },
   { "eps", 1e-5, number = true, min = 0, help = "added to the variance" },
   { "momentum", 0.1, number = true, min = 0, max = 1, help = "weight of a batch in the running statistics" },
   table.unpack(init.WHERE),
})
BatchNorm2d.keeps_nothing = true
-- true: see above. train/sync.lua has "all PATH", whose path the processes compare, and "others PATH": a batch that counts
-- nothing beside theirs.
BatchNorm2d.synchronised = false

function BatchNorm2d:build(o)
   self.num_features, self.eps, self.momentum = o.num_features, o.eps, o.momentum
   self.fixed = false -- true: the running statistics are used, and stay, in training mode too
   local where = { dtype = o.dtype, device = o.device }
   self:register_parameter("weight", scute.ones({ o.num_features }, where))
   self:register_parameter("bias", scute.zeros({ o.num_features }, where))
   self:register_buffer("running_mean", scute.zeros({ o.num_features }, where))
   self:register_buffer("running_var", scute.ones({ o.num_features }, where))
   local counted_on = o.device:find "^cuda" and "cpu" or o.device -- counting must not wait for a GPU
   self:register_buffer("num_batches_tracked", scute.zeros({}, { dtype = "i64", device = counted_on }))
end

-- What it does in training mode: "train", "train_affine" or "eval" (see Module:set_batch_norm).
function BatchNorm2d:mode()
   if not self.fixed then return "train" end
   return (self.weight.requires_grad or self.bias.requires_grad) and "train_affine" or "eval"
end

-- Counts a batch if its statistics will be used; says whether they will.
function BatchNorm2d:begin_batch()
   if not self.training or self.fixed then return false end
   local count = self.num_batches_tracked
   count:fill_(count:item() + 1)
   return true
end

-- What the op takes as `synchronised`, to be called right before it.
function BatchNorm2d:joins()
   if not self.synchronised or scute.world.size == 1 then return "no" end
   local how, path = tostring(self.synchronised):match "^(%a+) ?(.*)$"
   scute.world.name_norm(path)
   return how == "others" and "others" or "all"
end

function BatchNorm2d:forward(x)
   return scute.batch_norm { x = x, weight = self.weight, bias = self.bias, running_mean = self.running_mean,
      running_var = self.running_var, training = self:begin_batch(), momentum = self.momentum, eps = self.eps,
      synchronised = self:joins() }
end

function BatchNorm2d:describe()
   return ("%d, eps=%g, momentum=%g"):format(self.num_features, self.eps, self.momentum)
end

public.hide(BatchNorm2d, "begin_batch", "joins")
return { BatchNorm2d = BatchNorm2d }
