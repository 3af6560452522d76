-- Experiments whose outcome is known, for scute.experiment.paired: every photo has a difficulty, every run a training that went
-- well or badly, and whether an answer is right is a coin of both. What is drawn hangs on the number of the experiment alone.
local paired = require "scute.experiment.paired"

local experiments = {}

local GOLDEN = 0x9e3779b97f4a7c15
local EASE, SPREAD = 2.2, 2 -- of photos, in logits: about 80 % are recognised

-- Uniform numbers in (0, 1): splitmix64 (Steele, Lea and Flood 2014).
local function uniforms(seed)
   local counter = seed * 0xd1b54a32d192ed03
   return function()
      counter = counter + GOLDEN
      local z = counter
      z = (z ~ (z >> 30)) * 0xbf58476d1ce4e5b9
      z = (z ~ (z >> 27)) * 0x94d049bb133111eb
      return (((z ~ (z >> 31)) >> 11) + 0.5) * 0x1p-53
   end
end

-- Box and Muller 1958.
local function normal(uniform)
   return math.sqrt(-2 * math.log(uniform())) * math.cos(2 * math.pi * uniform())
end

local function answers(uniform, ease, training, is_asked)
   local run = {}
   for i, photo in ipairs(ease) do
      if is_asked(i) then run[i] = uniform() * (1 + math.exp(-photo - training)) < 1 and 1 or 0 end
   end
   return run
end

--- Experiment number `seed`. o: photos, variants, seeds or folds, training = deviation of the runs in logits (0.2: about two
-- points of accuracy), gain = by how many logits the first variant is better. Returns variants as paired.compare takes them.
function experiments.draw(seed, o)
   local uniform, ease, variants = uniforms(seed), {}, {}
   for i = 1, o.photos do ease[i] = EASE + SPREAD * normal(uniform) end
   for v = 1, o.variants do
      variants[v] = {}
      for r = 1, o.seeds or o.folds do
         local training = o.training * normal(uniform) + (v == 1 and o.gain or 0)
         variants[v][r] = answers(uniform, ease, training, function(i) return o.seeds or i % o.folds == r - 1 end)
      end
   end
   return variants
end

--- The first `count` experiments of a kind: the share of those in which any two variants are told apart, and the means of the
-- difference and of the smallest difference of the first pair.
function experiments.run(count, o)
   local apart, difference, smallest = 0, 0, 0
   for seed = 1, count do
      local found, any = paired.compare(experiments.draw(seed, o), o.photos), false
      for _, pair in ipairs(found) do any = any or pair.apart end
      apart = apart + (any and 1 or 0)
      difference, smallest = difference + found[1].difference, smallest + (found[1].smallest or 1)
   end
   return apart / count, difference / count, smallest / count
end

return experiments
