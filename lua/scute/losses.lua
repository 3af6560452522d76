-- Losses that learn an embedding: photos of one individual near one another, those of others far away.
--
--    model.fc = scute.nn.EmbeddingHead { in_features = 512, classes = #set.classes }
--    train.fit(model, set, { loss = scute.losses.arcface { margin = 0.5, scale = 64 }, ... })
--
-- Each is called with a batch and gives the mean over it, as train.fit wants its `loss`:
--
--    arcface            loss(cosines (N, classes), y (N)): of what an nn.CosineLinear or nn.EmbeddingHead gives
--    triplet, supcon    loss(embeddings (N, D), y (N)): of the photos among themselves, so a batch has to have several photos
--                       of an individual, as scute.sampler.identities has them; an EmbeddingHead keeps them as `last`
--
-- y are class numbers from 1, i64. All of them compute in float32 whatever scute.autocast says, and in float64 of float64.
-- Values and gradients are those of pytorch-metric-learning's losses of the same names.
return {
   arcface = require "scute.losses.arcface",
   dynamic_margins = require "scute.losses.dynamic_margins",
   triplet = require "scute.losses.triplet",
   supcon = require "scute.losses.supcon",
}
