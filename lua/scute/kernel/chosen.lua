-- What a text mentions, of all that it might.

--- The entries of `all` ({ name, place }) whose names are in a set.
return function(all, wanted)
   local list = {}
   for _, entry in ipairs(all) do
      if wanted[entry[1]] then list[#list + 1] = entry end
   end
   return list
end
