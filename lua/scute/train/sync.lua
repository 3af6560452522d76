-- Batch norm over the photos of all processes (--sync_batch_norm), as torch.nn.SyncBatchNorm has it: what several processes
-- learn is what one does, with any number of photos in each.
--
-- The option makes all batch norms of the model that train `synchronised` (see nn.BatchNorm2d) while an epoch trains on photos
-- that are shared out. Each meets the others in forward and in backward, so that all processes go through all layers for every
-- batch. One that has no photo of a batch, which may be small or unreadable, therefore goes along with the photos of the first
-- process that has some: they add nothing to statistics and gradients, and as it does what that one does, no layer and no loss
-- meets anything that it does not meet there (a blank photo might be new to them).
--
-- Where a process runs out of memory all of them begin the step anew, once; then all of them end, since statistics of pieces
-- of a batch would be others.
local scute = require "scute.core"
local console = require "scute.base.console"
local fused = require "scute.nn.fused"
local BatchNorm2d = require("scute.nn.norm").BatchNorm2d
local Module = require "scute.nn.module"

local sync = {}

local world = scute.world

-- ---- which layers ----

-- The batch norms of a model by their paths, in its order: those of the library, and those that compute in a way of their own.
local function norms_of(model)
   local found, own = {}, {}
   for path, module in model:named_modules() do
      if Module.is(module, BatchNorm2d) then
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
   if #found == 0 then return "the model has no batch norm" end
   if run.unfreeze or not all_are_frozen(found) then return nil end
   return "all batch norms are frozen, and keep the statistics that they have"
end

--- What of the option is not as one may think.
function sync.tell(run)
   if not run.sync_batch_norm then return end
   if not run.shared then return console.line "note: --sync_batch_norm changes nothing: there is one process" end
   local found, own = norms_of(run.model)
   local why = nothing_to_do(run, found)
   if why and #own == 0 then console.line("note: --sync_batch_norm changes nothing: %s", why) end
   if #own > 0 then
      console.line("note: --sync_batch_norm: not of %s%s, whose class computes in a way of its own: each process takes the "
         .. "statistics of its own photos there", own[1].path, #own > 1 and (" and %d more"):format(#own - 1) or "")
   end
end

-- ---- an epoch ----

local function that_train(list)
   local found = {}
   for _, entry in ipairs(list) do found[#found + 1] = not entry.norm.fixed and entry or nil end
   return found
end

local function set(list, how)
   for _, entry in ipairs(list) do rawset(entry.norm, "synchronised", how and ("%s %s"):format(how, entry.path)) end
end

--- Until the value that it returns goes out of scope, batch norms that train are synchronised where the run wants that; then
-- they are as they were. run.synchronised: those layers, while there are any.
function sync.hold(run)
   local list = run.sync_batch_norm and run.feed.shared and that_train((norms_of(run.model))) or {}
   local before = {}
   for i, entry in ipairs(list) do before[i] = rawget(entry.norm, "synchronised") end
   set(list, "all")
   run.synchronised = #list > 0 and list or nil
   if run.synchronised then run.micro = nil end
   return setmetatable({}, { __close = function()
      for i, entry in ipairs(list) do rawset(entry.norm, "synchronised", before[i]) end
      run.synchronised = nil
   end })
end

--- From here on, in this epoch, a process computes for itself alone: it is about to end the run.
function sync.leave(run)
   set(run.synchronised or {}, nil)
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
-- batches with stands_in. Those of which nobody has one are left out. Together.
function sync.window(run, window)
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
   console.fail("%s: a batch is not taken in pieces with --sync_batch_norm, whose statistics are over all of it; take a "
      .. "smaller --batch_size, or more processes", why)
end

return sync
