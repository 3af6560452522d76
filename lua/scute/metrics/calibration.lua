-- From scores to probabilities: isotonic and Platt's calibration, and how far probabilities are from what happens.
local cjson = require "cjson"
local options = require "scute.base.options"
local paired = require "scute.metrics.paired"

local calibration = {}

local Calibration = { __name = "scute.calibration" }
Calibration.__index = Calibration

function Calibration:__tostring()
   local how = self.kind == "platt" and ("1 / (1 + exp(-(%.4g * score %+.4g)))"):format(self.slope, self.offset)
      or ("a rising line through %d points"):format(#self.scores)
   return ("%s calibration of %d scores, %d of them true: %s"):format(self.kind == "platt" and "Platt's" or "isotonic",
      self.n, self.positives, how)
end

-- ---- isotonic ----

-- One entry for each score that occurs: {score, share of true ones, how many}, rising.
local function by_score(scores, flags)
   local order, list = {}, {}
   for i = 1, #scores do order[i] = i end
   table.sort(order, function(a, b)
      if scores[a] ~= scores[b] then return scores[a] < scores[b] end
      return a < b
   end)
   for _, i in ipairs(order) do
      local last = list[#list]
      if not last or last[1] ~= scores[i] then
         last = { scores[i], 0, 0 }
         list[#list + 1] = last
      end
      last[2], last[3] = last[2] + (flags[i] and 1 or 0), last[3] + 1
   end
   return list
end

-- Pools neighbours whose shares fall (Ayer et al. 1955): blocks of {true ones, how many, entries}.
local function pool(entries)
   local blocks = {}
   for _, entry in ipairs(entries) do
      local block = { entry[2], entry[3], 1 }
      while #blocks > 0 and blocks[#blocks][1] * block[2] >= block[1] * blocks[#blocks][2] do -- as whole numbers
         local before = table.remove(blocks)
         block = { block[1] + before[1], block[2] + before[2], block[3] + before[3] }
      end
      blocks[#blocks + 1] = block
   end
   return blocks
end

-- The corners of the line: of each block its first and last score.
local function corners(entries, blocks)
   local scores, probabilities, at = {}, {}, 0
   for _, block in ipairs(blocks) do
      local share = block[1] / block[2]
      for _, i in ipairs(block[3] > 1 and { at + 1, at + block[3] } or { at + 1 }) do
         scores[#scores + 1], probabilities[#probabilities + 1] = entries[i][1], share
      end
      at = at + block[3]
   end
   return scores, probabilities
end

local function count_true(flags)
   local n = 0
   for _, flag in ipairs(flags) do n = n + (flag and 1 or 0) end
   return n
end

-- Scores and flags of what is given, at least one of them.
local function given_pairs(what, scores, outcomes)
   local n = paired.check(what, "scores", scores, outcomes)
   if n == 0 then error(("%s: expected at least one score, found none"):format(what), 3) end
   local numbers, flags = paired.lists(scores, outcomes)
   for i, score in ipairs(numbers) do
      if score == math.huge or score == -math.huge then
         error(("%s: expected finite scores, found infinity at place %d"):format(what, i), 3)
      end
   end
   return numbers, flags
end

--- The rising function of a score that fits best what is true (least squares; pool adjacent violators), as probability: a line
-- between the scores seen, level below the lowest and above the highest (scikit-learn's IsotonicRegression with
-- out_of_bounds="clip"). Needs hundreds of scores; of fewer take metrics.platt. scores: a list of numbers or a tensor (N);
-- outcomes: true or false (1 or 0) for each. Returns a calibration: calibration:of(score), calibration:plain().
function calibration.isotonic(scores, outcomes)
   local numbers, flags = given_pairs("metrics.isotonic", scores, outcomes)
   local entries = by_score(numbers, flags)
   local x, y = corners(entries, pool(entries))
   return setmetatable({ kind = "isotonic", scores = x, probabilities = y, n = #numbers, positives = count_true(flags) },
      Calibration)
end

-- ---- Platt ----

-- Where scores lie, so that Newton's steps are well conditioned.
local function location(numbers)
   local sum, squares = 0.0, 0.0
   for _, x in ipairs(numbers) do sum = sum + x end
   local mean = sum / #numbers
   for _, x in ipairs(numbers) do squares = squares + (x - mean) ^ 2 end
   local spread = math.sqrt(squares / #numbers)
   return mean, spread > 0 and spread or 1
end

-- log(1 + exp(z)) without overflow.
local function softplus(z) return z > 0 and z + math.log(1 + math.exp(-z)) or math.log(1 + math.exp(z)) end

local function loss(xs, targets, a, b)
   local sum = 0.0
   for i, x in ipairs(xs) do sum = sum + softplus(a * x + b) - targets[i] * (a * x + b) end
   return sum
end

-- Gradient and matrix of second derivatives at (a, b).
local function derivatives(xs, targets, a, b)
   local ga, gb, haa, hab, hbb = 0.0, 0.0, 1e-12, 0.0, 1e-12
   for i, x in ipairs(xs) do
      local z = a * x + b
      local p = z >= 0 and 1 / (1 + math.exp(-z)) or math.exp(z) / (1 + math.exp(z))
      local gap, weight = p - targets[i], p * (1 - p)
      ga, gb = ga + gap * x, gb + gap
      haa, hab, hbb = haa + weight * x * x, hab + weight * x, hbb + weight
   end
   return ga, gb, haa, hab, hbb
end

local STEPS, HALVINGS, FLAT = 100, 40, 1e-13

-- The first of a step, its half, its quarter, ... after which the loss is no larger; nil where what is left is rounding.
local function falling(xs, targets, value, a, b, da, db)
   local step = 1.0
   for _ = 1, HALVINGS do
      local now = loss(xs, targets, a + step * da, b + step * db)
      if now <= value then return step, now end
      step = step / 2
   end
end

-- Newton's method with steps that are halved until the loss falls (Lin, Lin and Weng 2007).
local function fit(xs, targets, a, b)
   local value = loss(xs, targets, a, b)
   for _ = 1, STEPS do
      local ga, gb, haa, hab, hbb = derivatives(xs, targets, a, b)
      if math.abs(ga) + math.abs(gb) <= FLAT * #xs then break end
      local det = haa * hbb - hab * hab
      local da, db = -(hbb * ga - hab * gb) / det, -(haa * gb - hab * ga) / det
      local step, now = falling(xs, targets, value, a, b, da, db)
      if not step then break end
      a, b, value = a + step * da, b + step * db, now
   end
   return a, b
end

--- Platt's calibration (1999): probability = 1 / (1 + exp(-(slope * score + offset))), the slope and offset that fit best, with
-- his targets, which keep few scores from being certain ((n1 + 1) / (n1 + 2) for true ones, 1 / (n0 + 2) for the others). For
-- few scores, where metrics.isotonic would follow chance. Takes and returns what that does.
function calibration.platt(scores, outcomes)
   local numbers, flags = given_pairs("metrics.platt", scores, outcomes)
   local positives, xs, targets = count_true(flags), {}, {}
   local mean, spread = location(numbers)
   local high, low = (positives + 1) / (positives + 2), 1 / (#numbers - positives + 2)
   for i, x in ipairs(numbers) do xs[i], targets[i] = (x - mean) / spread, flags[i] and high or low end
   local a, b = fit(xs, targets, 0.0, math.log((positives + 1) / (#numbers - positives + 1)))
   return setmetatable({ kind = "platt", slope = a / spread, offset = b - a * mean / spread, n = #numbers,
      positives = positives }, Calibration)
end

-- ---- what it says ----

local function isotonic_of(self, score)
   local xs, ys = self.scores, self.probabilities
   if score <= xs[1] then return ys[1] end
   if score >= xs[#xs] then return ys[#ys] end
   local low, high = 1, #xs -- xs[low] <= score < xs[high]
   while high - low > 1 do
      local half = (low + high) // 2
      if xs[half] <= score then low = half else high = half end
   end
   return ys[low] + (score - xs[low]) / (xs[high] - xs[low]) * (ys[high] - ys[low])
end

local function platt_of(self, score)
   local z = self.slope * score + self.offset
   return z >= 0 and 1 / (1 + math.exp(-z)) or math.exp(z) / (1 + math.exp(z))
end

--- The probability (0 to 1) that belongs to a score; of a list of scores a list. NaN of NaN.
function Calibration:of(score)
   if type(score) == "table" then
      local list = {}
      for i, each in ipairs(score) do list[i] = self:of(each) end
      return list
   elseif type(score) ~= "number" then
      error("calibration:of: expected a score or a list of them, found " .. tostring(score), 2)
   end
   if score ~= score then return score end
   return (self.kind == "platt" and platt_of or isotonic_of)(self, score)
end

--- All of it as a table of numbers, lists and texts, for a JSON file; metrics.calibration makes a calibration of it again.
function Calibration:plain()
   local copy = {}
   for name, value in pairs(self) do copy[name] = value end
   return copy
end

local function is_number(value)
   return type(value) == "number" and value == value and value ~= math.huge and value ~= -math.huge
end

-- Whether a line of corners is one: both lists as long, scores rising, probabilities that do not fall.
local function is_rising(xs, ys)
   if type(xs) ~= "table" or type(ys) ~= "table" or #xs == 0 or #xs ~= #ys then return false end
   for i = 1, #xs do
      if not (is_number(xs[i]) and is_number(ys[i]) and ys[i] >= 0 and ys[i] <= 1) then return false end
      if i > 1 and not (xs[i] > xs[i - 1] and ys[i] >= ys[i - 1]) then return false end
   end
   return true
end

--- The calibration that a table of calibration:plain() tells of, as a JSON file gives it back. One that tells of none is an
-- error without a position, for who read it from a file.
function calibration.calibration(plain)
   if type(plain) ~= "table" or plain == cjson.null then
      error("expected a calibration, found " .. tostring(plain), 0)
   end
   local copy = { kind = plain.kind, n = math.tointeger(plain.n) or 0, positives = math.tointeger(plain.positives) or 0 }
   if plain.kind == "platt" and is_number(plain.slope) and is_number(plain.offset) then
      copy.slope, copy.offset = plain.slope, plain.offset
   elseif plain.kind == "isotonic" and is_rising(plain.scores, plain.probabilities) then
      copy.scores = table.move(plain.scores, 1, #plain.scores, 1, {})
      copy.probabilities = table.move(plain.probabilities, 1, #plain.scores, 1, {})
   else
      error(("expected a calibration, isotonic (scores that rise, with probabilities) or platt (slope and offset), found one "
         .. "of kind '%s' that is none: was the file changed?"):format(tostring(plain.kind)), 0)
   end
   return setmetatable(copy, Calibration)
end

-- ---- how good ----

local ROUNDING = 1e-6 -- probabilities of a float32 tensor may be so much above 1

local ERROR = options.declare("metrics.calibration_error", {
   { "bins", whole = true, min = 1, default = 15, help = "equal ranges of probability" },
})

--- Expected calibration error (Guo et al. 2017, https://arxiv.org/abs/1706.04599, eq. 3): how far probabilities and what
-- happened lie apart, over equal ranges (low, high] of the probability, weighted by how many are in each. probabilities: a list
-- or a tensor (N), from 0 to 1; outcomes: true or false (1 or 0) for each. Returns the error (NaN of none) and the ranges: list
-- of { low, high, count, confidence = mean probability, accuracy = share of true ones }.
function calibration.calibration_error(probabilities, outcomes, given)
   local bins, list, sum = ERROR:read(given).bins, {}, 0.0
   paired.check("metrics.calibration_error", "probabilities", probabilities, outcomes)
   local shares, flags = paired.lists(probabilities, outcomes)
   for i, p in ipairs(shares) do
      if p < -ROUNDING or p > 1 + ROUNDING then
         error(("metrics.calibration_error: expected probabilities from 0 to 1, found %g at place %d"):format(p, i), 2)
      end
   end
   for b = 1, bins do list[b] = { low = (b - 1) / bins, high = b / bins, count = 0, confidence = 0, accuracy = 0 } end
   for i, p in ipairs(shares) do
      local bin = list[math.max(1, math.min(bins, math.ceil(p * bins)))]
      bin.count = bin.count + 1
      bin.confidence = bin.confidence + p
      bin.accuracy = bin.accuracy + (flags[i] and 1 or 0)
   end
   for _, bin in ipairs(list) do
      if bin.count > 0 then
         sum = sum + math.abs(bin.confidence - bin.accuracy)
         bin.confidence, bin.accuracy = bin.confidence / bin.count, bin.accuracy / bin.count
      end
   end
   return #shares > 0 and sum / #shares or 0 / 0, list
end
ERROR:describes(calibration.calibration_error)

return calibration
