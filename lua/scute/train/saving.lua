-- What the first of several processes saves alone: one that fails meanwhile leaves it the time, since the end of one is that of
-- all (see host/core/world.h).
local world = require("scute.core").world

local saving = {}

--- To be held (<close>) around that; all processes come by.
function saving.hold()
   world.saves(true)
   return setmetatable({}, { __close = function() world.saves(false) end })
end

return saving
