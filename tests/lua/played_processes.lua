-- Several processes that are played by one, which is one after the other of them; and photos for them.
local world = require("scute.core").world
local played = {}

--- f() as in the process `rank` of `size`.
function played.as(rank, size, f)
   local function is(own_rank, own_size)
      rawset(world, "rank", own_rank)
      rawset(world, "size", own_size)
   end
   is(rank, size)
   local results = table.pack(pcall(f))
   is(nil, nil)
   if not results[1] then error(results[2], 0) end
   return table.unpack(results, 2, results.n)
end

--- 1 to n.
function played.numbers(n)
   local list = {}
   for i = 1, n do list[i] = i end
   return list
end

--- As photos.source has it: batches of a list without those photos that cannot be read; a batch of which there are none is
-- passed over.
function played.reader(bad)
   return function(list, size)
      local at = 0
      return function()
         while at < #list do
            local batch, number = {}, at // size + 1
            for i = at + 1, math.min(at + size, #list) do
               if not bad[list[i]] then batch[#batch + 1] = list[i] end
            end
            at = at + size
            if #batch > 0 then return batch, batch, batch, number, batch end
         end
      end
   end
end

return played
