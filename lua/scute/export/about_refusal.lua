-- What of the option `about` no file can hold.
local console = require "scute.base.console"

local IS_PLAIN = {
   string = function(text) return utf8.len(text) ~= nil end,
   number = function(x) return x == x and math.abs(x) ~= math.huge end, -- JSON has no other
   boolean = function() return true end,
}

local function is_plain(value)
   local check = IS_PLAIN[type(value)]
   return check ~= nil and check(value)
end

--- Why `about`, a table or nil, cannot stand in a file; nil where it can.
return function(about)
   for key, value in pairs(about or {}) do
      if type(key) ~= "string" or not is_plain(key) then
         return ("about: expected texts and numbers by name, as in { accuracy = 0.9 }, found one at %s"):format(
            console.brief(key))
      elseif not is_plain(value) then
         return ("about: '%s': expected a text in UTF-8, a finite number or a truth value, found %s"):format(key,
            console.brief(value))
      end
   end
end
