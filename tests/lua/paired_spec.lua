-- Which differences are real: scute.experiment.paired and the quantiles that it needs.
local by_run = require "scute.experiment.by_run"
local experiments = dofile "tests/lua/experiments.lua"
local paired = require "scute.experiment.paired"
local run_part = require "scute.experiment.run_part"
local sample = require "scute.experiment.sample"
local studentized = require "scute.experiment.studentized"

local function near(expected, found, tolerance)
   assert.is_true(math.abs(expected - found) <= tolerance, ("expected %.17g, found %.17g"):format(expected, found))
end

-- "110" as answers about three photos, "." where there is none.
local function run(text)
   local made = {}
   for i = 1, #text do made[i] = tonumber(text:sub(i, i)) end
   return made
end

local function pair(first, second, photos)
   return paired.compare({ first, second }, photos)[1]
end

describe("compare.studentized", function()
   it("has the quantiles of the tables", function()
      -- Student's t, and Harter's table (1960) of the range over the square root of 2, to the digits that these print.
      for _, row in ipairs { { 2, 1, 12.706, 5e-4 }, { 2, 2, 4.303, 5e-4 }, { 2, 4, 2.776, 5e-4 }, { 2, 10, 2.228, 5e-4 },
         { 5, 2, 10.88 / math.sqrt(2), 5e-3 }, { 5, 4, 6.287 / math.sqrt(2), 5e-4 }, { 3, 20, 3.578 / math.sqrt(2), 5e-4 },
         { 10, 20, 5.008 / math.sqrt(2), 5e-4 }, { 20, 60, 5.241 / math.sqrt(2), 5e-4 } } do
         near(row[3], studentized.quantile(0.95, row[1], row[2]), row[4])
      end
      near(1.95996, studentized.quantile(0.95, 2, math.huge), 5e-5)
      near(0.941, studentized.quantile(0.6, 2, 4), 5e-4)
   end)
end)

describe("compare.paired", function()
   it("is Wilson's interval of Student's t for one run of two variants", function()
      -- Ten photos, of which seven disagree, six for the first: D = 0.5, q = 0.7, t of 13 degrees is 2.1604.
      local found = pair({ run "1111110110" }, { run "0000001110" }, 10)
      local square = 2.1604 ^ 2
      local half = math.sqrt(0.25 - (1 + square / 10) * (0.25 - square * 0.07))
      near(0.5, found.difference, 1e-12)
      near((0.5 - half) / (1 + square / 10), found.low, 1e-4) -- t has four decimals
      near((0.5 + half) / (1 + square / 10), found.high, 1e-4)
      assert.is_false(found.apart)
   end)

   it("needs six photos that disagree, as the sign test does", function()
      for _, photos in ipairs { 6, 20, 400 } do
         for disagree = 1, 8 do
            local first = { run(("1"):rep(photos)) }
            local second = { run(("0"):rep(math.min(disagree, photos)) .. ("1"):rep(photos - disagree)) }
            assert.equal(disagree >= 6, pair(first, second, photos).apart)
         end
      end
   end)

   it("says of five photos that they could show nothing, and of more what", function()
      assert.is_nil(pair({ run "11111" }, { run "00000" }, 5).smallest)
      assert.is_true(pair({ run "111111" }, { run "000000" }, 6).smallest <= 1)
      local few, many = run(("10"):rep(20)), run(("10"):rep(500))
      local small, large = pair({ few }, { few }, 40).smallest, pair({ many }, { many }, 1000).smallest
      assert.is_true(large > 0 and large < small / 5, large .. " " .. small)
   end)

   it("does not tell apart what never disagrees, and leaves room for what other photos would show", function()
      local found = pair({ run "1101" }, { run "1101" }, 4)
      assert.is_false(found.apart)
      near(1 - 0.025 ^ (1 / 4), found.high, 1e-12)
      assert.equal(-found.high, found.low)
   end)

   it("is the same from the other side", function()
      local variants = experiments.draw(3, { photos = 50, variants = 2, seeds = 3, training = 0.2 })
      local there, back = pair(variants[1], variants[2], 50), pair(variants[2], variants[1], 50)
      near(there.low, -back.high, 1e-12)
      near(there.high, -back.low, 1e-12)
      near(there.smallest, back.smallest, 1e-12)
   end)

   it("knows that seeds whose accuracies differ say less", function()
      local good, fair, bad = ("1"):rep(40), ("1"):rep(34) .. ("0"):rep(6), ("1"):rep(22) .. ("0"):rep(18)
      local steady = pair({ run(good), run(good), run(good) }, { run(fair), run(fair), run(fair) }, 40)
      local shaky = pair({ run(good), run(good), run(good) }, { run(good), run(good), run(bad) }, 40)
      near(steady.difference, shaky.difference, 1e-12)
      assert.is_true(steady.apart)
      assert.is_false(shaky.apart)
   end)

   it("is told folds by what the runs answer", function()
      -- The same answers, of one run or in five folds; the first is ahead in a single fold, by all of it.
      local first, second = ("1"):rep(40), ("1"):rep(32) .. ("0"):rep(8)
      local function in_folds(text)
         local folds = {}
         for f = 1, 5 do folds[f] = run(("."):rep(8 * f - 8) .. text:sub(8 * f - 7, 8 * f)) end
         return folds
      end
      assert.is_true(pair({ run(first) }, { run(second) }, 40).apart)
      assert.is_false(pair(in_folds(first), in_folds(second), 40).apart)
   end)

   it("takes a photo that one run could not read", function()
      local found = pair({ run "1111", run "11.1" }, { run "1101", run "1101" }, 4)
      near(0.25, found.difference, 1e-12)
   end)

   it("gives one variant by itself Wilson's interval", function()
      local low, high = paired.interval({ run "11111111" }, 8)
      near(0.6756, low, 5e-5)
      near(1, high, 1e-12)
      -- Runs that answer alike add nothing; runs of other accuracies do.
      local one, alike = { paired.interval({ run "11101110" }, 8) }, { paired.interval({ run "11101110", run "11101110" }, 8) }
      near(one[1], alike[1], 1e-12)
      local shaky = { paired.interval({ run "11111111", run "11110000" }, 8) }
      assert.is_true(shaky[2] - shaky[1] > alike[2] - alike[1])
   end)

   it("tells identical variants apart in at most 7.5 % of experiments", function()
      -- The long simulation, which asks for the same of more kinds, is tests/soak/paired.lua.
      for _, o in ipairs { { photos = 44, variants = 2, seeds = 3 }, { photos = 60, variants = 3, folds = 5 },
         { photos = 44, variants = 2, seeds = 3, metric = "loss" }, { photos = 60, variants = 2, folds = 5, metric = "f1" },
         { photos = 100, variants = 2, folds = 3, nested = 2, metric = "loss", training = 0.8 } } do
         o.training = o.training or 0.2
         local apart = experiments.run(100, o)
         assert.is_true(apart <= 0.075, apart)
      end
   end)

   it("has the whole variance of runs that each leave out some of the photos", function()
      -- Nested folds: run r answers i for photo i, and as much more as the run is better, but for those of its outer fold.
      for _, effects in ipairs { { 1, 2, 4 }, { 3, 1, 4, 1, 5 } } do
         local runs, averages = {}, {}
         for r, effect in ipairs(effects) do
            runs[r] = {}
            for i = 1, 30 do runs[r][i] = i % #effects ~= r - 1 and i + effect or nil end
         end
         for i = 1, 30 do
            local sum = 0
            for r = 1, #effects do sum = sum + (runs[r][i] or 0) end
            averages[i] = sum / (#effects - 1)
         end
         local found = run_part.of_crossed(runs, averages)
         near(sample.variance(effects) / #effects, found.part, 1e-9)
         near(found.part, found.whole, 1e-9)
      end
   end)

   it("leaves all that runs differ by to them where no photo ties them together", function()
      local runs = { { 1, 3 }, { [3] = 6, [4] = 4 }, { [3] = 8, [4] = 4 } }
      local found = run_part.of_crossed(runs, { 1, 3, 7, 4 })
      local weights = (2 / 4) ^ 2 + 2 * (1 / 4) ^ 2
      near(sample.variance { 2, 5, 6 } * weights, found.whole, 1e-12)
      assert.equal(found.whole, found.part)
   end)

   it("finds a difference as often as it says", function()
      -- Three deviations of a share of 100 are 12 points; these gains make about the smallest difference.
      for _, o in ipairs { { seeds = 3, gain = 0.82 }, { folds = 5, gain = 1.25, metric = "loss" } } do
         o.photos, o.variants, o.training = 200, 2, 0.1
         local apart, difference, smallest = experiments.run(100, o)
         near(1, difference / smallest, 0.1)
         near(0.8, apart, 0.12)
      end
   end)
end)

describe("paired, of numbers without bounds", function()
   local WIDE = { unbounded = true }

   local function compare(first, second)
      return paired.compare({ { first }, { second } }, #first, WIDE)[1]
   end

   it("moves its interval with what all photos have in common", function()
      local first, second, shifted = {}, {}, {}
      for i = 1, 40 do first[i], second[i] = math.sin(7 * i), math.cos(5 * i) end
      for i, value in ipairs(first) do shifted[i] = value + 3 end
      local there, moved = compare(first, second), compare(shifted, second)
      assert.is_false(there.apart)
      assert.is_true(moved.apart and moved.low > 2)
      near(3, moved.difference - there.difference, 1e-12)
      near(moved.difference, (moved.low + moved.high) / 2, 1e-12)
      local t = studentized.quantile(0.95, 2, 39) -- nearly all photos differ by about as much: Student's, a little wider
      local differences = {}
      for i, value in ipairs(shifted) do differences[i] = value - second[i] end
      local half = t * sample.deviation(differences) / math.sqrt(40)
      assert.is_true((moved.high - moved.low) / 2 >= half)
      near(1, (moved.high - moved.low) / 2 / half, 0.1)
   end)

   it("has no more degrees of freedom than photos less one", function()
      -- Ten differences of 0.5 and 1.5, which count for 6.1 photos of equal weight: t of 9 degrees is 2.2622.
      local first, second = {}, {}
      for i = 1, 10 do first[i], second[i] = i + (i % 2 == 0 and 0.5 or 1.5), i end
      local found, square = compare(first, second), 2.2622 ^ 2
      near(1 + math.sqrt(square * 0.025 / (1 - square / 10)), found.high, 1e-3)
   end)

   it("has the verdict of shares where they are shares", function()
      for seed = 1, 40 do
         local variants = experiments.draw(seed, { photos = 400, variants = 2, seeds = 3, training = 0.1, gain = seed / 40 })
         assert.equal(pair(variants[1], variants[2], 400).apart, paired.compare(variants, 400, WIDE)[1].apart)
      end
   end)

   it("does not tell apart what never disagrees, nor of few photos what they could show", function()
      local same = compare({ 1, 2, 3, 4 }, { 1, 2, 3, 4 })
      assert.same({ 0, false }, { same.difference, same.apart })
      near(3 * (1 - 0.025 ^ (1 / 4)), same.high, 1e-12)
      local alike, shares = { { 1, 1, 1, 1 } }, { unbounded = true, range = 1 }
      local level = paired.compare({ alike, alike }, 4, shares)[1]
      near(1 - 0.025 ^ (1 / 4), level.high, 1e-12)
      assert.equal(math.huge, paired.compare({ alike, alike }, 4, WIDE)[1].high)
      near(0.025 ^ (1 / 4), paired.interval(alike, 4, shares), 1e-12)
      assert.equal(-math.huge, paired.interval(alike, 4, WIDE))
      local first, second = {}, {}
      for i = 1, 8 do first[i], second[i] = 0.03, 0 end -- whose mean square is rounded to less than the square of the mean
      local shifted = compare(first, second)
      near(0.03, shifted.low, 1e-6)
      assert.is_true(shifted.apart)
      local few = compare({ 1, 2, 3 }, { 1.5, 2.25, 3.125 })
      assert.same({ -math.huge, math.huge, false }, { few.low, few.high, few.apart })
      assert.is_nil(few.smallest)
      local one = compare({ 1 }, { 7 })
      assert.same({ false, -math.huge }, { one.apart, one.low })
      assert.same({ -math.huge, math.huge }, { paired.interval({ { 1 } }, 1, WIDE) })
   end)

   it("tells nothing apart by what is no number, or too large for one", function()
      for _, odd in ipairs { 0 / 0, math.huge, -math.huge, 1e80, 1e160, 1e308 } do
         for photos = 1, 8, 7 do
            local first, second = {}, {}
            for i = 1, photos do first[i], second[i] = 1, 0 end
            second[photos] = odd
            for _, runs in ipairs { { second }, { second, first } } do
               local other = #runs == 2 and { first, first } or { first }
               local found = paired.compare({ other, runs, other }, photos, WIDE)[1]
               assert.same({ -math.huge, math.huge, false }, { found.low, found.high, found.apart })
               assert.is_nil(found.smallest)
               local low, high = paired.interval(runs, photos, WIDE)
               assert.is_true(low == -math.huge and high == math.huge or low < high)
            end
         end
         assert.is_false(by_run.compare({ { odd, 1 }, { 2, 3 }, { 4, 5 } })[1].apart)
      end
   end)

   it("is not certain of losses that are all alike but for the last digit", function()
      local alike = {}
      for i = 1, 7 do alike[i] = 0.1 end
      alike[8] = 0.3 - 0.2
      assert.same({ -math.huge, math.huge }, { paired.interval({ alike }, 8, WIDE) })
   end)

   it("is not sure of a variant whose runs err on different photos", function()
      local low, high = paired.interval({ { 1, 1, 0, 0 }, { 0, 0, 1, 1 } }, 4)
      local expected_low, expected_high = require("scute.metrics").interval(4, 8) -- as if they were eight photos
      near(expected_low, low, 1e-4)
      near(expected_high, high, 1e-4)
   end)

   it("gives one variant by itself Student's interval", function()
      local low, high = paired.interval({ { 1, 2, 3, 4, 5 } }, 5, WIDE)
      near(3 - 2.776 * math.sqrt(2.5 / 5), low, 1e-3)
      near(3 + 2.776 * math.sqrt(2.5 / 5), high, 1e-3)
   end)
end)

describe("by_run", function()
   it("is Student's t of the differences of runs", function()
      -- Differences 1, 2, 3: mean 2, deviation 1; t of two degrees is 4.303.
      local found = by_run.compare { { 2, 4, 6 }, { 1, 2, 3 } }
      near(2, found[1].difference, 1e-12)
      near(2 - 4.303 / math.sqrt(3), found[1].low, 1e-3)
      assert.is_false(found[1].apart)
      assert.is_true(by_run.compare({ { 2, 4, 6 }, { -3, -2, -1 } })[1].apart)
      local wide = by_run.compare({ { 2, 4, 6 }, { 1, 2, 3 } }, { folds = true })[1] -- Nadeau and Bengio's
      near(2 - 4.303 * math.sqrt(1 / 3 + 1 / 2), wide.low, 1e-3)
   end)

   it("says of one run nothing", function()
      local found = by_run.compare { { 1 }, { 0 } }
      assert.same({ 1, false, -math.huge }, { found[1].difference, found[1].apart, found[1].low })
      assert.is_nil(found[1].smallest)
      assert.same({ -math.huge, math.huge }, { by_run.interval { 1 } })
   end)

   it("does not take runs that are all alike for certain", function()
      local unknown = { -math.huge, math.huge, false }
      for _, figures in ipairs { { { 4, 4 }, { 5, 5 } }, { { 0.1 + 0.2, 0.3 }, { 1.3, 0.7 + 0.6 } }, { { 7, 7 }, { 7, 7 } } } do
         local found = by_run.compare(figures)[1]
         assert.same(unknown, { found.low, found.high, found.apart })
         assert.is_nil(found.smallest)
         assert.same({ -math.huge, math.huge }, { by_run.interval(figures[1]) })
      end
      -- What the other pairs spread says something about those that do not.
      local found = by_run.compare { { 4, 4 }, { 5, 5 }, { 2, 9 } }
      assert.is_true(found[1].smallest > 0 and found[1].high < math.huge)
   end)

   it("tells identical variants apart as seldom where figures are whole numbers", function()
      for seeds = 2, 3 do
         local apart, o = 0, { photos = 4, variants = 2, seeds = seeds, training = 0.5 }
         for seed = 1, 400 do
            local figures = {}
            for v, runs in ipairs(experiments.draw(seed, o)) do
               figures[v] = {}
               for r, values in ipairs(runs) do figures[v][r] = 4 * sample.mean(values) end
            end
            apart = apart + (by_run.compare(figures)[1].apart and 1 or 0)
         end
         assert.is_true(apart <= 0.075 * 400, apart)
      end
   end)

   it("tells identical variants apart as seldom, and a difference as often, as it says", function()
      local o = { photos = 40, variants = 3, seeds = 4, training = 0.3, metric = "loss" }
      local apart = experiments.run(100, o, experiments.by_run(o))
      assert.is_true(apart <= 0.075, apart)
      o.variants, o.gain = 2, 2.1
      local found, difference, smallest = experiments.run(100, o, experiments.by_run(o))
      near(1, difference / smallest, 0.25)
      near(0.8, found, 0.15)
   end)
end)
