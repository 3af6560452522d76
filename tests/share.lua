-- Long suites run in shares, at the same time: of `list` the items that belong to the share "2/4", the second of four.
-- Usage in a suite: local share = dofile "tests/share.lua"; list = share(list, arg[1])
return function(list, text)
   local which, of = text:match "^(%d+)/(%d+)$"
   which, of = tonumber(which), tonumber(of)
   assert(which and of and which >= 1 and which <= of, "a share is for example 2/4, not " .. text)
   local mine = {}
   for i = which, #list, of do mine[#mine + 1] = list[i] end
   return mine
end
