-- Layers that compare vectors: Normalize, CosineSimilarity.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local options = require "scute.base.options"

local layers = {}

local DIM = { "dim", optional = true, whole = true, help = "the dimension along which the vectors lie; negative ones count "
   .. "from the end; not given: the second, of a vector its only one" }

local function eps(default)
   return { "eps", default, number = true, min = 0, help = "what a length counts at least" }
end

local function dim_text(dim)
   return dim and ("dim=%d, "):format(dim) or ""
end

-- A number that may be infinite, as numbers of options otherwise are not.
local POWER = options.typed(function(value) return type(value) == "number" and value > 0 end, "number")

-- nn.Normalize { p = 2, dim, eps = 1e-12 }: x / max(norm, eps), vectors of length 1 (scute.normalize).
layers.Normalize = Module:extend("Normalize", {
   { "p", 2, is = POWER, expected = "a number above 0, or math.huge",
      help = "which norm: 2 is the length, 1 the sum of magnitudes, math.huge the largest" }, DIM, eps(1e-12),
})
layers.Normalize.keeps_nothing = true

function layers.Normalize:build(o)
   self.p, self.dim, self.eps = o.p, o.dim, o.eps
end

function layers.Normalize:forward(x)
   return scute.normalize(x, self.p, self.dim, self.eps)
end

function layers.Normalize:describe()
   return ("p=%g, %seps=%g"):format(self.p, dim_text(self.dim), self.eps)
end

-- nn.CosineSimilarity { dim, eps = 1e-8 }: of two tensors of shapes that broadcast, the cosines of the angles between their
-- vectors, without that dimension (scute.cosine_similarity).
layers.CosineSimilarity = Module:extend("CosineSimilarity", { DIM, eps(1e-8) })
layers.CosineSimilarity.keeps_nothing = true

function layers.CosineSimilarity:build(o)
   self.dim, self.eps = o.dim, o.eps
end

function layers.CosineSimilarity:forward(x1, x2)
   return scute.cosine_similarity(x1, x2, self.dim, self.eps)
end

function layers.CosineSimilarity:describe()
   return ("%seps=%g"):format(dim_text(self.dim), self.eps)
end

return layers
