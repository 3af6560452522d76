-- Plain values as texts by which they are compared.
local sorted_keys = require "scute.base.sorted_keys"

-- The shortest text that is read back as the same number.
local function number_text(value)
   local text = ("%.15g"):format(value)
   return tonumber(text) == value and text or ("%.17g"):format(value)
end

-- One text for equal values: plain tables with their keys in order.
local function text_of(value)
   if type(value) == "number" then return number_text(value) end
   if type(value) ~= "table" then return tostring(value) end
   local parts = {}
   for _, key in ipairs(sorted_keys(value)) do
      local entry = value[key]
      if type(entry) ~= "function" then parts[#parts + 1] = tostring(key) .. " = " .. text_of(entry) end
   end
   return "{" .. table.concat(parts, ", ") .. "}"
end

return text_of
