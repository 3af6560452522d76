--- The keys of a table as a list, in order: for what has to come out the same in every run.
return function(map)
   local keys = {}
   for key in pairs(map) do keys[#keys + 1] = key end
   table.sort(keys, function(a, b)
      if type(a) == type(b) then return a < b end
      return type(a) < type(b)
   end)
   return keys
end
