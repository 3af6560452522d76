--- Answers by the path of their photo, those without one by their place.
return function(list)
   local found = {}
   for i, answer in ipairs(list) do found[answer.path or i] = answer end
   return found
end
