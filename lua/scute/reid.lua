-- Re-identification: who is it? Animals that are known one by one, by their photos.
--
--    local animals = scute.reid.catalogue "turtles"
--    for _, line in ipairs(animals.notes) do print(line) end
local reid = {}

reid.catalogue = require "scute.reid.catalogue"

return reid
