-- Experiments with a known outcome: identical variants are told apart as seldom as the paired test says, a difference of the
-- size that it calls the smallest is found about as often. Usage: scute tests/soak/paired.lua
local experiments = dofile "tests/lua/experiments.lua"

local COUNT = 400
local failed = 0

local function runs_text(o)
   if o.seeds then return o.seeds .. " seeds" end
   if not o.nested then return o.folds .. " folds" end
   return ("%d x %d folds that differ by %s"):format(o.folds, o.nested, o.outer and "the outer one" or "both")
end

local function tell(ok, o, text, ...)
   failed = failed + (ok and 0 or 1)
   print(("%s%s, %d variants, %d photos, %s, runs %.1f: %s"):format(ok and "" or "FAILED ", o.metric, o.variants, o.photos,
      runs_text(o), o.training, text:format(...)))
end

local KINDS = { { seeds = 3 }, { folds = 5 } }

-- Calls visit with a kind of experiment for each combination.
local function each(metrics, variants, photos, trainings, visit)
   for _, metric in ipairs(metrics) do
      for _, v in ipairs(variants) do
         for _, p in ipairs(photos) do
            for _, training in ipairs(trainings) do
               for _, kind in ipairs(KINDS) do
                  visit { metric = metric, variants = v, photos = p, training = training, seeds = kind.seeds,
                     folds = kind.folds }
               end
            end
         end
      end
   end
end

local function is_seldom_apart_by_run(o)
   local apart = experiments.run(COUNT, o, experiments.by_run(o))
   tell(apart <= 0.075, o, "told apart by the runs alone in %.1f %%", 100 * apart)
end

local function is_seldom_apart(o)
   local apart = experiments.run(COUNT, o)
   tell(apart <= 0.075, o, "told apart in %.1f %% of %d experiments", 100 * apart, COUNT)
end

-- Runs that are all as good, those of everyday, and such that differ by three points.
local function identical_ones()
   each({ "accuracy", "loss", "f1" }, { 2, 5 }, { 20, 44, 200, 1000 }, { 0, 0.1, 0.3 }, is_seldom_apart)
   each({ "loss" }, { 2, 5 }, { 44 }, { 0.1, 0.3 }, is_seldom_apart_by_run)
end

-- Of nested folds, whose runs leave out the photos of their outer fold.
local function identical_nested_ones()
   for _, folds in ipairs { { 3, 2 }, { 5, 2 }, { 3, 3 } } do
      for _, training in ipairs { 0, 0.4, 0.8 } do
         for _, metric in ipairs { "accuracy", "loss" } do
            for _, outer in ipairs { false, true } do
               is_seldom_apart { metric = metric, variants = 2, photos = 300, training = training, folds = folds[1],
                  nested = folds[2], outer = outer }
            end
         end
      end
   end
end

-- The gain whose difference is the smallest that the test names, by halving: both hang on the gain, one much more.
local function smallest_gain(o)
   local low, high = 0, 4
   for _ = 1, 5 do
      o.gain = (low + high) / 2
      local _, difference, smallest = experiments.run(COUNT // 4, o)
      if difference < smallest then low = o.gain else high = o.gain end
   end
   return (low + high) / 2
end

-- The smallest difference is defined by a power of 80 %; five deviations of a share of 400 are 10 points.
local function is_found_as_often(o)
   o.gain = smallest_gain(o)
   local apart, difference, smallest = experiments.run(COUNT, o)
   tell(apart >= 0.7 and apart <= 0.9, o, "a difference of %.3f, the smallest being %.3f, is found in %.1f %%", difference,
      smallest, 100 * apart)
end

local function different_ones()
   each({ "accuracy", "loss", "f1" }, { 2 }, { 200, 1000 }, { 0.1 }, is_found_as_often)
end

identical_ones()
identical_nested_ones()
different_ones()
os.exit(failed == 0, true)
