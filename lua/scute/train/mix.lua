-- Mixup and cutmix: photos of a batch blended with, or partly covered by, their neighbours in the batch, and the classes
-- with them. As torchvision's transforms.v2.MixUp and CutMix do it: the partner of a photo is the one before it in the
-- batch. What is drawn depends on (seed, step, batch) alone.
--
-- Mixup: Zhang et al. 2018; cutmix: Yun et al. 2019. The loss share * L(y) + (1 - share) * L(partner) equals the cross
-- entropy with the soft target share * onehot(y) + (1 - share) * onehot(partner), since it is linear in the target.
local scute = require "scute"
local console = require "scute.base.console"
local draw = require "scute.data.draw"

local mix = {}

-- Normal numbers by Box and Muller from the stream of uniform ones.
local function normal(next_uniform)
   local u = 1 - next_uniform()
   return math.sqrt(-2 * math.log(u)) * math.cos(2 * math.pi * next_uniform())
end

-- Gamma(a, 1): Marsaglia and Tsang, 2000; for a below 1 by the power of a uniform number.
local function gamma(a, next_uniform)
   if a < 1 then
      local boost = (1 - next_uniform()) ^ (1 / a)
      return gamma(a + 1, next_uniform) * boost
   end
   local d = a - 1 / 3
   local c = 1 / math.sqrt(9 * d)
   while true do
      local x = normal(next_uniform)
      local v = (1 + c * x) ^ 3
      if v > 0 and math.log(1 - next_uniform()) < 0.5 * x * x + d - d * v + d * math.log(v) then return d * v end
   end
end

--- A number of the Beta(a, a) distribution, from a function that gives uniform numbers in [0, 1).
function mix.beta(a, next_uniform)
   local left, right = gamma(a, next_uniform), gamma(a, next_uniform)
   return left + right > 0 and left / (left + right) or (next_uniform() < 0.5 and 0 or 1)
end

-- The tensor with its last row first: each row stands where its successor was.
local function rolled(t)
   local n = t.shape[1]
   if n == 1 then return t:clone() end
   local last <close> = scute.slice(t, 1, n, n)
   local rest <close> = scute.slice(t, 1, 1, n - 1)
   return scute.concat({ last, rest }, 1)
end

--- x * share + (the row before) * (1 - share), and the classes of the rows before. x (n, ...), y (n) i64.
function mix.up(x, y, share)
   local other <close> = rolled(x)
   local left <close> = x * share
   local right <close> = other * (1 - share)
   return left + right, rolled(y)
end

-- n numbers, 1 from `from` to `to` and else 0.
local function stretch(n, from, to, shape, device)
   local numbers = {}
   for i = 1, n do numbers[i] = i >= from and i <= to and 1 or 0 end
   local flat <close> = scute.tensor(numbers, { dtype = "u8", device = device })
   return flat:reshape(shape)
end

--- Covers a box of each photo by the same box of the one before it. Rows top to bottom and columns left to right, from 1,
-- bounds included; an empty box where bottom < top or right < left. Returns the photos, the classes of the rows before and
-- the share that is still the photo's own.
function mix.cut(x, y, top, bottom, left, right)
   local height, width = x.shape[3], x.shape[4]
   local empty = bottom < top or right < left
   if empty then return x:clone(), rolled(y), 1 end
   local rows <close> = stretch(height, top, bottom, { 1, 1, height, 1 }, x.device)
   local columns <close> = stretch(width, left, right, { 1, 1, 1, width }, x.device)
   local box <close> = rows * columns
   local other <close> = rolled(x)
   return scute.where(box, other, x), rolled(y), 1 - (bottom - top + 1) * (right - left + 1) / (height * width)
end

--- The box of a cutmix, as mix.cut takes it, that leaves a photo about `share` of itself: its middle is drawn, column first.
function mix.box(share, height, width, next_uniform)
   local column, row = math.floor(next_uniform() * width), math.floor(next_uniform() * height) -- the middle, from 0
   local half = 0.5 * math.sqrt(1 - share)
   local across, down = math.floor(half * width), math.floor(half * height)
   local left, top = math.max(column - across, 0), math.max(row - down, 0)
   local right, bottom = math.min(column + across, width), math.min(row + down, height) -- one past the end
   return top + 1, bottom, left + 1, right
end

-- Mixes a batch of a run in place: batch.x, and batch.partner and batch.share for the loss. `i` is its number within the
-- step, unless it says what its numbers are drawn by. Where both are asked for, a coin decides which.
local function apply(run, batch, i)
   local next_uniform = draw.uniforms(run.seed, "mix", batch.draws or run.step * 1024 + i)
   local cut = run.cutmix > 0 and (run.mixup == 0 or next_uniform() < 0.5)
   local share = mix.beta(cut and run.cutmix or run.mixup, next_uniform)
   local x, partner
   if cut then
      x, partner, share = mix.cut(batch.x, batch.y, mix.box(share, batch.x.shape[3], batch.x.shape[4], next_uniform))
   else
      x, partner = mix.up(batch.x, batch.y, share)
   end
   batch.x:free()
   batch.x, batch.partner, batch.share = x, partner, share
end

--- Says where no photo has another one to be mixed with. To be called when batch_size is what it stays.
function mix.tell(run)
   if run.mixes and run.batch_size == 1 then
      console.line("note: --%s changes nothing: a photo is mixed with another one of its batch, and batches have one; take a "
         .. "larger --batch_size", run.mixup > 0 and "mixup" or "cutmix")
   end
end

--- Mixes the batches of a step, where the run wants that.
function mix.window(run, window)
   for i, batch in ipairs(run.mixes and window or {}) do apply(run, batch, i) end
end

return mix
