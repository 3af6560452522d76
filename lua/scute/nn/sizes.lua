-- Checks of the sizes that layers are made with.
local sizes = {}

local function is_whole(value, least)
   local whole = math.type(value) and math.tointeger(value)
   return whole ~= nil and whole >= least
end

--- Raises unless value is a whole number of at least `least`.
function sizes.check(layer, name, value, least)
   if is_whole(value, least) then return end
   error(("nn.%s: %s: expected a whole number of at least %d, found %s"):format(layer, name, least, tostring(value)), 0)
end

--- The same for one such number or {vertical, horizontal}.
function sizes.check_pair(layer, name, value, least)
   if type(value) ~= "table" then return sizes.check(layer, name, value, least) end
   if #value == 2 and is_whole(value[1], least) and is_whole(value[2], least) then return end
   error(("nn.%s: %s: expected a whole number of at least %d or {vertical, horizontal}"):format(layer, name, least), 0)
end

return sizes
