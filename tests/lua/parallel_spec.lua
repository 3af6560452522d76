-- How several processes share photos. The processes are played here: one after the other, each with its own number.
local world = require("scute.core").world
local console = require "scute.base.console"
local memory = require "scute.train.memory"
local parallel = require "scute.train.parallel"
local played = dofile "tests/lua/played_processes.lua"
local position = require "scute.train.position"
local scute = require "scute"
local shares = require "scute.train.shares"

local as, numbers, reader = played.as, played.numbers, played.reader

-- By batch what each process has of it, in the order of ranks.
local function shared(size, n, batch_size, steps, skip, bad, least)
   local all, largest, smallest = {}, {}, {}
   for rank = 0, size - 1 do
      as(rank, size, function()
         local expected = skip
         for x, _, _, done in shares.batches(numbers(n), batch_size, steps, skip, reader(bad), least) do
            expected = expected + 1
            assert.equal(expected, done)
            all[done] = all[done] or {}
            table.move(x or {}, 1, #(x or {}), #all[done] + 1, all[done])
            largest[done] = math.max(largest[done] or 0, #(x or {}))
            if x then smallest[done] = math.min(smallest[done] or #x, #x) end
         end
         assert.equal(steps, expected)
      end)
   end
   return all, largest, smallest
end

describe("photos of a batch", function()
   it("belong to one process each, in the order of one process", function()
      for size = 1, 5 do
         for batch_size = size, 7 do
            for n = 1, 17 do
               for merged = 0, 1 do
                  local is_merged = merged == 1 and n % batch_size == 1 and n > batch_size
                  local steps = is_merged and n // batch_size or math.ceil(n / batch_size)
                  for skip = 0, steps - 1 do
                     local all, largest = shared(size, n, batch_size, steps, skip, {}, 1)
                     for step = skip + 1, steps do
                        local first, last = (step - 1) * batch_size + 1, step == steps and n or step * batch_size
                        assert.same(table.move(numbers(n), first, last, 1, {}), all[step])
                        assert.is_true(largest[step] <= math.ceil((last - first + 1) / size))
                     end
                  end
               end
            end
         end
      end
   end)

   it("are never alone where batch norm trains", function()
      for size = 1, 4 do
         for n = 1, 14 do
            local steps = math.ceil(n / 5)
            local all, _, smallest = shared(size, n, 5, steps, 0, {}, 2)
            for step = 1, steps do
               local whole = math.min(5, n - (step - 1) * 5)
               assert.equal(whole, #all[step])
               assert.is_true(smallest[step] >= math.min(2, whole))
            end
         end
      end
   end)

   it("may be missing in a process, which does not fall behind", function()
      for size = 2, 4 do
         local bad = { [1] = true, [4] = true, [5] = true, [6] = true, [7] = true, [8] = true, [12] = true }
         local all = shared(size, 13, 4, 4, 0, bad, 1)
         assert.same({ { 2, 3 }, {}, { 9, 10, 11 }, { 13 } }, all)
      end
   end)

   it("are closed where the epoch is broken off", function()
      as(0, 2, function()
         local closed = 0
         local function read(list)
            return function() return list, list, list, 1 end, nil, nil, setmetatable({}, { __close = function()
               closed = closed + 1
            end })
         end
         for _ in shares.batches(numbers(8), 4, 2, 0, read, 1) do break end -- luacheck: ignore
         assert.equal(1, closed)
      end)
   end)
end)

describe("photos that have to be two at least", function()
   local mix = require "scute.train.mix"

   local function run_of(more)
      local run = { model = scute.nn.Sequential { scute.nn.BatchNorm2d { 2 } }:train(), mixup = 0, cutmix = 0, batch_size = 4,
         in_parts = 3, meter = { clear = function() end } }
      for name, value in pairs(more) do run[name] = value end
      return run
   end

   -- What f(...) says.
   local function said(f, ...)
      local before, text = console.line, ""
      console.line = function(format, ...) text = text .. format:format(...) end -- luacheck: ignore
      local ok, why = pcall(f, ...)
      console.line = before -- luacheck: ignore
      assert(ok, why)
      return text
   end

   local frozen = scute.nn.Sequential { scute.nn.BatchNorm2d { 2 } }:train():freeze()

   it("are so for batch norm that trains, and to be mixed", function()
      assert.equal(2, shares.least(run_of {}))
      assert.equal(1, shares.least(run_of { model = frozen }))
      assert.equal(2, shares.least(run_of { model = frozen, mixes = true, cutmix = 1 }))
   end)

   it("leave processes or parts without one, which is told once", function()
      local mixing = run_of { model = frozen, mixes = true, mixup = 0.2 }
      as(0, 3, function()
         assert.equal("note: mixup wants 2 photos in a process: 2 of the 3 processes get photos of a batch of 4, the others "
            .. "wait; --batch_size 6 has some for all, or take fewer processes", said(shares.tell_idle, mixing, 2))
         assert.equal("", said(shares.tell_idle, mixing, 2))
         assert.matches("^note: batch norm that trains wants 2", said(shares.tell_idle, run_of {}, 2))
         assert.equal("", said(shares.tell_idle, run_of { batch_size = 6 }, 2))
      end)
      assert.equal("note: batch norm that trains wants 2 photos in a part: 2 of the 3 parts of a batch of 4 have photos; "
         .. "--batch_size 6 has some for all, or take fewer --parts", said(shares.tell_empty, run_of {}, 2))
      assert.equal("", said(shares.tell_empty, run_of { in_parts = 2 }, 2))
      assert.equal("", said(shares.tell_empty, run_of { batch_size = 2 }, 1))
   end)

   it("are not there in batches of one, which is told", function()
      assert.matches("^note: %-%-cutmix changes nothing: ", said(mix.tell, run_of { mixes = true, cutmix = 1, batch_size = 1 }))
      assert.equal("", said(mix.tell, run_of { mixes = true, mixup = 1 }) .. said(mix.tell, run_of { batch_size = 1 }))
   end)
end)

describe("batches that validate", function()
   it("are taken in turns, whole", function()
      for size = 1, 4 do
         for n = 0, 11 do
            local seen = {}
            for rank = 0, size - 1 do
               local own = as(rank, size, function() return shares.turns(numbers(n), 3) end)
               for i = 1, #own, 3 do
                  assert.equal(1, own[i] % 3) -- where a batch of the whole begins
                  for k = i, math.min(i + 2, #own) do
                     assert.equal(own[i] + k - i, own[k])
                     assert.is_nil(seen[own[k]])
                     seen[own[k]] = true
                  end
               end
            end
            assert.equal(n, #seen)
         end
      end
   end)
end)

describe("what one process alone asks of the others", function()
   it("is what it has", function()
      assert.same({ 1.5, 2 }, world.sums { 1.5, 2 })
      assert.same({ "a\0b" }, world.texts "a\0b")
      local t, none = scute.ones(2, { requires_grad = true }), scute.ones(2, { requires_grad = true })
      local tripled = t * 3
      tripled:sum():backward()
      local reducer <close> = world.reducer { t, none }
      reducer:finish()
      assert.same({ 3, 3 }, t.grad:values())
      assert.is_nil(none.grad)
      local mean = scute.tensor { 0.1, 3 }
      world.average({ mean }, 1)
      assert.same(scute.tensor({ 0.1, 3 }):values(), mean:values())
   end)

   it("is heard in the order in which it was told", function()
      local run, told = { shared = true, heard = {} }, {}
      parallel.hear(run, "bad", "train", 3, "a.jpg", "it is broken")
      parallel.hear(run, "digest", "val", 1, "9c-1")
      parallel.share_heard(run, function(...) told[#told + 1] = { ... } end)
      assert.same({ { "bad", "train", 3, "a.jpg", "it is broken" }, { "digest", "val", 1, "9c-1", "" } }, told)
      assert.same({}, run.heard)
   end)
end)

describe("pieces of a batch that memory had no room for", function()
   -- What process `rank` of `size` takes at a time where a run goes on. saved: fields of the position.
   local function loaded(rank, size, saved)
      local run = { shared = size > 1, set = { classes = { "a", "b" } }, times = { clock = 0 }, epochs = 1 }
      saved.epoch, saved.batches, saved.step, saved.skipped, saved.epochs, saved.seconds = 1, 1, 1, 0, 1, 0
      saved.cells, saved.mean = {}, { sum = 0, weight = 0 }
      as(rank, size, function() position.load(run, saved) end)
      return run.micro or "whole"
   end

   it("are each process's own where a run goes on, or the smallest for other numbers of processes", function()
      local cases = { { { micros = { 0, 3 } }, { "whole", 3 } }, { { micros = { 0, 3, 2 } }, { 2, 2 } },
         { { micro = 4 }, { 4, 4 } }, { {}, { "whole", "whole" } }, { { micros = { 0, 0, 0 } }, { "whole", "whole" } },
         { { micros = { 5, 3 } }, { 3 } }, { { micro = 4 }, { 4 } } }
      for i, case in ipairs(cases) do
         for rank, expected in ipairs(case[2]) do
            assert.equal(expected, loaded(rank - 1, #case[2], case[1]), ("case %d, rank %d"):format(i, rank - 1))
         end
      end
   end)

   -- Each process computes whole batches, and takes `micros` (by rank) at a time; before: what they took until now. Returns
   -- what is told, or why it ends.
   local function checked(before, micros)
      local told, tell = "nothing", memory.tell
      local run = { shared = true, feed = {}, micros = before, micro = micros[2], meter = { clear = function() end } }
      function memory.tell(_, micro) told = micro end
      local ok, why = as(1, #micros, function()
         local sums = memory.add_pieces(run, { 7 })
         for i, micro in ipairs(micros) do sums[1 + i] = i == 2 and sums[3] + 0.0 or micro + 0.0 end
         return pcall(memory.check_pieces, run, sums)
      end)
      memory.tell = tell
      return ok and told or console.message(why)
   end

   it("are as small in all processes that compute the same, or end the run", function()
      local alone = ": out of memory, and not as in the others; each of the 3 processes computes the whole batch here"
      for i, case in ipairs { { nil, { 0, 0, 0 }, "nothing" }, { nil, { 4, 4, 4 }, 4 }, { { 4, 4, 4 }, { 4, 4, 4 }, "nothing" },
         { { 4, 4, 4 }, { 2, 2, 2 }, 2 }, { nil, { 0, 4, 0 }, "rank 1" .. alone },
         { { 4, 4, 4 }, { 2, 4, 2 }, "ranks 0, 2" .. alone }, { nil, { 2, 4, 4 }, "ranks 0, 1, 2" .. alone } } do
         local found = checked(case[1], case[2])
         assert.is_truthy(found == case[3] or tostring(found):find(case[3], 1, true), ("case %d: %s"):format(i, found))
      end
   end)

   it("are the smallest that any took where all compute the same from then on", function()
      for micros, expected in pairs { [{ 0, 3, 2 }] = 2, [{ 0, 0, 0 }] = "whole" } do
         local run = { shared = true, feed = {}, micros = micros }
         memory.level(run)
         assert.equal(expected, run.micro or "whole")
         assert.equal(micros[1], micros[2])
      end
      local run = { shared = true, feed = { shared = true }, micros = { 0, 3 } }
      memory.level(run)
      assert.is_nil(run.micro)
   end)
end)
