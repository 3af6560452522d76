-- Ordered training: how batches are cut, what is drawn for a photo, and how parts are added up. Several processes are played
-- here: one after the other, each with its own number.
local scute = require "scute"
local criterion = require "scute.train.criterion"
local draw = require "scute.data.draw"
local mix = require "scute.train.mix"
local ordered_norms = require "scute.train.ordered_norms"
local ordered = require "scute.train.ordered"
local parallel = require "scute.train.parallel"
local played = dofile "tests/lua/played_processes.lua"
local FIT = require "scute.train.options"

local console = require "scute.base.console"
local message, nn, world = console.message, scute.nn, scute.world
local as, numbers, reader = played.as, played.numbers, played.reader

-- By batch the photos of each part, in a list, as `size` processes have them.
local function cut(size, n, batch_size, steps, parts, bad, skip, least)
   local all = {}
   for rank = 0, size - 1 do
      local run = { in_parts = parts, shared = size > 1 }
      as(rank, size, function()
         for x, _, _, number, how in ordered.batches(run, numbers(n), batch_size, steps, skip or 0, reader(bad), least or 1) do
            all[number] = all[number] or {}
            local at = 0
            for i, count in ipairs(x and how.sizes or {}) do
               all[number][how.first + i - 1] = table.move(x, at + 1, at + count, 1, {})
               at = at + count
            end
            assert.equal(x and #x or 0, at)
         end
      end)
   end
   for number = (skip or 0) + 1, steps do
      for part = 1, parts do all[number][part] = all[number][part] or {} end
   end
   return all
end

describe("parts of a batch", function()
   it("follow from the batch alone", function()
      for parts = 1, 6 do
         for batch_size = 1, 9 do
            for _, n in ipairs { 1, 2, 7, 10, 19 } do
               local steps = n > batch_size and n % batch_size == 1 and batch_size > 1 and n // batch_size
                  or math.ceil(n / batch_size)
               local one, met = cut(1, n, batch_size, steps, parts, {}), {}
               for number = 1, steps do
                  local of_batch = number == steps and n - (steps - 1) * batch_size or batch_size
                  for part = 1, parts do
                     local size = #one[number][part]
                     assert.is_true(size == of_batch // parts or size == math.ceil(of_batch / parts))
                     table.move(one[number][part], 1, size, #met + 1, met)
                  end
               end
               assert.same(numbers(n), met)
               for size = 2, parts do assert.same(one, cut(size, n, batch_size, steps, parts, {})) end
            end
         end
      end
   end)

   it("lack photos that cannot be read, and no other part has them", function()
      local bad = { [1] = true, [4] = true, [9] = true, [10] = true, [11] = true, [12] = true }
      local expected = { { {}, { 2, 3 }, { 5 }, { 6, 7 } }, { { 8 }, {}, {}, { 13, 14 } } }
      for size = 1, 4 do
         assert.same(expected, cut(size, 14, 7, 2, 4, bad))
         assert.same({ nil, expected[2] }, cut(size, 14, 7, 2, 4, bad, 1))
      end
   end)

   it("are never of a single photo where batch norm trains", function()
      for size = 1, 4 do
         for n = 1, 14 do
            for number, batch in ipairs(cut(size, n, 5, math.ceil(n / 5), 4, {}, 0, 2)) do
               local met = 0
               for _, part in ipairs(batch) do
                  assert.is_true(#part ~= 1 or n - (number - 1) * 5 == 1)
                  met = met + #part
               end
               assert.equal(math.min(5, n - (number - 1) * 5), met)
            end
         end
      end
   end)

   it("have their rows, numbers and places among all parts of a step", function()
      local run = { in_parts = 3, accumulate = 2, step = 5 }
      local function batch(from, to)
         return { x = scute.arange(from, to):reshape { to - from + 1, 1 }, y = scute.ones(to - from + 1, { dtype = "i64" }),
            indices = scute.arange(from, to, { dtype = "i64" }) }
      end
      local window = { batch(1, 4), batch(11, 12) }
      window[2].cut = ordered.cut_whole(run, { 21, 22 }, 1)
      local found = {}
      for i, part in ipairs(ordered.parts(run, window)) do
         found[i] = { part.slot, part.draws, part.numbers, part.x:reshape { part.x:numel() }:values(), part.indices:values() }
      end
      assert.same({ { 1, 31, { 1 }, { 1 }, { 1 } }, { 2, 32, { 2 }, { 2 }, { 2 } }, { 3, 33, { 3, 4 }, { 3, 4 }, { 3, 4 } },
         { 5, 35, { 21 }, { 11 }, { 11 } }, { 6, 36, { 22 }, { 12 }, { 12 } } }, found)
   end)
end)

-- y and the gradient of x for rows with these keys, as two lists of rows.
local function drawn(keys, f, width)
   local x = scute.ones(#keys, width, { requires_grad = true })
   scute.manual_seed(7)
   scute.row_keys(scute.tensor(keys, { dtype = "i64" }))
   local y = f(x)
   scute.row_keys()
   y:sum():backward()
   local rows, grads = {}, {}
   for i = 1, #keys do rows[i], grads[i] = scute.slice(y, 1, i, i):values(), scute.slice(x.grad, 1, i, i):values() end
   return rows, grads
end

describe("what is drawn for a photo", function()
   it("follows from its key and the number of the draw", function()
      local function network(x)
         return x:dropout(0.5):dropout { p = 0.2 } + scute.stochastic_depth(x, nil, 0.5)
      end
      local all, grads = drawn({ 5, -6, 7, 5 }, network, 20)
      assert.same(all[1], all[4])
      assert.not_same(all[1], all[3])
      assert.same(all, grads) -- backward draws the same again
      for i, key in ipairs { 5, -6, 7 } do
         local alone = drawn({ key }, network, 20)
         assert.same(all[i], alone[1])
      end
      local twice = drawn({ 5, 6 }, function(x) return x:dropout(0.5) + x:dropout(0.5) * 16 end, 40)
      local first, second = 0, 0
      for _, value in ipairs(twice[1]) do first, second = first + value % 16 / 2, second + value // 32 end
      assert.is_true(first > 5 and first < 35 and second > 5 and second < 35)
      local differ = false
      for _, value in ipairs(twice[1]) do differ = differ or value == 2 or value == 32 end
      assert.is_true(differ) -- each draw is another one
   end)

   it("leaves the session's generator alone, and all else to it", function()
      scute.manual_seed(3)
      scute.row_keys(scute.tensor({ 1, 2 }, { dtype = "i64" }))
      scute.ones(2, 3):dropout(0.5)
      assert.same({ 3, 0 }, scute.rng_state())
      local other = scute.ones(3, 3):dropout(0.5) -- no rows of those keys
      assert.same({ 3, 1 }, scute.rng_state())
      scute.row_keys()
      scute.manual_seed(3)
      assert.same(other:values(), scute.ones(3, 3):dropout(0.5):values())
   end)

   it("is as often 0 as it says", function()
      local keys = {}
      for i = 1, 4000 do keys[i] = draw.key(1, i) end
      local function share(f, width)
         local rows, zeros = drawn(keys, f, width), 0
         for _, row in ipairs(rows) do
            for _, value in ipairs(row) do zeros = zeros + (value == 0 and 1 or 0) end
         end
         return zeros / (#keys * width)
      end
      local bound = 5 * math.sqrt(0.3 * 0.7 / #keys) -- standard errors
      assert.is_true(math.abs(share(function(x) return x:dropout(0.3) end, 7) - 0.3) < bound / math.sqrt(7))
      assert.is_true(math.abs(share(function(x) return scute.stochastic_depth(x, nil, 0.3) end, 1) - 0.3) < bound)
   end)

   it("has keys that differ between epochs and photos, and streams that differ between parts", function()
      local seen, n = {}, 0
      local function note(value)
         assert.is_nil(seen[value])
         seen[value], n = true, n + 1
      end
      for epoch = 1, 20 do
         for sample = 1, 50 do note(draw.key(epoch, sample)) end
      end
      for epoch = 1, 5 do
         for step = 0, 9 do
            for part = 1, 8 do note(draw.of_part(3, epoch, step, part)[2]) end
         end
      end
      assert.equal(1400, n)
      assert.equal(3, draw.of_part(3, 1, 0, 1)[1])
   end)
end)

describe("photos of a part", function()
   it("are mixed among themselves, by numbers of the part", function()
      local run = { in_parts = 2, accumulate = 1, step = 3, seed = 1, mixup = 1, cutmix = 0, mixes = true }
      local function mixed(parts)
         local x = scute.arange(1, 4):reshape { 4, 1, 1, 1 }
         local list = ordered.parts(run, { { x = x, y = scute.tensor({ 1, 2, 3, 4 }, { dtype = "i64" }),
            indices = scute.arange(1, 4, { dtype = "i64" }) } })
         local some = {}
         for i, part in ipairs(parts) do some[i] = list[part] end
         mix.window(run, some)
         return some
      end
      local both = mixed { 1, 2 }
      assert.same({ 2, 1 }, both[1].partner:values())
      assert.same({ 4, 3 }, both[2].partner:values())
      assert.not_equal(both[1].share, both[2].share)
      assert.equal(both[2].share, mixed({ 2 })[1].share) -- in a process that has this part alone
   end)
end)

describe("sums of parts", function()
   it("are added in their order", function()
      local totals = { scute.zeros(3), scute.zeros(2, { dtype = "f64" }), scute.zeros(1, 2, 1, 3) }
      local part = { scute.tensor { 1, 2 ^ 25, -0.0 }, scute.ones(2, { dtype = "f64" }), false }
      local other = { scute.tensor { 2, 1, -0.0 }, false, scute.ones(1, 2, 1, 3) }
      world.add_parts(totals, { part, other, other }, 3)
      world.share_totals(totals, 3)
      assert.same({ 5, 2 ^ 25, 0 }, totals[1]:values()) -- a 1 that is added alone is lost, twice
      assert.equal(math.huge, 1 / totals[1]:values()[3])
      assert.same({ 1, 1 }, totals[2]:values())
      assert.equal(12, totals[3]:sum():item())
      world.add_parts(totals, {}, 3)
      assert.same({ 5, 2 ^ 25, 0 }, totals[1]:values())
   end)

   it("refuse what is not like the totals", function()
      local ok, why = pcall(world.add_parts, { scute.zeros(3) }, { { scute.zeros(2) } }, 1)
      assert.is_false(ok)
      assert.truthy(why:find("expected f32 (3) in a part, found f32 (2)", 1, true))
      ok, why = pcall(world.add_parts, { scute.zeros(3, { dtype = "i64" }) }, {}, 1)
      assert.is_false(ok)
      assert.truthy(why:find("add up f32 and f64", 1, true))
   end)

   it("become gradients", function()
      local p, q = scute.ones(2, { requires_grad = true }), scute.ones(2, { requires_grad = true })
      q:sum():backward()
      world.set_gradients({ p, q }, { scute.tensor { 3, 4 }, false })
      assert.same({ 3, 4 }, p.grad:values())
      assert.is_nil(q.grad)
      assert.is_false((pcall(world.set_gradients, { p }, { scute.ones(3) })))
   end)
end)

describe("batch norms that train", function()
   local function network(momentum)
      local first, second = nn.BatchNorm2d { 2, momentum = momentum }, nn.BatchNorm2d { 3 }
      return nn.Sequential { first, nn.Conv2d { 2, 3, 1 }, second }:train()
   end

   -- Buffers of a model by name, as lists.
   local function buffers(model)
      local all = {}
      for name, tensor in model:named_buffers() do all[name] = tensor:values() end
      return all
   end

   it("move part after part, as batches that follow one another", function()
      for _, momentum in ipairs { 0.1, 0.3 } do
         scute.manual_seed(1)
         local parts, model = {}, network(momentum)
         for i = 1, 3 do parts[i] = scute.randn(i + 1, 2, 3, 3) * i + 1 end
         local other = network(momentum)
         other:load_state_dict(model:state_dict())
         do
            local norms <close> = ordered_norms.begin({ model = model, feed = {} }, 5)
            for slot, part in pairs { [4] = parts[3], [1] = parts[1], [3] = parts[2] } do
               norms:begin_part()
               model(part)
               norms:take(slot)
            end
            norms:finish()
         end
         for _, part in ipairs(parts) do other(part) end
         local expected = buffers(other)
         for name, values in pairs(buffers(model)) do
            for i, value in ipairs(values) do assert.near(expected[name][i], value, 1e-6) end
         end
         assert.equal(3, model:state_dict().tensors["0.num_batches_tracked"]:item())
      end
   end)

   it("are what they were after an error, and where nothing trains", function()
      local model = network(0.1)
      model(scute.randn(4, 2, 3, 3))
      local before = buffers(model)
      assert.is_false((pcall(function()
         local norms <close> = ordered_norms.begin({ model = model, feed = {} }, 2)
         norms:begin_part()
         model(scute.randn(4, 2, 3, 3))
         error "it broke"
      end)))
      assert.same(before, buffers(model))
      model:set_batch_norm "eval"
      local norms <close> = ordered_norms.begin({ model = model, feed = {} }, 1)
      norms:begin_part()
      norms:take(1)
      norms:finish()
      assert.same(before, buffers(model))
   end)

   it("that meet those of other processes are refused", function()
      local model = network(0.1)
      rawset(model[1], "synchronised", true)
      ordered.check_state { ordered = true, shared = false, model = model }
      local ok, why = pcall(ordered.check_state, { ordered = true, shared = true, model = model })
      assert.is_false(ok)
      assert.truthy(message(why):find("--ordered: 0 is synchronised over the processes", 1, true))
   end)

   it("of one's own are refused, and losses that have a state", function()
      local Own = nn.Module:extend("Own", {})
      function Own:build() self:register_buffer("running_mean", scute.zeros(2)) end
      local run = { ordered = true, shared = true, model = nn.Sequential { Own() }, meter = { clear = function() end } }
      local ok, why = pcall(ordered.check_state, run)
      assert.is_false(ok)
      assert.truthy(message(why):find("--ordered: 0 (Own) has running statistics of its own", 1, true))
      run.model[1].fixed = true
      ordered.check_state(run)
      run.criterion = { name = "growing", save = function() end }
      ok, why = pcall(criterion.check_shared, run)
      assert.is_false(ok)
      assert.truthy(message(why):find("--ordered: the loss (growing) has a state", 1, true))
      run.shared = false
      criterion.check_shared(run)
   end)
end)

-- A run of one process, and the parts of a batch of photos with these numbers.
local function tiny_run(in_parts, photos)
   local model, n = nn.Sequential { nn.Linear { 2, 2 }, nn.Linear { 2, 2 } }, #photos
   local run = { ordered = true, in_parts = in_parts, accumulate = 1, step = 0, epoch = 1, seed = 3, device = "cpu",
      model = model, optimizer = scute.optim.sgd(model:groups { lr = 1 }), feed = {}, meter = { clear = function() end } }
   return run, ordered.parts(run, { { x = scute.ones(n, 20), y = scute.ones(n, { dtype = "i64" }),
      indices = scute.tensor(photos, { dtype = "i64" }) } })
end

describe("a step of an ordered run", function()
   -- What dropout leaves of each photo, by its number, and what is drawn for the parts.
   local function of_photos(in_parts, photos, change)
      local run, parts = tiny_run(in_parts, photos)
      for name, value in pairs(change or {}) do run[name] = value end
      scute.manual_seed(5)
      local rows, of_parts = {}, {}
      ordered.gradients(run, parts, 1, { n = 0, weight = 0 }, function(part)
         local y = part.x:dropout(0.5)
         for i, number in ipairs(part.numbers) do rows[number] = scute.slice(y, 1, i, i):values() end
         of_parts[#of_parts + 1] = scute.rand(1):item()
         return { n = #part.numbers, weight = #part.numbers }
      end)
      return rows, of_parts
   end

   it("draws for a photo what follows from seed, epoch and photo, and for a part what is its own", function()
      local one, once = of_photos(1, { 4, 7, 2, 9 })
      local other, twice = of_photos(2, { 9, 2, 11, 4 })
      for _, number in ipairs { 2, 4, 9 } do assert.same(one[number], other[number]) end
      assert.not_same(one[2], one[4])
      assert.equal(once[1], twice[1])
      assert.not_equal(twice[1], twice[2])
      local later, of_step = of_photos(1, { 4, 7, 2, 9 }, { step = 1 })
      assert.same(one, later)
      assert.not_equal(once[1], of_step[1])
      assert.not_same(one, (of_photos(1, { 4, 7, 2, 9 }, { epoch = 2 })))
      assert.not_same(one, (of_photos(1, { 4, 7, 2, 9 }, { seed = 4 })))
      assert.same({ 5, 0 }, scute.rng_state())
   end)

   it("gives gradients to what has some in any of the parts, and to nothing else", function()
      local run, parts = tiny_run(3, { 1, 2, 3, 4, 5, 6 })
      local names = {}
      for name, tensor in run.model:named_parameters() do names[name] = tensor end
      ordered.gradients(run, parts, 1, { n = 0, weight = 0 }, function(part)
         names["0.bias"]:sum():backward()
         if part.slot == 2 then (names["1.weight"] * 3):sum():backward() end
         return { n = 2, weight = 2 }
      end)
      assert.is_nil(names["0.weight"].grad)
      assert.same({ 3, 3 }, names["0.bias"].grad:values())
      assert.same({ 3, 3, 3, 3 }, names["1.weight"].grad:values())
      assert.is_nil(names["1.bias"].grad)
   end)
end)

describe("a loss that is scaled for float16", function()
   it("is divided by the same number in any number of processes, which gradients are multiplied by", function()
      for _, feed in ipairs { {}, { shared = true } } do
         local run, parts = tiny_run(2, { 1, 2, 3, 4 })
         run.scaler, run.batch_size = {}, 8
         assert.equal(8, parallel.unit { scaler = {}, ordered = true, batch_size = 8, feed = feed })
         local seen = { n = 0, weight = 0, window = { {} } }
         ordered.gradients(run, parts, 1, seen, function(part)
            (run.model[2].bias:sum() * (part.x.shape[1] / parallel.unit(run))):backward()
            return { n = 2, weight = 2 }
         end)
         ordered.gather(run, seen)
         assert.same({ 1, 1 }, run.model[2].bias.grad:values())
      end
      assert.equal(1, parallel.unit { ordered = true, batch_size = 8, feed = {} })
      assert.equal(1, parallel.unit { scaler = {}, batch_size = 8, feed = {} })
   end)
end)

describe("a part that does not fit into memory", function()
   it("is no smaller one, which would be another run", function()
      local run, parts = tiny_run(2, { 1, 2, 3, 4 })
      local tries = 0
      scute.manual_seed(5)
      local ok, why = pcall(ordered.gradients, run, parts, 1, { n = 0, weight = 0 }, function()
         tries = tries + 1
         return scute.zeros(1 << 38)
      end)
      assert.is_false(ok)
      assert.truthy(message(why):find("out of memory for a part of 2 photos; with more --parts there are fewer", 1, true))
      assert.equal(2, tries)
      assert.same({ 5, 0 }, scute.rng_state())
   end)
end)

describe("processes of an ordered run", function()
   -- check() as where each process gives these texts, of the two that are asked for.
   local function check(threads, processors)
      local texts, differing, warn, told = world.texts, world.differing, console.warn, nil
      local lists, at = { threads, processors }, 0
      function world.texts() return lists[at + 1] end
      function world.differing()
         at = at + 1
         local others = {}
         for i = 2, #lists[at] do others[#others + 1] = lists[at][i] ~= lists[at][1] and i - 1 or nil end
         return others
      end
      console.warn = function(format, ...) told = format:format(...) end -- luacheck: ignore
      local ok, why = pcall(ordered.check, { ordered = true, shared = true })
      world.texts, world.differing, console.warn = texts, differing, warn -- luacheck: ignore
      return ok, not ok and message(why) or nil, told
   end

   it("have as many threads, and processors of one kind or are told", function()
      local ok, why, told = check({ "2", "2" }, { "x86", "x86" })
      assert.same({ true }, { ok, why, told })
      ok, why = check({ "2", "1", "1" }, { "x86", "x86", "x86" })
      assert.is_false(ok)
      assert.equal("--ordered: ranks 1, 2: 1 threads, and 2 in rank 0; give all processes as many (--threads N)", why)
      ok, why, told = check({ "2", "2" }, { "Xeon", "EPYC" })
      assert.same({ true }, { ok, why })
      assert.equal("--ordered: rank 1: another processor (EPYC) than rank 0 (Xeon), which may round otherwise: the bits may "
         .. "depend on the number of processes", told)
   end)
end)

describe("the options of ordered training", function()
   local optimizer = { step = function() end }

   it("have 4 parts where nothing is said, and none without it", function()
      assert.equal(4, FIT:values({ optimizer = optimizer, ordered = true }).parts)
      assert.equal(7, FIT:values({ optimizer = optimizer, ordered = true, parts = 7 }).parts)
      assert.is_nil(FIT:values({ optimizer = optimizer }).parts)
      local values, why = FIT:values { optimizer = optimizer, parts = 4 }
      assert.is_nil(values)
      assert.equal("option 'parts' means nothing without 'ordered'", why)
      assert.is_nil((FIT:values { optimizer = optimizer, ordered = true, parts = 0 }))
   end)

   it("want no GPU where there are several processes", function()
      local ok, why = as(0, 2, function()
         return pcall(ordered.begin, { ordered = true, parts = 4, shared = true, device = "cuda:0" })
      end)
      assert.is_false(ok)
      assert.truthy(message(why):find("not on cuda:0; take one process", 1, true))
   end)

   it("want a part for each process", function()
      local run = { ordered = true, parts = 3, shared = true, device = "cpu" }
      as(0, 3, function() ordered.begin(run) end)
      assert.equal(3, run.in_parts)
      local ok, why = as(0, 4, function()
         return pcall(ordered.begin, { ordered = true, parts = 3, shared = true, device = "cpu" })
      end)
      assert.is_false(ok)
      assert.truthy(message(why):find("--parts 3: there are 4 processes", 1, true))
   end)
end)
