--- The option of all formats that says what is known of a model beside its weights.
local options = require "scute.base.options"

local IS_PLAIN = {
   string = function(text) return utf8.len(text) ~= nil end,
   number = function(x) return x == x and x ~= math.huge and x ~= -math.huge end, -- JSON has no other
   boolean = function() return true end,
}

local function is_about(value)
   if type(value) ~= "table" then return false end
   for key, entry in pairs(value) do
      local is_plain = IS_PLAIN[type(entry)]
      if type(key) ~= "string" or not utf8.len(key) or not is_plain or not is_plain(entry) then return false end
   end
   return true
end

return { "about", is = options.typed(is_about, "table"), expected = "texts (in UTF-8), finite numbers and truth values by "
   .. "name, as in { accuracy = 0.9 }", show = "nothing", help = "what is known of it beside its weights, for the file: as "
   .. "scute.export.about gives it, or texts of your own" }
