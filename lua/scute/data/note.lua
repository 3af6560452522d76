-- Notes about classes: one line however many they are.
local NAMED = 8 -- classes in a line

--- Adds a note about the classes `names` to the list `notes`, if there are any. one, many: what is said of a single class, and
-- of several.
return function(notes, names, one, many)
   if #names == 0 then return end
   local shown = {}
   for i = 1, math.min(#names, NAMED) do shown[i] = ("'%s'"):format(names[i]) end
   notes[#notes + 1] = #names == 1 and ("class %s %s"):format(shown[1], one)
      or ("%d classes %s: %s%s"):format(#names, many, table.concat(shown, ", "), #names > NAMED and ", ..." or "")
end
