-- What the functions of the library return, as far as editors and completion should know: the word of help() for such a value
-- (see scute.help.inventory), or the name of a class of modules. What an op and a constructor return is known, and a comment in
-- C tells it behind "->".
local RETURNS = {
   ["models.create"] = "nn.Classifier", ["models.load"] = "nn.Classifier", ["predict.open"] = "nn.Classifier",
   ["optim.adam"] = "optimizer", ["optim.adamw"] = "optimizer", ["optim.rmsprop"] = "optimizer", ["optim.sgd"] = "optimizer",
   ["schedule.custom"] = "schedule", ["schedule.parse"] = "schedule", ["schedule:then_"] = "schedule",
   ["losses.arcface"] = "loss", ["losses.supcon"] = "loss", ["losses.triplet"] = "loss",
   ["metrics.confusion"] = "confusion", ["metrics.mean"] = "mean",
   ["train.unfreeze.plan"] = "plan", ["train.fit"] = "result", ["result:resume"] = "train.fit.Result",
   ["train.lr_find"] = "lr_finder", ["lr_finder:figure"] = "figure",
   ["profile"] = "profile", ["profile:by"] = "profile",
   ["experiment"] = "trial", ["module:extend"] = "nn.Module.Class", ["figure:image"] = "image",
   ["embeddinghead:embed"] = "t",
   ["classifier:embed"] = "t", ["classifier:features"] = "t", ["classifier:head"] = "t", ["module:forward"] = "t",
}
for _, name in ipairs { "batch", "comparison", "confusion", "curves", "embedding", "gradcam", "lr_finder", "photos",
   "predictions", "runs", "schedule", "top_losses" } do
   RETURNS["plot." .. name] = "figure"
end
for _, name in ipairs { "constant", "cosine", "cosine_restarts", "exponential", "linear", "multistep", "one_cycle", "plateau",
   "step", "warmup", "warmup_cosine" } do
   RETURNS["schedule." .. name] = "schedule"
end
for _, name in ipairs { "arange", "eye", "full", "linspace", "ones", "rand", "randint", "randn", "randperm", "tensor",
   "zeros" } do RETURNS[name] = "t" end
for _, name in ipairs { "crop", "effect", "flip", "jitter", "pad_square", "random_resized_crop", "resize", "resized_crop",
   "rotate" } do
   RETURNS["image:" .. name] = "image"
end

return RETURNS
