-- Which photos of a batch each of several processes has (scute.train.parallel): a stretch of every batch that trains, whole
-- batches by turns of what is looked at in no order.
local scute = require "scute.core"
local console = require "scute.base.console"
local shares = {}

local world = scute.world

-- How many processes get photos of a batch of n: the first ones.
local function takers_of(n, least)
   return math.max(1, math.min(world.size, n // least))
end

-- The numbers of this process's photos among `first` to `last`; who has some has at least `least`, where there are as many.
local function share(first, last, least)
   local n, rank = last - first + 1, world.rank
   local takers = takers_of(n, least)
   if rank >= takers then return last + 1, last end
   return first + n * rank // takers, first + n * (rank + 1) // takers - 1
end

local STATISTICS = { running_mean = "mean", running_var = "mean", num_batches_tracked = "count" }

-- "mean" or "count" for a buffer that batch norm moves as it trains now; else nothing.
local function how_it_moves(name, owner)
   local what = STATISTICS[name:match "[^.]*$"]
   return what and owner.training and not (owner.fixed or owner.synchronised) and what
end

--- What batch norm moves as it trains now, each process by its own photos: statistics, and counts of batches.
function shares.moving(run)
   local statistics, counts = {}, {}
   for name, tensor, owner in run.model:named_buffers() do
      local what = how_it_moves(name, owner)
      if what then table.insert(what == "mean" and statistics or counts, tensor) end
   end
   return statistics, counts
end

--- The names of all that.
function shares.names_of_moving(run)
   local names = {}
   for name, _, owner in run.model:named_buffers() do
      if how_it_moves(name, owner) then names[#names + 1] = name end
   end
   return names
end

-- What in a run wants two photos in a process, or in a part of a batch; nil where nothing does.
local function wants_two(run)
   if #shares.moving(run) > 0 then return "batch norm that trains" end
   return run.mixes and (run.mixup > 0 and "mixup" or "cutmix") or nil
end

--- How many photos of a batch a process has at least, if it has any: batch norm knows no statistics of a single one, and mixup
-- and cutmix would mix it with itself.
function shares.least(run)
   return wants_two(run) and 2 or 1
end

--- Tells, once in a run, that some processes get no photos of a full batch, and wait. least: see above.
function shares.tell_idle(run, least)
   local takers = takers_of(run.batch_size, least)
   if run.has_idle or takers == world.size then return end
   run.has_idle = true
   run.meter:clear()
   console.line("note: %s wants %d photos in a process: %d of the %d processes get photos of a batch of %d, the others wait; "
      .. "--batch_size %d has some for all, or take fewer processes", wants_two(run), least, takers, world.size,
      run.batch_size, least * world.size)
end

--- The same of an ordered run, of whose parts of a batch some have no photo. least: see above.
function shares.tell_empty(run, least)
   local some = math.max(1, math.min(run.in_parts, run.batch_size // least))
   if run.has_idle or some == run.in_parts or least == 1 then return end
   run.has_idle = true
   run.meter:clear()
   console.line("note: %s wants %d photos in a part: %d of the %d parts of a batch of %d have photos; --batch_size %d has some "
      .. "for all, or take fewer --parts", wants_two(run), least, some, run.in_parts, run.batch_size, least * run.in_parts)
end

-- Shares of the batches behind `skip`: those of full batches, which are all as long, and that of the last one, which may be
-- longer, shorter or empty. Each is { order, size = photos in a batch, behind = batches before it }.
local function shares_of(order, size, steps, skip, share_of)
   local full, last = { order = {}, behind = skip }, { order = {}, behind = steps - 1 }
   for step = skip + 1, steps do
      local from, to = share_of((step - 1) * size + 1, step == steps and #order or step * size)
      local into = step == steps and last or full
      table.move(order, from, to, #into.order + 1, into.order)
      into.size = to - from + 1
   end
   local list = {}
   if #full.order > 0 then list[1] = full end
   if #last.order > 0 then list[#list + 1] = last end
   return list
end

--- This process's photos of each batch of an order: an iterator as photos.source has it, that gives x = false where there are
-- none in a batch (a small one, or none that could be read): the others wait for this process all the same. size: photos in
-- a batch; steps: batches of the whole order, of which the last has what is left; skip: batches that are passed over;
-- read(order, size): iterates over photos in batches of that size, x, y, indices, number of the batch from 1, anything; least:
-- see shares.least; share_of(first, last): in place of that, the first and the last of these photos that are its own.
function shares.batches(order, size, steps, skip, read, least, share_of)
   share_of = share_of or function(first, last) return share(first, last, least) end
   local rest, at, ahead = shares_of(order, size, steps, skip, share_of), skip, nil
   local reading, closing, behind
   local function close()
      if closing then getmetatable(closing).__close(closing) end
      reading, closing = nil, nil
   end
   local function read_next()
      while reading or #rest > 0 do
         if not reading then
            local part, _ = table.remove(rest, 1), nil
            behind = part.behind
            reading, _, _, closing = read(part.order, part.size)
         end
         local x, y, indices, number, more = reading()
         if x then return { x, y, indices, behind + number, more } end
         close()
      end
   end
   return function()
      if at == steps then return nil end
      at = at + 1
      ahead = ahead or read_next()
      if not ahead or ahead[4] > at then return false, false, false, at end
      local x, y, indices, more = ahead[1], ahead[2], ahead[3], ahead[5]
      ahead = nil
      return x, y, indices, at, more
   end, nil, nil, setmetatable({}, { __close = close })
end

--- Whole batches of an order that are this process's: they take turns.
function shares.turns(order, size)
   local own = {}
   for batch = world.rank, (#order - 1) // size, world.size do
      table.move(order, batch * size + 1, math.min((batch + 1) * size, #order), #own + 1, own)
   end
   return own
end

return shares
