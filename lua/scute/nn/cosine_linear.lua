-- nn.CosineLinear { in_features, classes, sub_centers = 1, dtype = "f32", device = "cpu" }: x (N, in_features) ->
-- (N, classes), the cosines of the angles between each vector and the centre of each class, from -1 to 1; of several
-- sub-centres of a class the best (Deng et al. 2020). It is what scute.losses.arcface takes.
--
-- It computes in float32 whatever scute.autocast says, since at a scale of 64 a cosine in half width is off by 0.02 (float16)
-- to 0.13 (bfloat16) of a logit. A vector shorter than 1e-6 counts as that long: one of zeros has cosines of 0.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local init = require "scute.nn.initialise"
local shape_text = require "scute.base.shape_text"
local unit_rows = require "scute.nn.unit_rows"

local CosineLinear = Module:extend("CosineLinear", {
   { "in_features", whole = true, min = 1, help = "size of the vectors" },
   { "classes", whole = true, min = 1, help = "how many there are" },
   { "sub_centers", 1, whole = true, min = 1, help = "centres of a class, of which the nearest counts" },
   table.unpack(init.WHERE),
})
CosineLinear.keeps_nothing = true

-- The weight is (classes, in_features), with sub-centres (classes, sub_centers, in_features): a row for each class. Centres
-- have a length of about 1 at first and point in all directions alike.
function CosineLinear:build(o)
   self.in_features, self.classes, self.sub_centers = o.in_features, o.classes, o.sub_centers
   local shape = o.sub_centers > 1 and { o.classes, o.sub_centers, o.in_features } or { o.classes, o.in_features }
   self:register_parameter("weight", scute.zeros(shape, { dtype = o.dtype, device = o.device }))
   init.normal(self.weight, 0, 1 / math.sqrt(o.in_features))
end

local function centers(self)
   if self.sub_centers == 1 then return unit_rows(self.weight) end
   local rows <close> = self.weight:reshape(-1, self.in_features)
   return unit_rows(rows)
end

local function cosines(self, x)
   local vectors <close> = unit_rows(x)
   local unit <close> = centers(self)
   local all = scute.linear(vectors, unit)
   if self.sub_centers == 1 then return all end
   local by_class <close> = all:reshape(x.shape[1], self.classes, self.sub_centers)
   all:free()
   return by_class:max(3)
end

function CosineLinear:forward(x)
   if x.rank ~= 2 or x.shape[2] ~= self.in_features then
      error(("expected vectors (N, %d), found shape %s"):format(self.in_features, shape_text(x.shape)), 0)
   end
   return scute.autocast("f32", cosines, self, x)
end

function CosineLinear:describe()
   return ("in_features=%d, classes=%d%s"):format(self.in_features, self.classes,
      self.sub_centers > 1 and (", sub_centers=%d"):format(self.sub_centers) or "")
end

return { CosineLinear = CosineLinear }
