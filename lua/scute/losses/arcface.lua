-- The additive angular margin (see scute.losses).
local options = require "scute.base.options"
local scute = require "scute.core"
local new = require("scute.losses.loss").new

-- What 1 - cosine^2 counts at least: where an angle is 0 or pi the cosine of angle + margin has an infinite slope, which a
-- product with the 0 of the angle's own gradient would make NaN.
local LEAST = 1e-6
local ROUNDING = 1e-3 -- a cosine may be that much above 1

local function is_margin(value)
   return type(value) == "number" and value >= 0 and value < math.pi
end

local function is_list_of_margins(value)
   if type(value) ~= "table" or #value == 0 then return false end
   for _, margin in ipairs(value) do
      if not is_margin(margin) then return false end
   end
   return true
end

-- ---- margins ----

-- Of a margin: cosine and sine, the least cosine of an angle that the margin takes to pi at most, and what is taken from a
-- cosine below that.
local function terms(margin)
   return { cos = math.cos(margin), sin = math.sin(margin), least = -math.cos(margin), drop = margin * math.sin(margin) }
end

local NAMES = { "cos", "sin", "least", "drop" }

-- The same of each class, (classes) each, where the cosines lie.
local function tables_of(self, like)
   local key = like.device .. " " .. like.dtype
   local made = self.tables[key]
   if made then return made end
   local lists = { cos = {}, sin = {}, least = {}, drop = {} }
   for class, margin in ipairs(self.margins) do
      for name, value in pairs(terms(margin)) do lists[name][class] = value end
   end
   made = {}
   for name, list in pairs(lists) do made[name] = scute.tensor(list, { dtype = like.dtype, device = like.device }) end
   self.tables[key] = made
   return made
end

-- The terms for the photos of a batch: numbers, or tensors (N, 1).
local function terms_for(self, cosines, y)
   if not self.margins then return self.terms end
   if #self.margins ~= cosines.shape[2] then
      error(("losses.arcface: margins: expected one for each of the %d classes, found %d"):format(cosines.shape[2],
         #self.margins), 0)
   end
   local tables, found = tables_of(self, cosines), {}
   for _, name in ipairs(NAMES) do
      local chosen <close> = tables[name]:index_select(1, y)
      found[name] = chosen:reshape(-1, 1)
   end
   return found
end

-- ---- the loss ----

-- Fails where the first batch that is not all 0 has what is no cosine: a Linear's scores would pass in silence.
local function look_once(self, cosines)
   if self.has_looked or cosines.device == "shape" then return end
   local most = cosines:detach():abs():max():item()
   self.has_looked = most ~= 0
   if most > 1 + ROUNDING then
      error(("losses.arcface: expected cosines from -1 to 1, found %g: the model's head has to be an nn.CosineLinear or an "
         .. "nn.EmbeddingHead"):format(most), 0)
   end
end

-- The cosine of angle + margin, (N, 1). Past pi, where that would rise again, the cosine less margin * sin(margin); with `easy`
-- the cosine itself, from a right angle on.
local function moved(self, own, m)
   local sine = ((1 - own) * (1 + own)):clamp(LEAST):sqrt()
   local turned = own * m.cos - sine * m.sin
   if self.easy then return scute.where(own:gt(0), turned, own) end
   return scute.where(own:ge(m.least), turned, own - m.drop)
end

local function compute(self, cosines, y)
   look_once(self, cosines)
   local own = cosines:gather(2, y:reshape(-1, 1))
   local counted = moved(self, own, terms_for(self, cosines, y))
   local is_own <close> = y:one_hot(cosines.shape[2], "u8")
   local all <close> = scute.where(is_own, counted, cosines)
   local logits <close> = all * self.scale
   return logits:cross_entropy(y)
end

local function margins_text(list)
   local least, most = list[1], list[1]
   for _, margin in ipairs(list) do least, most = math.min(least, margin), math.max(most, margin) end
   return ("margins of %d classes from %.4g to %.4g, %s"):format(#list, least, most,
      scute.checksum { table.concat(list, " ") })
end

local ARCFACE = options.declare("losses.arcface", {
   { "margin", 0.5, is = options.typed(is_margin, "number"), expected = "an angle in radians from 0 to below pi",
     help = "what is added to the angle between a photo and its own class, in radians" },
   { "scale", 64, number = true, above = 0, help = "what cosines are multiplied by before the softmax" },
   { "margins", is = options.typed(is_list_of_margins, "table"), excludes = { "margin" }, show = "one for all",
     expected = "a list of angles in radians from 0 to below pi", why = "each class has its own",
     help = "a margin for each class, as scute.losses.dynamic_margins gives them" },
   { "easy", false, flag = true, help = "the margin acts below a right angle alone (insightface's easy_margin)" },
})

--- ArcFace (Deng et al. 2019): the softmax cross entropy of scale * cosine, where the angle to a photo's own class counts as
-- `margin` more, so that it has to be that much nearer than needed. Called with cosines (N, classes) and y (N). Of a head with
-- sub_centers it is sub-center ArcFace (Deng et al. 2020). Other numbers than cosines are an error. The margin is in its value:
-- at first, where all cosines are near 0, the loss is higher by about scale * sin(margin).
--
--    loss = scute.losses.arcface { margin = 0.3, scale = 30 }
--    loss = scute.losses.arcface { margins = scute.losses.dynamic_margins(counts) }
local function arcface(given)
   local o = ARCFACE:read(given)
   local what = o.margins and margins_text(o.margins) or ("margin = %g"):format(o.margin)
   return new { name = "arcface", takes = "cosines (N, classes)", compute = compute, scale = o.scale, easy = o.easy,
      margins = o.margins, terms = terms(o.margin), tables = {},
      settings = ("%s, scale = %g%s"):format(what, o.scale, o.easy and ", easy" or "") }
end

return ARCFACE:describes(arcface)
