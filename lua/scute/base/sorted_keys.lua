--- The keys of a table as a list, in order: for what has to come out the same in every run.
return function(map)
   local keys = {}
   for key in pairs(map) do keys[#keys + 1] = key end
   table.sort(keys)
   return keys
end
