-- Gradients of several processes (scute.world) added up while backward goes on: see host/core/reducer.h. All processes go
-- through prepare() and finish() in each update; between them each has as many backwards as it has batches, or pieces of them,
-- of which the last one is watched.
local console = require "scute.base.console"
local ranks_text = require "scute.train.ranks_text"
local shares = require "scute.train.shares"
local world = require("scute.core").world

local reducing = {}

--- Everything that can train, in the same order everywhere.
function reducing.parameters(run)
   local list = {}
   for _, group in ipairs(run.optimizer.groups) do
      for _, entry in ipairs(group.parameters) do
         if entry[2].requires_grad then list[#list + 1] = entry[2] end
      end
   end
   return list
end

--- Fails in all processes where `names` of what trains are not the same in all of them. what: they are. Together.
function reducing.agree(names, what)
   local others = world.differing(table.concat(names, "\n"))
   if #others == 0 then return end
   console.fail("%s: other %s train than in rank 0 (there are %d in rank %d): what freezes or unfreezes has to do so in all "
      .. "processes", ranks_text(others), what, #names, world.rank)
end

--- The same in each step, for who finds that other ones train than in the one before: processes in which none changed are on
-- their way to a sum, and hear of it there. Where nothing changes nobody waits.
function reducing.agree_anew(run, names, what)
   local known, text = run.training or {}, table.concat(names, "\n")
   run.training = known
   if text == (known[what] or "") then return end
   known[what] = text
   world.same_call(("a step with other %s (%d) than before"):format(what, #names))
   reducing.agree(names, what)
end

--- Fails in all processes where other parameters train in one of them, as where a hook has frozen some there alone: from then
-- on it would add up something else than the others, or read other photos. Together.
function reducing.compare(run)
   if not run.shared then return end
   local names = {}
   for _, group in ipairs(run.optimizer.groups) do
      for _, entry in ipairs(group.parameters) do
         if entry[2].requires_grad then names[#names + 1] = ("%s %s"):format(entry[1], table.concat(entry[2].shape, " ")) end
      end
   end
   reducing.agree(names, "parameters")
end

local function is_same(one, other)
   if #one ~= #other then return false end
   for i, tensor in ipairs(one) do
      if tensor ~= other[i] then return false end
   end
   return true
end

-- In an ordered run sums go another way, in the order of parts.
local function is_wanted(run)
   return run.feed.shared and not run.ordered
end

-- Only hooks that see steps change in mid-epoch which ones train; a look at all layers takes as long as a small layer.
local function prepare_norms(run)
   local is_first = run.prepared ~= run.epoch
   run.prepared = run.epoch
   if not (is_first or run.has_step_hooks) then return end
   reducing.agree_anew(run, shares.names_of_moving(run), "statistics of batch norm")
end

local function free(run)
   if run.reducing and run.reducing.reducer then run.reducing.reducer:free() end
   run.reducing = nil
end

--- Makes ready for the sums of an update, anew where other parameters or batch norms train than in the one before. Together.
function reducing.prepare(run)
   if not run.feed.shared then return end
   local list, before = reducing.parameters(run), run.reducing
   if not (before and is_same(before.list, list)) then
      free(run)
      local reducer = is_wanted(run) and world.reducer(list)
      if not reducer then world.same_call(("sums of the gradients of %d parameters"):format(#list)) end
      run.reducing = { list = list, reducer = reducer }
      reducing.compare(run) -- of the same shapes they may be others
   end
   prepare_norms(run)
end

--- To be held (<close>) around the last backward of an update, in which sums begin; nil for any other one.
function reducing.beside(run, is_last)
   if not is_last or not is_wanted(run) then return nil end
   local reducer = run.reducing.reducer
   reducer:watch()
   return setmetatable({}, { __close = function() reducer:unwatch() end })
end

--- All sums of the update begin, before this process meets the others in another way: see host/core/reducer.h. is_spoiled: a
-- backward has failed, and the update is begun anew.
function reducing.begin_rest(run, is_spoiled)
   if run.reducing and is_wanted(run) then run.reducing.reducer:begin_rest(is_spoiled) end
end

--- Gradients become the sums over all processes. Together.
function reducing.finish(run)
   run.reducing.reducer:finish()
end

--- The hook that gives its memory back at the end of a run.
reducing.hook = {
   on_fit_end = free,
}

return reducing
