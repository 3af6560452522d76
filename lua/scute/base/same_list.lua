-- Whether two lists have the same entries in the same order.
return function(a, b)
   for i = 1, math.max(#a, #b) do
      if a[i] ~= b[i] then return false end
   end
   return true
end
