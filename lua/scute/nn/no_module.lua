-- What to say of a value that stands where a module is expected: what it is, and how a layer is made of it.
local LAYER = [[; make a layer of it: local F = nn.Module:extend "F"; function F:forward(x) return f(x) end; then F()]]

local function is_callable(value)
   local meta = getmetatable(value)
   return type(value) == "function" or type(meta) == "table" and meta.__call ~= nil
end

--- "expected a module, found a function; make a layer of it: ..."
return function(value)
   local kind, text = type(value), tostring(value)
   local class = kind == "table" and text:match "^class (%w+)"
   if class then return ("expected a module, found the class %s; write %s() or %s { ... }"):format(class, class, class) end
   local named = kind == "table" and text:match "^scute%.kernel [^:]*" or kind == "nil" and "nothing" or "a " .. kind
   return ("expected a module, found %s%s"):format(named, is_callable(value) and LAYER or "")
end
