-- Ordered training (--ordered): the same bits whatever the number of processes, as long as each has as many threads. Every
-- batch is cut into parts (--parts); where follows from the batch alone. Each part is computed by itself, forward, loss and
-- backward, as if it were the batch, and gradients, losses and weights are added in the order of parts:
-- ((g1 + g2) + g3) + g4, by one process or by several, each of which has a stretch of the parts.
--
-- What is drawn while a photo goes through the network (dropout, stochastic depth) follows from seed, epoch and photo; what a
-- layer draws for a whole part, and mixup and cutmix, from seed, epoch, step and part. Photos of one part, which are two at
-- least then, are mixed among themselves, and a loss of the user's sees one part at a time.
--
-- A batch norm that trains sees the photos of one part, see scute.train.ordered_norms.
local scute = require "scute.core"
local console = require "scute.base.console"
local draw = require "scute.data.draw"
local memory = require "scute.train.memory"
local ordered_norms = require "scute.train.ordered_norms"
local parallel = require "scute.train.parallel"
local ranks_text = require "scute.train.ranks_text"
local reducing = require "scute.train.reducing"
local shares = require "scute.train.shares"

local ordered = {}

local world = scute.world

-- ---- what a run may be ----

--- Takes the options of a run: run.in_parts is into how many parts batches are cut, nil where the run is not ordered.
function ordered.begin(run)
   run.in_parts, run.parts = run.parts, nil
   if not run.ordered then return end
   if run.in_parts < world.size then
      console.fail("--parts %d: there are %d processes, and each is to have a part of a batch; take fewer processes or more "
         .. "parts", run.in_parts, world.size)
   end
   if run.shared and run.device:find "^cuda" then
      console.fail("--ordered: several processes add up in order what is in the host's memory, not on %s; take one process, "
         .. "--device cpu, or leave --ordered out", run.device)
   end
end

--- Fails where the model has a state that would depend on the number of processes.
function ordered.check_state(run)
   if not run.ordered then return end
   ordered_norms.check(run)
end

--- Says in one line what that is.
function ordered.tell(run)
   if not run.ordered then return end
   console.line("ordered: each batch is cut into %s, which are added in their order%s", console.count(run.in_parts, "part"),
      run.device == "cpu" and (": the bits are those of any number of processes with %s each"):format(
         console.count(scute.threads(), "thread")) or "")
end

-- What a processor is and can do, as two texts: its name, and all that matters to which instructions are chosen.
local function processor()
   local file = io.open "/proc/cpuinfo"
   local text = file and file:read "a" or ""
   if file then file:close() end
   local name = text:match "model name%s*:%s*([^\n]*)" or text:match "CPU part%s*:%s*([^\n]*)" or "unknown"
   return name, name .. " " .. (text:match "\nflags%s*:%s*([^\n]*)" or text:match "\nFeatures%s*:%s*([^\n]*)" or "")
end

--- Fails where processes have other numbers of threads, and says where their processors differ. Together.
function ordered.check(run)
   if not (run.ordered and run.shared) then return end
   local texts, others = world.texts(tostring(scute.threads())), world.differing(tostring(scute.threads()))
   if #others > 0 then
      console.fail("--ordered: %s: %s threads, and %s in rank 0; give all processes as many (--threads N)", ranks_text(others),
         texts[others[1] + 1], texts[1])
   end
   local name, all = processor()
   local names, unlike = world.texts(name), world.differing(all)
   if #unlike > 0 then
      console.warn("--ordered: %s: another processor (%s) than rank 0 (%s), which may round otherwise: the bits may depend on "
         .. "the number of processes", ranks_text(unlike), names[unlike[1] + 1], names[1])
   end
end

-- ---- cutting ----

-- How many photos of a batch of n are in the first `part` parts. One that has photos has at least `least`, where there
-- are as many; those that have none are spread among the others.
local function in_first(run, part, n, least)
   local taking = math.max(1, math.min(run.in_parts, n // least))
   return n * (part * taking // run.in_parts) // taking
end

-- The parts of a batch that this process computes: the first and the last. shared: whether others compute the rest.
local function own_parts(run, shared)
   if not shared then return 1, run.in_parts end
   return run.in_parts * world.rank // world.size + 1, run.in_parts * (world.rank + 1) // world.size
end

-- How a batch is cut: { first = number of the first of these parts, sizes = photos in each, numbers = what its photos are known
-- by }. at: the place in the batch, from 1, of each photo; n: places, some of which may be empty.
local function cut_of(run, n, least, at, numbers, shared)
   local first, last = own_parts(run, shared)
   local cut, row = { first = first, sizes = {}, numbers = numbers }, 1
   for part = first, last do
      local size, past = 0, in_first(run, part, n, least)
      while at[row] and at[row] <= past do row, size = row + 1, size + 1 end
      cut.sizes[#cut.sizes + 1] = size
   end
   return cut
end

--- How a batch that all processes compute is cut. numbers: what its photos are known by; least: see shares.least.
function ordered.cut_whole(run, numbers, least)
   local at = {}
   for i = 1, #numbers do at[i] = i end
   return cut_of(run, #numbers, least, at, numbers, false)
end

-- Calls f(from, to, i) for the rows of each part that has some.
local function each_part(cut, f)
   local from = 1
   for i, size in ipairs(cut.sizes) do
      if size > 0 then f(from, from + size - 1, i) end
      from = from + size
   end
end

-- Photos x, which are freed, as f(x, numbers) leaves them, called for one part after the other.
local function through(cut, x, f)
   local list = {}
   each_part(cut, function(from, to)
      list[#list + 1] = f(scute.slice(x, 1, from, to), table.move(cut.numbers, from, to, 1, {}))
   end)
   local all = scute.concat(list, 1)
   for _, part in ipairs(list) do part:free() end
   x:free()
   return all
end

--- This process's photos of each batch, as shares.batches gives them, with how they are cut as a fifth value. The cut is by
-- the places of photos in the order: one that cannot be read is missing in its part, and moves no other. read: gives as a fifth
-- value the numbers of the photos in the order (a list), in which each is once; least: see shares.least; augment(x, numbers):
-- what becomes of the photos of a part; nil: they stay.
function ordered.batches(run, order, size, steps, skip, read, least, augment)
   local place = {}
   for i, number in ipairs(order) do place[number] = i end
   local first, last = own_parts(run, run.shared)
   local function share(from, to)
      local n = to - from + 1
      return from + in_first(run, first - 1, n, least), from + in_first(run, last, n, least) - 1
   end
   local next_batch, _, _, closing = shares.batches(order, size, steps, skip, read, least, share)
   return function()
      local x, y, indices, number, numbers = next_batch()
      if not x then return x, y, indices, number end
      local from, at = (number - 1) * size, {}
      for i, known in ipairs(numbers) do at[i] = place[known] - from end
      local n = (number == steps and #order or number * size) - from
      local cut = cut_of(run, n, least, at, numbers, run.shared)
      return augment and through(cut, x, augment) or x, y, indices, number, cut
   end, nil, nil, closing
end

--- The parts of a window that this process computes, those without photos left out: batches with the fields of a window's, and
-- slot = their number among all parts of the window, numbers = what their photos are known by, draws = what mixing is drawn by.
function ordered.parts(run, window)
   local list, in_step = {}, run.accumulate * run.in_parts
   for i, batch in ipairs(window) do
      local cut = batch.x and (batch.cut or ordered.cut_whole(run, batch.indices:values(), 1)) or { sizes = {} }
      each_part(cut, function(from, to, k)
         local part = memory.piece(batch, from, to)
         part.slot = (i - 1) * run.in_parts + cut.first + k - 1
         part.indices = scute.slice(batch.indices, 1, from, to)
         part.numbers = table.move(cut.numbers, from, to, 1, {})
         part.draws = run.step * in_step + part.slot
         list[#list + 1] = part
      end)
   end
   return list
end

-- ---- computing ----

-- From here on, until the value that it returns goes out of scope, what is drawn is the part's, and its photos'.
local function draws_of(run, part)
   local state, keys = scute.rng_state(), {}
   for i, number in ipairs(part.numbers) do keys[i] = draw.key(run.epoch, number) end
   local tensor = scute.tensor(keys, { dtype = "i64", device = run.device })
   scute.rng_state(draw.of_part(run.seed, run.epoch, run.step, part.slot))
   scute.row_keys(tensor)
   return setmetatable({}, { __close = function()
      scute.row_keys()
      scute.rng_state(state)
      tensor:free()
   end })
end

local function refuse_to_halve(run, list)
   run.meter:clear()
   console.fail("out of memory for a part of %s; with more --parts there are fewer in one, which is another run",
      console.count(list[1].y:numel(), "photo"))
end

-- compute(part) with the random numbers of the part.
local function compute_part(run, part, compute)
   return memory.within(run, { part }, function()
      local drawn <close> = draws_of(run, part) -- luacheck: ignore
      return compute(part)
   end, refuse_to_halve)
end

-- ---- adding gradients ----

local Sum = {}
Sum.__index = Sum

-- A sum of the gradients of everything that can train, over the parts of a window.
local function new_sum(run)
   local shared = run.feed.shared
   local sum = setmetatable({ run = run, shared = shared, parameters = reducing.parameters(run), totals = {}, has = {},
      mine = {} }, Sum)
   for i, parameter in ipairs(sum.parameters) do
      sum.has[i] = 0
      sum.totals[i] = shared and scute.zeros(parameter.shape, { dtype = parameter.dtype }) or false
   end
   return sum
end

-- Adds one to a total, which it frees. A total is never -0, as those of several processes, which start as zeros.
local function added(total, gradient)
   local own <close> = gradient
   if not total then return own + 0 end
   local one <close> = total
   return one + own
end

-- Takes the gradients of the part that was computed last; none: it has no photos.
function Sum:take(none)
   local list = {}
   for i, parameter in ipairs(self.parameters) do
      local gradient = not none and parameter.grad or false
      if gradient then self.has[i] = 1 end
      if gradient and not self.shared then
         self.totals[i] = scute.no_grad(added, self.totals[i], gradient)
      else
         list[i] = gradient
      end
   end
   if self.shared then self.mine[#self.mine + 1] = list end
   self.run.optimizer:zero_grad()
end

-- To be called when all parts of a batch are taken. Together.
function Sum:end_batch()
   if not self.shared then return end
   world.add_parts(self.totals, self.mine, self.run.in_parts)
   for _, list in ipairs(self.mine) do
      for _, gradient in ipairs(list) do
         if gradient then gradient:free() end
      end
   end
   self.mine = {}
end

-- Makes the sums the parameters' gradients. Together.
function Sum:finish()
   local has = self.has
   if self.shared then
      world.share_totals(self.totals, self.run.in_parts)
      has = world.sums(has)
   end
   for i, total in ipairs(self.totals) do
      if has[i] == 0 then
         if total then total:free() end
         self.totals[i] = false
      end
   end
   world.set_gradients(self.parameters, self.totals)
   for _, total in ipairs(self.totals) do
      if total then total:free() end -- the handle; the parameter keeps its gradient
   end
end

--- Gradients of a window: sums over the losses of its photos, of all processes. parts: see ordered.parts; n: batches of the
-- window; seen: gets what compute(part) returns for each part, and n and weight of all of them. Together.
function ordered.gradients(run, parts, n, seen, compute)
   local first, last = own_parts(run, run.feed.shared)
   run.optimizer:zero_grad()
   local sum, at = new_sum(run), 1
   local norms <close> = ordered_norms.begin(run, n * run.in_parts)
   for batch = 1, n do
      for number = first, last do
         local part, slot = parts[at], (batch - 1) * run.in_parts + number
         local is_there = part and part.slot == slot
         if is_there then
            norms:begin_part()
            local found = compute_part(run, part, compute)
            found.slot, seen[at], at = slot, found, at + 1
            seen.n, seen.weight = seen.n + found.n, seen.weight + found.weight
            norms:take(slot)
         end
         sum:take(not is_there)
      end
      sum:end_batch()
   end
   sum:finish()
   norms:finish()
   memory.free_pieces(parts, {})
   return seen
end

-- Numbers of parts, in their order, each of which one process knows and the others have 0 for. Together.
local function summed(run, numbers)
   return run.feed.shared and world.sums(numbers) or numbers
end

--- Adds up what the parts of a step have counted: seen.total = { n, weight, before = photos of lower ranks, slots = parts,
-- failed = whether a process has met what ends the run }, and makes sums of gradients means. False where that is so, or nobody
-- had a photo: then there is no step. Together.
function ordered.gather(run, seen)
   if not run.feed.shared and not parallel.is_fine(run, seen) then return false end
   local slots, counts = #seen.window * run.in_parts, {}
   for i = 1, 2 * slots do counts[i] = 0 end
   for _, part in ipairs(seen) do counts[part.slot], counts[slots + part.slot] = part.n, part.weight end
   counts[2 * slots + 1] = seen.failed and 1 or 0
   counts = summed(run, counts)
   local total, first = { n = 0, weight = 0, before = 0, slots = slots }, own_parts(run, run.feed.shared)
   for slot = 1, slots do
      local n = math.tointeger(counts[slot])
      total.n, total.weight = total.n + n, total.weight + counts[slots + slot]
      if (slot - 1) % run.in_parts + 1 < first then total.before = total.before + n end
   end
   total.failed = counts[2 * slots + 1] > 0
   seen.total = total
   if total.n == 0 or total.failed then return false end
   run.optimizer:scale_grad(parallel.unit(run) / total.weight)
   return true
end

--- The losses of a step's parts, each times its weight, in their order; 0 for those of other processes. losses: of those in
-- seen.
function ordered.losses(seen, losses)
   local list = {}
   for slot = 1, seen.total.slots do list[slot] = 0 end
   for i, part in ipairs(seen) do list[part.slot] = losses[i] * part.weight end
   return list
end

return ordered
