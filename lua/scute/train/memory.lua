-- Training with less memory than a batch needs: where it runs out, the photos of an update are taken in halves, and in halves
-- of those, with the gradients added up. The photos of an update and the learning rate stay what they were.
local scute = require "scute"
local console = require "scute.base.console"
local ranks_text = require "scute.train.ranks_text"
local reducing = require "scute.train.reducing"
local sync = require "scute.train.sync"

local memory = {}

local world = scute.world

-- ---- pieces of a window ----

--- The photos from .. to of a batch, as a batch.
function memory.piece(batch, from, to)
   local part = { y = scute.slice(batch.y, 1, from, to), x = scute.slice(batch.x, 1, from, to), share = batch.share,
      whole = batch.x }
   if batch.partner then part.partner = scute.slice(batch.partner, 1, from, to) end
   return part
end

--- The batches of a window in pieces of at most `micro` photos (nil: as they are).
function memory.pieces(window, micro)
   local list = {}
   for _, batch in ipairs(window) do
      local n = batch.y:numel()
      if not micro or n <= micro then
         list[#list + 1] = batch
      else
         for from = 1, n, micro do list[#list + 1] = memory.piece(batch, from, math.min(from + micro - 1, n)) end
      end
   end
   return list
end

--- Frees what pieces() made and the window did not have.
function memory.free_pieces(list, window)
   local kept = {}
   for _, batch in ipairs(window) do kept[batch] = true end
   for _, batch in ipairs(list) do
      if not kept[batch] then
         for _, key in ipairs { "x", "y", "partner", "indices" } do
            if batch[key] then batch[key]:free() end
         end
      end
   end
end

-- ---- pieces where all processes compute the same ----

--- The smallest of what processes take of their photos at a time; 0, which is all at once, where all of them do that.
function memory.smallest(micros)
   local least = 0
   for _, micro in ipairs(micros) do
      if micro > 0 and (least == 0 or micro < least) then least = micro end
   end
   return least
end

--- Pieces in some of them would round otherwise than what the others have: where they compute the same from here on, all take
-- the smallest that any of them took of its photos.
function memory.level(run)
   if not run.shared or run.feed.shared or not run.micros then return end
   local least = memory.smallest(run.micros)
   for i = 1, #run.micros do run.micros[i] = least end
   run.micro = least > 0 and least or nil
end

--- Adds to numbers that are summed over the processes what each takes of its photos at a time.
function memory.add_pieces(run, numbers)
   for rank = 0, world.size - 1 do numbers[#numbers + 1] = rank == world.rank and run.micro or 0 end
   return numbers
end

--- What came of that: memory that was short in all of them alike has all go on in the same pieces; where it was in some alone
-- the run ends. Together.
function memory.check_pieces(run, sums)
   local micros, before, short = table.move(sums, #sums - world.size + 1, #sums, 1, {}), run.micros or {}, {}
   for i, micro in ipairs(micros) do
      micros[i] = math.tointeger(micro)
      if micros[i] ~= (before[i] or 0) then short[#short + 1] = i - 1 end
   end
   run.micros = micros
   if #short == 0 then return end
   local is_alike = #short == world.size and memory.smallest(micros) == math.max(table.unpack(micros))
   if is_alike then return memory.tell(run, micros[1]) end
   run.meter:clear()
   console.fail("%s: out of memory, and not as in the others; each of the %d processes computes the whole batch here, in "
      .. "pieces only where memory is as short in all of them; take a smaller --batch_size", ranks_text(short), world.size)
end

-- ---- trying again ----

local function is_out_of_memory(err)
   return scute.error_kind(err) == "out of memory"
end

-- What a failed attempt may have moved: random numbers and running statistics. Returns a function that puts it back (with
-- true) or forgets it.
local function remember(run)
   local kept = {}
   for _, buffer in run.model:named_buffers() do kept[#kept + 1] = { buffer, buffer:clone() } end
   local state = scute.rng_state()
   return function(back)
      if back then scute.rng_state(state) end
      for _, entry in ipairs(kept) do
         if back then entry[1]:copy_(entry[2]) end
         entry[2]:free()
      end
   end
end

--- Says that batches are taken in pieces of so many photos from here on. who: in front of that, which processes do; nil: this
-- one, which is alone.
function memory.tell(run, micro, who)
   run.meter:clear()
   console.warn("%sout of memory: from here on %s at a time, with the gradients of a batch added up, so that batch size and "
      .. "learning rate stay as they are (batch norm sees the smaller batches)", who and who .. ": " or "",
      console.count(micro, "photo"))
end

-- Of several processes all hear of it as they next meet (see parallel.gather).
local function halve(run, window, err)
   local largest = 0
   for _, batch in ipairs(window) do largest = math.max(largest, batch.y:numel()) end
   largest = math.min(largest, run.micro or largest)
   if largest == 1 then error(err, 0) end
   run.micro = (largest + 1) // 2
   if not run.shared then memory.tell(run, run.micro) end
end

-- Whether it is all to be begun anew, and what it has come to, see sync.agree. Wherever that may be, no process waits for a
-- sum of gradients that another one has not begun: one that gives memory of a GPU back waits for all that it has begun.
local function agree(run, failed, result)
   if failed or run.synchronised then reducing.begin_rest(run, failed) end
   local again, found = sync.agree(run, failed, result)
   if again and not failed then reducing.begin_rest(run, true) end
   return again, found
end

--- gradients(run, window), in smaller pieces as often as memory asks for it. Memory may run out in any step, not only where a
-- new shape asks for more. otherwise: what is done in place of that, see halve.
function memory.within(run, window, gradients, otherwise)
   local collected = false -- garbage may have been all that was in the way
   while true do
      local settle = remember(run)
      local ok, result = pcall(gradients, run, window)
      local again = not ok and is_out_of_memory(result)
      if ok or again then again, result = agree(run, again, result) end
      settle(again)
      if ok and not again then
         return result
      elseif not again then
         error(result, 0)
      end
      run.optimizer:zero_grad()
      collectgarbage()
      scute.flush()
      if collected then sync.refuse(run, result) end
      if collected then (otherwise or halve)(run, window, result) end
      collected = true
   end
end

return memory
