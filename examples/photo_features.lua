-- What a network sees in a photo: the numbers before its head, by which photos can be compared.
-- Run it:  ./scute examples/photo_features.lua photo.jpg imagenet
-- The second argument is where the weights come from: "imagenet", a file, or "none" (random numbers, which see little).
local scute = require "scute"

local here = arg[0]:match "^(.*)/" or "."
local photo, weights = arg[1] or here .. "/photo.jpg", arg[2] or "none"

local model = scute.models.mobilenet_v2 { classes = 1, pretrained = weights }
local image = scute.image.load(photo)
print(("%s: %d x %d pixels"):format(photo, image.width, image.height))

-- A photo is prepared as the network was trained: resized, cropped, normalised.
local x = image:preprocess(model.preprocessing) -- (1, 3, 224, 224)
local features = model:embed(x)                 -- (1, 1280)
print(features)

-- The same photo at half the size should look much the same to it; noise should not.
local half = image:resize { width = image.width // 2, height = image.height // 2 }:preprocess(model.preprocessing)

local function cosine(a, b)
   return ((a * b):sum() / ((a * a):sum() * (b * b):sum()):sqrt()):item()
end
print(("similarity to itself at half the size: %.3f"):format(cosine(features, model:embed(half))))
print(("similarity to noise:                   %.3f"):format(cosine(features, model:embed(scute.randn(x.shape)))))
