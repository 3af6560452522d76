-- Experiments whose outcome is known, for scute.experiment.paired: every photo has a difficulty, every run a training that went
-- well or badly, and whether an answer is right is a coin of both. What is drawn hangs on the number of the experiment alone.
local by_run = require "scute.experiment.by_run"
local paired = require "scute.experiment.paired"
local sample = require "scute.experiment.sample"

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

-- Answers of a run: photo -> how sure it is of the truth, in logits.
local function margins(uniform, ease, training, is_asked)
   local run = {}
   for i, photo in ipairs(ease) do
      if is_asked(i) then run[i] = photo + training + math.log(1 / uniform() - 1) end
   end
   return run
end

-- ---- what is measured of a run, photo by photo ----

local measures = {}

function measures.accuracy(run)
   local values = {}
   for i, margin in pairs(run) do values[i] = margin > 0 and 1 or 0 end
   return values
end

function measures.loss(run)
   local values = {}
   for i, margin in pairs(run) do values[i] = math.log(1 + math.exp(-margin)) end
   return values
end

-- Macro F1 of counts { right, support, said } of each class.
local function f1_of(counts)
   local sum, classes = 0, 0
   for _, c in ipairs(counts) do
      if c.support + c.said > 0 then sum, classes = sum + 2 * c.right / (c.support + c.said), classes + 1 end
   end
   return classes > 0 and sum / classes or 0
end

local CLASSES = 3

-- Of a photo: its class, and what it is taken for.
local function classes_of(i, margin)
   local truth = i % CLASSES + 1
   return truth, margin > 0 and truth or truth % CLASSES + 1
end

local function count(counts, truth, said, n)
   counts[truth].support, counts[said].said = counts[truth].support + n, counts[said].said + n
   if truth == said then counts[truth].right = counts[truth].right + n end
end

-- The pseudo-values of the jackknife, about the figure itself.
function measures.f1(run)
   local counts, values, photos, sum = {}, {}, 0, 0
   for class = 1, CLASSES do counts[class] = { right = 0, support = 0, said = 0 } end
   for i, margin in pairs(run) do
      local truth, said = classes_of(i, margin)
      count(counts, truth, said, 1)
      photos = photos + 1
   end
   local all = f1_of(counts)
   for i, margin in pairs(run) do
      local truth, said = classes_of(i, margin)
      count(counts, truth, said, -1)
      values[i] = photos * all - (photos - 1) * f1_of(counts)
      count(counts, truth, said, 1)
      sum = sum + values[i]
   end
   for i, value in pairs(values) do values[i] = value - sum / photos + all end
   return values
end

-- Whether a run (of nested folds an outer fold and one of its inner ones) answers for photo i.
local function is_asked(o, i, run, inner)
   if o.seeds then return true end
   local is_of_fold = i % o.folds == run - 1
   if not o.nested then return is_of_fold end
   return not is_of_fold and i // o.folds % o.nested == inner - 1
end

--- Experiment number `seed`. o: photos, variants, seeds or folds, nested = inner folds, training = deviation of the runs (of
-- nested folds each inner one, or with `outer` all of an outer one together) in logits (0.2: about two points of accuracy),
-- gain = by how many logits the first variant is better, metric = accuracy (default), loss or f1. Returns variants as
-- paired.compare takes them.
function experiments.draw(seed, o)
   local uniform, ease, variants, measure = uniforms(seed), {}, {}, measures[o.metric or "accuracy"]
   for i = 1, o.photos do ease[i] = EASE + SPREAD * normal(uniform) end
   for v = 1, o.variants do
      variants[v] = {}
      for r = 1, o.seeds or o.folds do
         variants[v][r] = {}
         local outer = o.training * normal(uniform)
         for inner = 1, o.nested or 1 do
            local training = (o.outer and outer or o.training * normal(uniform)) + (v == 1 and o.gain or 0)
            local run = margins(uniform, ease, training, function(i) return is_asked(o, i, r, inner) end)
            for i, value in pairs(measure(run)) do variants[v][r][i] = value end
         end
      end
   end
   return variants
end

--- The first `count` experiments of a kind: the share of those in which any two variants are told apart, and the means of the
-- size of the difference and of the smallest difference of the first pair. compare: what is asked in paired.compare's place.
function experiments.run(count_of, o, compare)
   local apart, difference, smallest = 0, 0, 0
   compare = compare or function(variants)
      return paired.compare(variants, o.photos, { unbounded = (o.metric or "accuracy") ~= "accuracy" })
   end
   for seed = 1, count_of do
      local found, any = compare(experiments.draw(seed, o)), false
      for _, pair in ipairs(found) do any = any or pair.apart end
      apart = apart + (any and 1 or 0)
      difference, smallest = difference + math.abs(found[1].difference), smallest + (found[1].smallest or 1)
   end
   return apart / count_of, difference / count_of, smallest / count_of
end

--- What asks by_run.compare of such experiments: the runs alone, by their means.
function experiments.by_run(o)
   return function(variants)
      local figures = {}
      for v, runs in ipairs(variants) do
         figures[v] = {}
         for r, values in ipairs(runs) do
            local list = {}
            for _, value in pairs(values) do list[#list + 1] = value end
            figures[v][r] = sample.mean(list)
         end
      end
      return by_run.compare(figures, { folds = o.folds ~= nil })
   end
end

return experiments
