-- Re-identification: who is it? Animals that are known one by one, by their photos.
--
--    local animals = scute.reid.catalogue "turtles"
--    for _, line in ipairs(animals.notes) do print(line) end
local reid = {}

reid.catalogue = require "scute.reid.catalogue"
reid.split = require "scute.reid.split"
reid.set = require "scute.reid.set"
reid.saved = require("scute.reid.saved").read
reid.model = require "scute.reid.model"
reid.loss = require "scute.reid.loss"
reid.embeddings = require "scute.reid.embeddings"
reid.evaluate = require "scute.reid.evaluate"
reid.gallery = require "scute.reid.gallery"
reid.identify = require "scute.reid.identify"

return reid
