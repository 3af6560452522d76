-- Numbers of processes in words.

--- "rank 1", or "ranks 1, 2", of a list.
return function(list)
   return (#list == 1 and "rank " or "ranks ") .. table.concat(list, ", ")
end
