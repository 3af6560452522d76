-- Random numbers that go on as they were, once the value is closed: code of the user's that is only tried may draw some.
--
--    local random <close> = kept_random() -- luacheck: ignore
local scute = require "scute.core"

return function()
   local state = scute.rng_state()
   return setmetatable({}, { __close = function() scute.rng_state(state) end })
end
