-- Several processes (scute.world) that train one model together: each has the whole model and a share of the photos of every
-- batch. After backward the gradients are added up, so that all of them take the same step, and what is counted is counted over
-- all photos: rows, best epochs, early stopping and schedules agree in all of them, and equal those of one process but for the
-- last digits of sums. The first process alone has a folder, and speaks.
--
-- Every function here that a comment calls "together" is called by all of them at the same place, and waits for the others.
local scute = require "scute.core"
local console = require "scute.base.console"
local hosts = require "scute.train.hosts"
local memory = require "scute.train.memory"
local plain_text = require "scute.base.plain_text"
local reducing = require "scute.train.reducing"
local sampling = require "scute.train.sampling"
local sorted_keys = require "scute.base.sorted_keys"
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

local function ranks_text(list)
   return (#list == 1 and "rank " or "ranks ") .. table.concat(list, ", ")
end

-- Fails in all of them where `text` is not the same everywhere. Together.
local function agree(text, what)
   local others = world.differing(text)
   if #others == 0 then return end
   console.fail("%s: %s than rank 0; all processes of a run are started alike", ranks_text(others), what)
end

-- The first line of a list that differs from that of rank 0, in words; all processes find the same. Together.
local function first_difference(lines)
   local others = world.differing(table.concat(lines, "\n"))
   if #others == 0 then return nil end
   local texts = world.texts(table.concat(lines, "\n"))
   local known, theirs = {}, {}
   for line in texts[1]:gmatch "[^\n]+" do known[line] = true end
   for line in texts[others[1] + 1]:gmatch "[^\n]+" do
      if not known[line] then theirs[#theirs + 1] = line end
   end
   return ("%s: %s"):format(ranks_text(others), theirs[1] or "less was said to it")
end

local function by_name(tensors)
   local list = {}
   for i, name in ipairs(sorted_keys(tensors)) do list[i] = tensors[name] end
   return list
end

-- Weights that they start from, and what the optimizer holds.
local function state_digest(run)
   local state, optimizer, list = run.model:state_dict(), run.optimizer:state_dict(), {}
   for _, name in ipairs(state.names) do list[#list + 1] = state.tensors[name] end
   for _, tensor in ipairs(by_name(optimizer.tensors)) do list[#list + 1] = tensor end
   return scute.checksum(list)
end

local CALLED = { average = "the average of the weights", loss = "the state of the loss" }

-- All that is the same in all of them, as lines "what = checksum": parts of the state that say so (`alike`), and tensors of
-- hooks of the user's, whose plain data may be another in each (a clock, see scute.train.checkpoint).
local function alike_lines(run)
   local lines, is_own = { "the weights = " .. state_digest(run) }, {}
   for _, hook in ipairs(run.own_hooks) do is_own[hook] = true end
   for _, part in ipairs(run.parts) do
      if part.alike or is_own[part] then
         local data, tensors = part.save(run)
         local list = by_name(tensors or {})
         list[#list + 1] = plain_text { part.alike and data or {}, sorted_keys(tensors or {}) }
         lines[#lines + 1] = ("%s = %s"):format(CALLED[part.name] or ("the tensors of the hook '%s'"):format(part.name),
            scute.checksum(list))
      end
   end
   return lines
end

-- Whether hooks of the user's see steps, may leave one out, and draw.
local function sees_steps(run)
   for _, hook in ipairs(run.own_hooks) do
      for _, event in ipairs { "on_step_begin", "on_backward_begin", "on_backward_end", "on_step_end" } do
         if hook[event] then return true end
      end
   end
   return false
end

--- Fails where processes were started with other versions, arguments, photos or weights, and tells how the work is shared.
-- said: { arguments, settings = lists of lines "name = value", more = what identifies the run, data = of its photos } (texts).
-- What the processes were told comes first, then what follows from that. Together.
function parallel.check(run, said)
   if not run.shared then return end
   local versions = {}
   for name, value in pairs(scute.version()) do versions[#versions + 1] = name .. " " .. tostring(value) end
   table.sort(versions)
   agree(table.concat(versions, "\n"), "other versions of the program or its libraries")
   local function agree_on(lines)
      local other = first_difference(lines)
      if other then console.fail("%s, and not so in rank 0; all processes of a run are started alike", other) end
   end
   agree_on(said.arguments)
   agree(said.data, "other photos (names, classes, split or sizes of the files)")
   sampling.agree_at_first(run)
   agree_on(said.settings)
   agree(said.more, "another model, or other arguments of the script,")
   agree(state_digest(run), "other weights")
   run.has_step_hooks = world.sums { sees_steps(run) and 1 or 0 }[1] > 0
   console.line("%d processes with %s each; a batch of %s is shared among them", world.size,
      console.count(scute.threads(), "thread"), console.count(run.batch_size, "photo"))
   hosts.tell()
   if run.criterion then
      console.line "note: a loss of the script's own sees the photos of one process at a time, and the mean over all is taken"
   end
end

--- Fails where what they have learned is not the same bit for bit. Together.
function parallel.check_state(run)
   local other = run.shared and first_difference(alike_lines(run))
   if not other then return end
   local who, what = other:match "^(.-): (.*) = %S+$"
   console.fail("%s no longer %s %s of rank 0: a hook, a schedule or a layer did something else there, or a processor or "
      .. "library computed something else", who or other, who and who:find "," and "have" or "has", what or "what is")
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
   parallel.wait(run) -- the first to end takes the others with it
   local first, met_by_all = nil, true
   for rank, text in ipairs(list) do
      if text ~= "" then first = first or rank end
      met_by_all = met_by_all and text == list[1]
   end
   console.fail("%s%s%s", met_by_all and "" or ("rank %d: "):format(first - 1), list[first], more or "")
end

--- Waits for the others. Together.
function parallel.wait(run)
   if run.shared then world.barrier() end
end

-- ---- batches that train ----

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

-- What batch norm moves as it trains now, each process by its own photos: statistics, and counts of batches.
local function moving(run)
   local statistics, counts = {}, {}
   for name, tensor, owner in run.model:named_buffers() do
      local what = STATISTICS[name:match "[^.]*$"]
      local moves = what and owner.training and not (owner.fixed or owner.synchronised)
      if moves then table.insert(what == "mean" and statistics or counts, tensor) end
   end
   return statistics, counts
end

-- What in a run wants two photos in a process, or in a part of a batch; nil where nothing does.
local function wants_two(run)
   if #moving(run) > 0 then return "batch norm that trains" end
   return run.mixes and (run.mixup > 0 and "mixup" or "cutmix") or nil
end

--- How many photos of a batch a process has at least, if it has any: batch norm knows no statistics of a single one, and mixup
-- and cutmix would mix it with itself.
function parallel.least(run)
   return wants_two(run) and 2 or 1
end

--- Tells, once in a run, that some processes get no photos of a full batch, and wait. least: see above.
function parallel.tell_idle(run, least)
   local takers = takers_of(run.batch_size, least)
   if run.has_idle or takers == world.size then return end
   run.has_idle = true
   run.meter:clear()
   console.line("note: %s wants %d photos in a process: %d of the %d processes get photos of a batch of %d, the others wait; "
      .. "--batch_size %d has some for all, or take fewer processes", wants_two(run), least, takers, world.size,
      run.batch_size, least * world.size)
end

--- The same of an ordered run, of whose parts of a batch some have no photo. least: see above.
function parallel.tell_empty(run, least)
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
-- see parallel.least; share_of(first, last): in place of that, the first and the last of these photos that are its own.
function parallel.batches(order, size, steps, skip, read, least, share_of)
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
   local statistics, counts = moving(run)
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

-- Of photos, or features, that all of them have: whether none of them has met what ends the run. Together.
local function is_fine(run, seen)
   if not run.shared then return true end
   local sums = world.sums { seen.failed and 1 or 0, flags_of(run) }
   note_flags(run, table.unpack(sums, 2, 4))
   if sums[1] == 0 then return true end
   seen.total = { failed = true }
   return false
end

--- Adds up what the processes know of a step: gradients (sums over photos become means over those of all), and seen.total =
-- { n, weight, before = photos of lower ranks, failed = whether any has met what ends the run }. False where that is so, or
-- nobody had a photo: then there is no step. Together.
function parallel.gather(run, seen)
   if not run.feed.shared then return is_fine(run, seen) end
   reducing.begin_rest(run, false)
   local numbers = { seen.weight, seen.failed and 1 or 0, flags_of(run) }
   for rank = 0, world.size - 1 do
      local is_own = rank == world.rank
      numbers[6 + rank], numbers[6 + world.size + rank] = is_own and seen.n or 0, is_own and run.micro or 0
   end
   local sums = world.sums(numbers)
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

--- Whole batches of an order that are this process's: they take turns.
function parallel.turns(order, size)
   local own = {}
   for batch = world.rank, (#order - 1) // size, world.size do
      table.move(order, batch * size + 1, math.min((batch + 1) * size, #order), #own + 1, own)
   end
   return own
end

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
