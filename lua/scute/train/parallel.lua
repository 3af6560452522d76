-- Several processes (scute.world) that train one model together: each has the whole model and a share of the photos of every
-- batch. After backward the gradients are added up, so that all of them take the same step, and what is counted is counted over
-- all photos: rows, best epochs, early stopping and schedules agree in all of them, and equal those of one process but for the
-- last digits of sums. The first process alone has a folder, and speaks.
--
-- Every function here that a comment calls "together" is called by all of them at the same place, and waits for the others.
local scute = require "scute.core"
local console = require "scute.base.console"
local memory = require "scute.train.memory"
local ranks_text = require "scute.train.ranks_text"
local reducing = require "scute.train.reducing"
local shares = require "scute.train.shares"
local parallel = {}

local world = scute.world

-- ---- what a run may be ----

-- Fails in all of them where they do not compute on devices of one kind, of which each has one to itself. Together.
local function check_devices(run)
   local name = scute.device(run.device)
   local kind = name:match "^[^:]*"
   if kind ~= "cpu" and kind ~= "cuda" then
      console.fail("--device %s: several processes train on the CPU, or with a GPU each; start one process alone, or use "
         .. "--device cpu", run.device)
   end
   local users, texts = {}, world.texts(("%s %d %d"):format(name, world.computer()))
   for rank, text in ipairs(texts) do
      local other = text:match "^[^: ]*"
      if other ~= kind then
         console.fail("rank %d computes on %s and rank %d on %s: all processes of a run compute on devices of one kind",
            world.rank, name, rank - 1, text:match "^%S*")
      end
      if kind == "cuda" and users[text] then
         console.fail("--device %s: ranks %d and %d would share one GPU, which NCCL does not do; --device cuda gives each of a "
            .. "computer's processes a GPU of its own", text:match "^%S*", users[text], rank - 1)
      end
      users[text] = rank - 1
   end
   world.connect(name)
end

--- Whether a run is shared, as run.shared; fails where it cannot be.
function parallel.begin(run)
   run.shared = world.size > 1
   if not run.shared then return end
   check_devices(run)
   run.heard = {}
   run.interrupted = function() return run.told_to_stop end
end

--- Fails where a batch that is shared out has fewer photos than there are processes. Call when batch_size is what it stays.
function parallel.check_batch(run)
   if run.shared and not run.ordered and run.batch_size < world.size then
      console.fail("--batch_size %d: there are %d processes, and each needs a photo of a batch; take fewer processes or larger "
         .. "batches", run.batch_size, world.size)
   end
end

-- ---- stopping ----

-- What each of them was told by a signal, and whether it asks for a checkpoint, as three numbers.
local function flags_of(run)
   local signal, asked = scute.interrupted(), run.checkpoint and run.checkpoint.asked
   return signal and signal ~= "SIGTERM" and 1 or 0, signal == "SIGTERM" and 1 or 0, asked and 1 or 0
end

local function note_flags(run, interrupts, terms, asked)
   run.told_to_stop = terms > 0 and "SIGTERM" or interrupts > 0 and "SIGINT" or nil
   if run.checkpoint then run.checkpoint.due = asked > 0 end
end

--- From here on run.interrupted() says in all processes what a signal has told any of them, and run.checkpoint.due whether
-- the first one asks for a checkpoint. Together.
function parallel.agree_to_stop(run)
   if not run.shared then return end
   note_flags(run, table.unpack(world.sums { flags_of(run) }))
end

-- What the first process that has a reason says; nil where none has. why: a text, or what a hook said in place of one.
-- Together.
local function first_reason(why)
   for _, text in ipairs(world.texts(why and "+" .. (type(why) == "string" and why or "a hook said so") or "")) do
      if text ~= "" then return text:sub(2) end
   end
end

--- A reason to stop that a hook of any process has is one for all of them: run.stopped. Together.
function parallel.agree_on_end(run)
   if run.shared then run.stopped = first_reason(run.stopped) end
end

--- An update that a hook of any process leaves out is left out by all of them: run.skip. Together.
function parallel.agree_on_skip(run)
   if not run.has_step_hooks or world.sums { run.skip and 1 or 0 }[1] == 0 then return end
   run.skip = first_reason(run.skip)
end

--- The numbers of a row, which each of them has computed, become those of the first one: what is best, and when to stop, hangs
-- on the last digit. Together.
function parallel.share_row(run, row)
   if not run.shared then return end
   local names, numbers = {}, {}
   for name, value in pairs(row) do
      local is_own = name == "epoch" or name == "step"
      if type(value) == "number" and not is_own then names[#names + 1] = name end
   end
   table.sort(names)
   for i, name in ipairs(names) do numbers[i] = world.rank == 0 and row[name] or 0 end
   for i, number in ipairs(world.sums(numbers)) do row[names[i]] = world.rank == 0 and row[names[i]] or number end
end

--- Whether any of them has met what ends the run. why: what this one has met, or nil. Together.
function parallel.any(run, why)
   return run.shared and world.sums { why and 1 or 0 }[1] > 0 or why ~= nil
end

--- Ends the run in all of them, for what any of them has met. why: nil in those that have met nothing; rescue(): is called
-- before; more: what this process has to add. Together.
function parallel.fail(run, why, rescue, more)
   local list = run.shared and world.texts(why or "") or { why }
   rescue()
   if run.shared then world.barrier() end -- the first to end takes the others with it
   local first, met_by_all = nil, true
   for rank, text in ipairs(list) do
      if text ~= "" then first = first or rank end
      met_by_all = met_by_all and text == list[1]
   end
   console.fail("%s%s%s", met_by_all and "" or ("rank %d: "):format(first - 1), list[first], more or "")
end

--- The batches of a window of which this process has photos.
function parallel.own(run, window)
   if not run.feed.shared then return window end
   local own = {}
   for _, batch in ipairs(window) do
      if batch.x then own[#own + 1] = batch end
   end
   return own
end

-- ---- a step ----

-- Running statistics moved by the photos of each process become those of all photos. first: the rank whose counts of batches
-- are taken. Where losses are read late, one that is not finite has all of them leave the step out (see step.run).
local function share_statistics(run, seen, first)
   local statistics, counts = shares.moving(run)
   if run.unread.late and not run.scaler then
      seen.doubt = seen.doubt or scute.zeros({}, { device = run.device })
      table.insert(statistics, seen.doubt)
   end
   world.average(statistics, seen.n / seen.total.n)
   local numbers = {}
   for i, count in ipairs(counts) do numbers[i] = world.rank == first and count:item() or 0 end
   for i, number in ipairs(world.sums(numbers)) do counts[i]:fill_(math.tointeger(number)) end
end

--- What the sum of losses that backward begins with is divided by beforehand: where it is scaled for float16, a sum over many
-- photos would overflow where their mean, as one process has it, does not. In an ordered run it is the same for any number of
-- processes, which would round otherwise.
function parallel.unit(run)
   return run.scaler and (run.feed.shared or run.ordered) and run.batch_size or 1
end

-- What each process takes of its photos at a time, by rank, 0 for all of them; those for whom memory has run out are told.
local function note_pieces(run, micros)
   local before, halved, ranks = run.micros or {}, {}, {}
   for i, micro in ipairs(micros) do
      micros[i] = math.tointeger(micro)
      if micro > 0 and micro ~= before[i] then
         if not ranks[micro] then halved[#halved + 1], ranks[micro] = micro, {} end
         table.insert(ranks[micro], i - 1)
      end
   end
   run.micros = micros
   for _, micro in ipairs(halved) do memory.tell(run, math.tointeger(micro), ranks_text(ranks[micro])) end
end

--- Of a step on features, which all of them have and each computes whole: whether none of them has met what ends the run
-- (seen.failed); otherwise seen.total says so. Together.
function parallel.is_fine(run, seen)
   if not run.shared then return true end
   local sums = world.sums(memory.add_pieces(run, { seen.failed and 1 or 0, flags_of(run) }))
   note_flags(run, table.unpack(sums, 2, 4))
   if sums[1] > 0 then
      seen.total = { failed = true }
      return false
   end
   memory.check_pieces(run, sums)
   return true
end

--- Adds up what the processes know of a step: gradients (sums over photos become means over those of all), and seen.total =
-- { n, weight, before = photos of lower ranks, failed = whether any has met what ends the run }. False where that is so, or
-- nobody had a photo: then there is no step. Together.
function parallel.gather(run, seen)
   if not run.feed.shared then return parallel.is_fine(run, seen) end
   reducing.begin_rest(run, false)
   local numbers = { seen.weight, seen.failed and 1 or 0, flags_of(run) }
   for rank = 0, world.size - 1 do numbers[6 + rank] = rank == world.rank and seen.n or 0 end
   local sums = world.sums(memory.add_pieces(run, numbers))
   note_flags(run, table.unpack(sums, 3, 5))
   note_pieces(run, table.move(sums, 6 + world.size, #sums, 1, {}))
   local n, before, first = 0, 0, nil
   for rank = 0, world.size - 1 do
      local own = math.tointeger(sums[6 + rank])
      if rank == world.rank then before = n end
      if own > 0 then first = first or rank end
      n = n + own
   end
   seen.total = { n = n, weight = sums[1], before = before, failed = sums[2] > 0 }
   reducing.finish(run)
   if n == 0 or seen.total.failed then return false end
   run.optimizer:scale_grad(parallel.unit(run) / seen.total.weight)
   share_statistics(run, seen, first)
   return true
end

--- Counts a step in run.confusion and run.mean, over the photos of all processes; returns the mean loss, and nothing where
-- any has met what ends the run (seen.failed). losses: sums of this process's losses, each times its weight, which are added in
-- that order; guesses, truths: class numbers of its photos. Together.
function parallel.count(run, seen, losses, guesses, truths)
   local total, numbers, k = seen.total, table.move(losses, 1, #losses, 1, {}), #losses
   for i = 1, 2 * total.n do numbers[k + i] = 0 end
   table.move(guesses, 1, #guesses, k + total.before + 1, numbers)
   table.move(truths, 1, #truths, k + total.n + total.before + 1, numbers)
   numbers[#numbers + 1] = seen.failed and 1 or 0
   local sums = run.feed.shared and world.sums(numbers) or numbers
   if sums[#numbers] > 0 then return nil end
   local all, loss = {}, 0
   for i = 1, 2 * total.n do all[i] = math.tointeger(sums[k + i]) end
   for i = 1, k do loss = loss + sums[i] end
   loss = loss / total.weight
   run.confusion:add(table.move(all, 1, total.n, 1, {}), table.move(all, total.n + 1, 2 * total.n, 1, {}))
   run.mean:add(loss, total.weight)
   return loss
end

-- ---- what is said of photos ----

-- Rows of all processes, each of whom has some: (n, width) f32 on the CPU, by their place in an order. t: own rows; rows:
-- place -> row of it, nil where another process has that. A place has one process, and 0 is what the others add. Together.
local function whole(t, rows, n, width)
   local blank <close> = scute.zeros(1, width)
   local places = {}
   for place = 1, n do places[place] = (rows[place] or 0) + 1 end
   local which <close> = scute.tensor(places, { dtype = "i64" })
   local own = t and t:to { dtype = "f32", device = "cpu" }
   local all <close> = scute.concat(own and { blank, own } or { blank }, 1)
   local mine <close> = all:index_select(1, which)
   return world.all_reduce(mine)
end

--- What all processes have found out about photos of an order, each about its own: { x (n, width) f32 on the CPU, places =
-- the places in the order, from 1, of its rows }; nil where nobody had one. x: own rows; indices: their photos. Together.
function parallel.rows(order, x, indices)
   local at, rows, n = {}, {}, #order
   for place, index in ipairs(order) do at[index] = place end
   for row, index in ipairs(indices) do rows[at[index]] = row end
   local numbers = {}
   for place = 1, n do numbers[place] = rows[place] and 1 or 0 end
   local sums, width, dtype = world.sums(numbers), nil, nil
   for _, text in ipairs(world.texts(x and ("%d %s"):format(x.shape[2], x.dtype) or "")) do
      if text ~= "" then width, dtype = text:match "^(%d+) (.*)$" end
   end
   if not width then return nil end
   local all = whole(x, rows, n, math.tointeger(tonumber(width)))
   local places = {}
   for place = 1, n do places[#places + 1] = sums[place] > 0 and place or nil end
   local some <close> = all
   local which <close> = scute.tensor(places, { dtype = "i64" })
   return { x = some:index_select(1, which):to(dtype), places = places }
end

-- ---- photos that were read ----

-- Kinds of what is heard of a photo, with one text or two: "bad" (why), "note" (is it cut?), "digest" (digest, look or "").
local FORMAT = "<s1s1i8s4s4"

--- Keeps what one process has heard of a photo until all of them know it.
function parallel.hear(run, kind, side, index, text, more)
   run.heard[#run.heard + 1] = FORMAT:pack(kind, side, index, text or "", more or "")
end

--- Tells all processes what any of them has heard since the last call: tell(kind, side, index, text, more), in the same order
-- in all of them. Together.
function parallel.share_heard(run, tell)
   if not run.shared then return end
   local texts = world.texts(table.concat(run.heard))
   run.heard = {}
   for _, text in ipairs(texts) do
      local at = 1
      while at <= #text do
         local kind, side, index, one, other, next_at = FORMAT:unpack(text, at)
         at = next_at
         tell(kind, side, index, one, other)
      end
   end
end

return parallel
