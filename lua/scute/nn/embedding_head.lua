-- nn.EmbeddingHead { in_features, classes, features = 512, dropout = 0, neck = true, sub_centers = 1, detached = false,
-- dtype = "f32", device = "cpu" }: a head that learns an embedding by classes, x (N, in_features) -> cosines (N, classes). Its
-- children are `embedding`, a Linear to `features` numbers; `neck`, a batch norm over these (Luo et al. 2019, "Bag of Tricks";
-- then the Linear has no bias); and `classes`, a CosineLinear. dropout acts on x.
--
-- `embed` gives what photos are compared by. While training, `last` is the embedding of the last batch behind the neck and not
-- brought to length 1, (N, features), with its tape, for losses that compare photos with photos; it is there until the next
-- call. detached = true: the classes learn beside, and the embedding from such a loss alone.
--
-- A batch of one photo, which has no statistics, goes through the neck as in evaluation; where that is synchronised a photo is
-- not alone.
--
--    model.fc = scute.nn.EmbeddingHead { in_features = 512, classes = #set.classes }
--    train.fit(model, set, { loss = scute.losses.arcface(), ... })
--    model:eval()
--    local x = model.fc:embed(model:embed(photos)) -- (N, 512), rows of length 1
local scute = require "scute.core"
local Module = require "scute.nn.module"
local BatchNorm2d = require("scute.nn.norm").BatchNorm2d
local CosineLinear = require("scute.nn.cosine_linear").CosineLinear
local Linear = require("scute.nn.linear").Linear
local init = require "scute.nn.initialise"
local unit_rows = require "scute.nn.unit_rows"

local EmbeddingHead = Module:extend("EmbeddingHead", {
   { "in_features", whole = true, min = 1, help = "features of the backbone" },
   { "classes", whole = true, min = 1, help = "individuals that train" },
   { "features", 512, whole = true, min = 1, help = "numbers of the embedding" },
   { "dropout", 0, number = true, min = 0, below = 1, help = "share of the backbone's features that are 0 in training" },
   { "neck", true, flag = true, help = "whether a batch norm follows the embedding's Linear" },
   { "sub_centers", 1, whole = true, min = 1, help = "centres of a class, of which the nearest counts" },
   { "detached", false, flag = true, help = "whether the classes' gradient ends before the embedding" },
   table.unpack(init.WHERE),
})
EmbeddingHead.keeps_nothing = true
EmbeddingHead._left_by_forward = { last = true }

function EmbeddingHead:build(o)
   local where = { dtype = o.dtype, device = o.device }
   local function with(options)
      for name, value in pairs(where) do options[name] = value end
      return options
   end
   self.in_features, self.features, self.sub_centers = o.in_features, o.features, o.sub_centers
   self.dropout, self.detached = o.dropout, o.detached
   self.embedding = Linear(with { in_features = o.in_features, out_features = o.features, bias = not o.neck })
   if o.neck then self.neck = BatchNorm2d(with { num_features = o.features }) end
   self.classes = CosineLinear(with { in_features = o.features, classes = o.classes, sub_centers = o.sub_centers })
end

-- ---- parts of the way ----

local function embedded(self, x)
   if self.dropout == 0 or not self.training then return self.embedding(x) end
   local dropped <close> = scute.dropout(x, self.dropout, true)
   return self.embedding(dropped)
end

-- With the running statistics, whatever the mode.
local function as_evaluated(neck, y)
   return scute.batch_norm { x = y, weight = neck.weight, bias = neck.bias, running_mean = neck.running_mean,
      running_var = neck.running_var, training = false, eps = neck.eps }
end

-- The embedding as the classes see it, (N, features).
local function behind_neck(self, x)
   local y, neck = embedded(self, x), self:child "neck"
   if not neck then return y end
   local is_alone = neck.training and y.shape[1] == 1 and neck:joins() == "no"
   local z = is_alone and neck:within(as_evaluated, neck, y) or neck(y)
   y:free()
   return z
end

local function forget(self)
   local before = rawget(self, "last")
   rawset(self, "last", nil)
   if before then before:free() end
end

-- ---- what users call ----

function EmbeddingHead:forward(x)
   forget(self)
   local y = behind_neck(self, x)
   local cosines
   if self.detached then
      local apart <close> = y:detach()
      cosines = self.classes(apart)
   else
      cosines = self.classes(y)
   end
   if self.training and y.requires_grad then
      rawset(self, "last", y)
   else
      y:free()
   end
   return cosines
end

-- What photos are compared by: x (N, in_features), the backbone's features, -> (N, features), float32 rows of length 1. In
-- training mode with dropout and the batch's statistics, so call it in evaluation mode.
function EmbeddingHead:embed(x)
   local y <close> = self:within(behind_neck, self, x)
   return unit_rows(y)
end

return { EmbeddingHead = EmbeddingHead }
