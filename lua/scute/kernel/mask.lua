-- Names of a list as bits, as the core knows the inputs and outputs of an op.

--- Bit i is set where the i-th name of the list (from 0), behind the prefix, is in a set.
return function(list, set, prefix)
   local bits = 0
   for i, name in ipairs(list) do
      if set[(prefix or "") .. name] then bits = bits | 1 << (i - 1) end
   end
   return bits
end
