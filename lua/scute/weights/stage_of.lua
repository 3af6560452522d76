--- Where a block stands that is numbered through all stages of a network: the stage, from 1, and the block in it, from 0; nil
-- where there are not so many. counts: the blocks of each stage. number: from 0.
return function(counts, number)
   for stage, count in ipairs(counts) do
      if number < count then return stage, number end
      number = number - count
   end
end
