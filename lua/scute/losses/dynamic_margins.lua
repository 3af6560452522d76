-- Margins that follow from how many photos an individual has (see scute.losses).
local options = require "scute.base.options"

local MARGINS = options.declare("losses.dynamic_margins", {
   { "a", 0.5, number = true, min = 0, help = "what the margin of an individual with one photo has above b" },
   { "b", 0.05, number = true, min = 0, help = "the margin that very many photos come near" },
   { "lambda", 0.25, number = true, min = 0, help = "how fast the margin falls with the photos" },
})

local function check_counts(counts)
   if type(counts) ~= "table" or #counts == 0 then
      error("losses.dynamic_margins: expected a list with the number of photos of each class, found "
         .. (type(counts) == "table" and "an empty one" or tostring(counts)), 3)
   end
   for class, n in ipairs(counts) do
      if type(n) ~= "number" or not (n >= 1 and n < math.huge) then
         error(("losses.dynamic_margins: expected a number of photos of at least 1 for class %d, found %s"):format(class,
            tostring(n)), 3)
      end
   end
end

--- A margin for each class, a list as scute.losses.arcface takes it as `margins`: a * n^-lambda + b for one of n photos, so
-- that individuals with few photos get the larger ones (Ha et al. 2020, arXiv 2010.05350). The defaults are those of
-- pytorch-metric-learning's DynamicArcFaceLoss; the authors' own program stretches n^-0.25 so that the margins go from 0.05 of
-- the class with most photos to 0.5 of the one with fewest. counts: the photos of each class.
local function dynamic_margins(counts, given)
   local o = MARGINS:read(given)
   check_counts(counts)
   if o.a + o.b >= math.pi then
      error(("losses.dynamic_margins: expected a + b, the largest margin, below pi, found %g"):format(o.a + o.b), 2)
   end
   local margins = {}
   for class, n in ipairs(counts) do margins[class] = o.a * n ^ -o.lambda + o.b end
   return margins
end

return MARGINS:describes(dynamic_margins)
