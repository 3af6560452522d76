-- Experiments with a known outcome: identical variants are told apart as seldom as the paired test says, a difference of the
-- size that it calls the smallest is found about as often. Usage: scute tests/soak/paired.lua
local experiments = dofile "tests/lua/experiments.lua"

local COUNT = 400
local failed = 0

local function tell(ok, o, text, ...)
   failed = failed + (ok and 0 or 1)
   print(("%s%d variants, %d photos, %s, runs %.1f: %s"):format(ok and "" or "FAILED ", o.variants, o.photos,
      o.seeds and o.seeds .. " seeds" or o.folds .. " folds", o.training, text:format(...)))
end

-- Runs that are all as good, those of everyday, and such that differ by three points.
local function identical_ones()
   for _, variants in ipairs { 2, 5 } do
      for _, photos in ipairs { 20, 44, 200, 1000 } do
         for _, training in ipairs { 0, 0.1, 0.3 } do
            for _, kind in ipairs { { seeds = 3 }, { folds = 5 } } do
               local o = { photos = photos, variants = variants, training = training, seeds = kind.seeds, folds = kind.folds }
               local apart = experiments.run(COUNT, o)
               tell(apart <= 0.075, o, "told apart in %.1f %% of %d experiments", 100 * apart, COUNT)
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
local function different_ones()
   for _, o in ipairs { { photos = 200, seeds = 3 }, { photos = 1000, seeds = 3 }, { photos = 200, folds = 5 },
      { photos = 1000, folds = 5 } } do
      o.variants, o.training = 2, 0.1
      o.gain = smallest_gain(o)
      local apart, difference, smallest = experiments.run(COUNT, o)
      tell(apart >= 0.7 and apart <= 0.9, o, "a difference of %.1f points, the smallest being %.1f, is found in %.1f %%",
         100 * difference, 100 * smallest, 100 * apart)
   end
end

identical_ones()
different_ones()
os.exit(failed == 0, true)
