-- The triplet loss (see scute.losses).
--
-- A triplet of an anchor, a positive of the same class and a negative of another costs d(anchor, positive) -
-- d(anchor, negative) + margin where that is above 0. So the loss is linear in the distances as long as the same triplets
-- count, and is computed as that: mining, without the tape and by blocks of anchors, says how often each distance counts, and
-- with which sign.
local options = require "scute.base.options"
local scute = require "scute.core"
local loss = require "scute.losses.loss"
local unit_rows = require "scute.nn.unit_rows"

local AT_ONCE = 1 << 22 -- triplets of a block
local FAR = 1e30        -- no distance is longer

-- ---- distances ----

local distance = {}

function distance.euclidean(x)
   return x:cdist(x)
end

function distance.cosine(x)
   return 1 - x:matmul(x:transpose(1, 2))
end

-- ---- mining: which distances count, and with which sign ----

-- { positive, negative } (N, N): who is one of an anchor, the row, as 0 and 1.
local function partners(y, x)
   local same = loss.same_class(y, x)
   return { positive = same - scute.eye(y.shape[1], { dtype = x.dtype, device = x.device }), negative = 1 - same }
end

-- How often each positive and negative of the anchors from .. to counts, the negatives below 0: (anchors, N).
local function block_counts(d, who, margin, from, to, semihard)
   local rows, n = to - from + 1, d.shape[1]
   local function triplets(t, third) return t:slice(1, from, to):reshape(rows, third and 1 or n, third and n or 1) end
   local gap <close> = triplets(d) - triplets(d, true) -- (anchors, positives, negatives)
   local is_one <close> = triplets(who.positive) * triplets(who.negative, true)
   local costs <close> = gap:gt(-margin)
   local counts <close> = scute.where(costs, is_one, 0)
   if not semihard then return counts:sum(3) - counts:sum(2), counts:sum() end
   local is_farther <close> = gap:lt(0)
   local semi <close> = scute.where(is_farther, counts, 0)
   return semi:sum(3) - semi:sum(2), semi:sum()
end

-- Of all triplets that cost anything; semihard: of those whose negative is farther than the positive.
local function by_triplets(d, who, margin, semihard)
   local n, blocks, total = d.shape[1], {}, nil
   local step = math.max(1, AT_ONCE // (n * n))
   for from = 1, n, step do
      local block, number = block_counts(d, who, margin, from, math.min(from + step - 1, n), semihard)
      blocks[#blocks + 1] = block
      total = total and total + number or number
   end
   return #blocks == 1 and blocks[1] or scute.concat(blocks, 1), total
end

local mining = {}

function mining.all(d, who, margin)
   return by_triplets(d, who, margin, false)
end

function mining.semihard(d, who, margin)
   return by_triplets(d, who, margin, true)
end

-- Of each anchor the farthest positive and the nearest negative.
function mining.hard(d, who, margin)
   local n = d.shape[1]
   local farthest = scute.where(who.positive:gt(0), d, -FAR):argmax(2)
   local nearest = scute.where(who.negative:gt(0), d, FAR):argmin(2)
   local gap = d:gather(2, farthest:reshape(n, 1)) - d:gather(2, nearest:reshape(n, 1)) -- (N, 1)
   local has_both = who.positive:max(2) * who.negative:max(2)
   local counts = gap:gt(-margin):to(d.dtype) * has_both:reshape(n, 1)
   return (farthest:one_hot(n, d.dtype) - nearest:one_hot(n, d.dtype)) * counts, counts:sum()
end

-- ---- the loss ----

local function compute(self, x, y)
   local unit = self.normalize and unit_rows(x) or x
   local d = distance[self.distance](unit)
   local counts, number = scute.no_grad(function()
      return mining[self.mining](d:detach(), partners(y, d), self.margin)
   end)
   return ((d * counts):sum() + number * self.margin) / number:clamp(1)
end

local TRIPLET = options.declare("losses.triplet", {
   { "margin", 0.2, number = true, above = 0, help = "how much farther a negative has to be than a positive" },
   { "mining", "semihard", choices = { "semihard", "hard", "all" },
     help = "semihard: triplets whose negative is farther than the positive, by less than the margin; hard: of each anchor the "
        .. "farthest positive and the nearest negative; all: every triplet that costs anything" },
   { "distance", "euclidean", choices = { "euclidean", "cosine" }, help = "the length of the difference, or 1 - cosine" },
   { "normalize", true, flag = true, help = "whether embeddings are brought to length 1 before" },
})

--- The triplet loss: a photo (the anchor) has to be nearer to one of its own individual (a positive) than to one of another (a
-- negative), by `margin`. Called with embeddings (N, D) and y (N). The mean over the triplets that cost anything, 0 where none
-- does (pytorch-metric-learning's TripletMarginLoss; mining as its TripletMarginMiner "semihard", Schroff et al. 2015, and
-- BatchHardMiner, Hermans et al. 2017). Without photos of the same individual in a batch nothing is learned: see
-- scute.sampler.identities.
local function triplet(given)
   local o = TRIPLET:read(given)
   if o.distance == "cosine" and not o.normalize then
      error("losses.triplet: normalize: a cosine is one of vectors of length 1; leave it true", 2)
   end
   return loss.new { name = "triplet", takes = "embeddings (N, D)", compute = compute, margin = o.margin, mining = o.mining,
      distance = o.distance, normalize = o.normalize, settings = ("margin = %g, %s, %s%s"):format(o.margin, o.mining,
      o.distance, o.normalize and "" or ", lengths as they are") }
end

return TRIPLET:describes(triplet)
