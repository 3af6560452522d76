-- Whether a value is in a list.
return function(list, value)
   for _, entry in ipairs(list) do
      if entry == value then return true end
   end
   return false
end
