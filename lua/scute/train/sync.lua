-- Batch norm over the photos of all processes (--sync_batch_norm), as torch.nn.SyncBatchNorm has it: what several processes
-- learn is what one does, with any number of photos in each.
--
-- The option makes all batch norms of the model that train `synchronised` (see nn.BatchNorm2d) while an epoch trains on photos
-- that are shared out. Each meets the others in forward and in backward, so that all processes go through all layers for every
-- batch. One that has no photo of a batch, which may be small or unreadable, therefore goes along with the photos of the first
-- process that has some: they add nothing to statistics and gradients, and as it does what that one does, no layer and no loss
-- meets anything that it does not meet there (a blank photo might be new to them).
--
-- Layers that the script itself has made synchronised are treated alike, with or without the option: who has no photo would
-- else leave the others waiting in them. Which layers meet is found out anew in each step, since hooks freeze and thaw.
--
-- Where a process runs out of memory all of them begin the step anew, once; then all of them end, since statistics of pieces
-- of a batch would be others.
local scute = require "scute.core"
local console = require "scute.base.console"
local fused = require "scute.nn.fused"
local BatchNorm2d = require("scute.nn.norm").BatchNorm2d
local Module = require "scute.nn.module"
local reducing = require "scute.train.reducing"

local sync = {}

local world = scute.world

-- ---- which layers ----

-- The batch norms of a model by their paths, in its order, each once: those of the library, and those that compute in a way of
-- their own.
local function norms_of(model)
   local found, own, seen = {}, {}, {}
   for path, module in model:named_modules() do
      if Module.is(module, BatchNorm2d) and not seen[module] then
         seen[module] = true
         table.insert(fused.is_own(module, BatchNorm2d) and found or own, { path = path, norm = module })
      end
   end
   return found, own
end

local function all_are_frozen(list)
   for _, entry in ipairs(list) do
      if not entry.norm.fixed then return false end
   end
   return true
end

-- Why the option changes nothing in a run, or nil.
local function nothing_to_do(run, found)
   if #found == 0 then return ": the model has no batch norm" end
   if run.unfreeze or not all_are_frozen(found) then return nil end
   return " as long as all batch norms are frozen, and keep the statistics that they have"
end

-- Fails where a layer that the script has made synchronised may do anything: nobody could go along with it without counting.
local function refuse_own(own)
   for _, entry in ipairs(own) do
      if entry.norm.synchronised then
         console.fail("%s (%s) is synchronised over the processes, and its class computes in a way of its own, of which is not "
            .. "known what it does with photos that do not count; make it a BatchNorm2d, or set synchronised = false",
            entry.path, entry.norm.class_name)
      end
   end
end

--- What of the option is not as one may think; fails where a layer cannot be synchronised.
function sync.tell(run)
   local found, own = norms_of(run.model)
   if run.shared then refuse_own(own) end
   if not run.sync_batch_norm then return end
   if not run.shared then return console.line "note: --sync_batch_norm changes nothing: there is one process" end
   local why = nothing_to_do(run, found)
   if why and #own == 0 then console.line("note: --sync_batch_norm changes nothing%s", why) end
   if #own > 0 then
      console.line("note: --sync_batch_norm: not of %s%s, whose class computes in a way of its own: each process takes the "
         .. "statistics of its own photos there", own[1].path, #own > 1 and (" and %d more"):format(#own - 1) or "")
   end
end

-- ---- an epoch ----

local function set(list, how)
   for _, entry in ipairs(list) do
      entry.value = how and ("%s %s"):format(how, entry.path)
      rawset(entry.norm, "synchronised", entry.value)
   end
end

-- Notes what the script says of a layer now: entry.said = what it has in the field, entry.asks = whether that makes the layer
-- synchronised, entry.value = what stands there since. A hook may say something else from one step to the next.
local function look_at(entry)
   local said = rawget(entry.norm, "synchronised")
   if entry.is_known and said == entry.value then return end
   entry.is_known, entry.said, entry.asks, entry.value = true, said, entry.norm.synchronised, said
end

-- The others wait in the same layers, or all hear that they do not.
local function agree_on(run, joining)
   local paths = {}
   for i, entry in ipairs(joining) do paths[i] = entry.path end
   reducing.agree_anew(run, paths, "synchronised batch norms")
end

-- Makes those layers synchronised that are to be now, and no other one: run.synchronised. Where each process computes whole
-- batches, or parts of them in order, there is nothing to meet for.
local function choose(run)
   local meets, joining, alone = run.feed.shared and not run.ordered, {}, {}
   refuse_own(run.norms.own)
   for _, entry in ipairs(run.norms.found) do
      look_at(entry)
      if meets and (run.sync_batch_norm or entry.asks) and not entry.norm.fixed then
         joining[#joining + 1] = entry
      elseif entry.asks or entry.value ~= entry.said then
         alone[#alone + 1] = entry
      end
   end
   agree_on(run, joining)
   set(joining, "all")
   set(alone, false)
   run.synchronised = #joining > 0 and joining or nil
   if run.synchronised then run.micro = nil end
end

--- Until the value that it returns goes out of scope, batch norms that train are synchronised where the run or the script wants
-- that; then they are as they were. run.synchronised: those layers, while there are any.
function sync.hold(run)
   if not run.shared then return nil end
   local found, own = norms_of(run.model)
   run.norms = { found = found, own = own }
   choose(run)
   return setmetatable({}, { __close = function()
      for _, entry in ipairs(found) do
         if rawget(entry.norm, "synchronised") == entry.value then rawset(entry.norm, "synchronised", entry.said) end
      end
      run.synchronised, run.norms = nil, nil
   end })
end

--- From here on, in this epoch, a process computes for itself alone: it is about to end the run.
function sync.leave(run)
   set(run.synchronised or {}, false)
end

-- ---- a step ----

local function shape_text(tensor)
   return table.concat(tensor.shape, " ")
end

-- What a process has of each batch of a window, as lines: "shape of x;its dtype", or "-".
local function lines_of(window)
   local lines = {}
   for i, batch in ipairs(window) do
      lines[i] = batch.x and ("%s;%s"):format(shape_text(batch.x), batch.x.dtype) or "-"
   end
   return table.concat(lines, "\n")
end

-- By batch of the window, what each rank has said of it (texts by rank from 0).
local function exchange(window)
   local said = {}
   for i = 1, #window do said[i] = {} end
   for rank, text in ipairs(world.texts(lines_of(window))) do
      local i = 0
      for line in text:gmatch "[^\n]+" do
         i = i + 1
         said[i][rank - 1] = line
      end
   end
   return said
end

-- The first rank that has photos of a batch, or nil; and whether one has none.
local function giver_of(said)
   local giver, lacks = nil, false
   for rank = 0, world.size - 1 do
      if said[rank] == "-" then
         lacks = true
      else
         giver = giver or rank
      end
   end
   return giver, lacks
end

-- A tensor of the giver's in all processes. own: it in the giver, and anything in the others.
local function hand_out(giver, own, shape, dtype, device)
   if world.rank == giver then
      world.broadcast(own, giver):free()
      return own
   end
   local blank <close> = scute.zeros(shape, { dtype = dtype, device = device })
   return world.broadcast(blank, giver)
end

-- The photos of the giver, as a batch that counts nothing, where this process has none.
local function stand_in(run, batch, giver, said)
   local text, dtype = said[giver]:match "^(.*);(.*)$"
   local shape = {}
   for size in text:gmatch "%d+" do shape[#shape + 1] = math.tointeger(size) end
   local n = { shape[1] }
   local x = hand_out(giver, batch.x, shape, dtype, run.device)
   local y = hand_out(giver, batch.y, n, "i64", run.device)
   local indices = hand_out(giver, batch.indices, n, "i64", "cpu")
   if world.rank == giver or batch.x then
      if world.rank ~= giver then
         for _, tensor in ipairs { x, y, indices } do tensor:free() end
      end
      return batch
   end
   return { x = x, y = y, indices = indices, stands_in = true }
end

--- The batches of a window that this process goes through: its own, and in place of those of which it has no photo, others' as
-- batches with stands_in. Those of which nobody has one are left out. nil where no layer is synchronised now. Together.
function sync.window(run, window)
   if run.norms then choose(run) end
   if not run.synchronised then return nil end
   local own = {}
   for i, said in ipairs(exchange(window)) do
      local giver, lacks = giver_of(said)
      if giver then own[#own + 1] = lacks and stand_in(run, window[i], giver, said) or window[i] end
   end
   return own
end

--- f(...) for a batch that stands in: no layer counts what it sees.
function sync.beside(run, f, ...)
   set(run.synchronised, "others")
   local back <close> = setmetatable({}, { __close = function() set(run.synchronised, "all") end }) -- luacheck: ignore
   return f(...)
end

-- ---- memory ----

--- Whether a step has to be begun anew since a process has run out of memory, and what it has come to: its result, or why.
-- failed, result: what this process has met. Together, wherever the others are in the step.
function sync.agree(run, failed, result)
   if not run.synchronised then return failed, result end
   local done, why = world.end_attempt(failed)
   if done then return false, result end
   return true, why
end

--- Ends the run where memory is short again. Together.
function sync.refuse(run, why)
   if not run.synchronised then return end
   run.meter:clear()
   console.fail("%s: a batch is not taken in pieces with %s, whose statistics are over all of it; take a smaller --batch_size, "
      .. "or more processes", why, run.sync_batch_norm and "--sync_batch_norm" or "synchronised batch norm")
end

return sync
