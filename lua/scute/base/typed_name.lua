--- The name by which the program was started, as it was typed: for commands that are shown to be typed again.
return function()
   local words, first = rawget(_G, "arg"), 0
   if type(words) ~= "table" then return "./scute" end
   while words[first - 1] do first = first - 1 end
   return first < 0 and tostring(words[first]) or "./scute"
end
