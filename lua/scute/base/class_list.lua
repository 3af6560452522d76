--- Lists of class names: what two of them have in common, and how they read in a line.
local class_list = {}

local SHOWN = 5

--- How two lists without repeats compare: "same", "another order" (the same names) or "other".
function class_list.compare(a, b)
   if #a ~= #b then return "other" end
   local at, moved = {}, false
   for i, name in ipairs(a) do at[name] = i end
   for i, name in ipairs(b) do
      if not at[name] then return "other" end
      moved = moved or at[name] ~= i
   end
   return moved and "another order" or "same"
end

--- "red, blue", or the first five and how many more.
function class_list.text(names)
   local shown = table.concat(names, ", ", 1, math.min(#names, SHOWN))
   return #names > SHOWN and ("%s and %d more"):format(shown, #names - SHOWN) or shown
end

return class_list
