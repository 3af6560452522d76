--- The numbers of the photos that can be read, a list for each class; and how many there are. part: as samplers get it.
return function(part)
   local lists, n = {}, 0
   for class in ipairs(part.classes) do lists[class] = {} end
   for i, class in ipairs(part.labels) do
      if not part.bad[i] then
         table.insert(lists[class], i)
         n = n + 1
      end
   end
   return lists, n
end
