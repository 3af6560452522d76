-- Random orders that depend on (seed, purpose, index) alone: not on what else was drawn, nor on when.
--
-- The session's own draws (scute.randn, ...) use the streams 0, 1, 2, ... of its seed; these lie far above them, one
-- range for each purpose.
local scute = require "scute"

local draw = {}

local purposes = { split = 1, shuffle = 2, mix = 4, sample = 8, augment = 16, deal = 32, part = 64, key = 128, rank = 256 }
local BLOCK = 16 -- uniform numbers drawn at once

--- A list with a permutation of 1..n. purpose: "split" (index: the class) or "shuffle" (index: the epoch).
function draw.permutation(seed, purpose, index, n)
   local stream = purposes[purpose] << 48 | index
   local before = scute.rng_state()
   scute.rng_state { seed, stream }
   local order = scute.randperm(n)
   scute.rng_state(before)
   local list = order:values()
   order:free()
   return list
end

local GOLDEN = 0x9e3779b97f4a7c15

-- splitmix64 (Steele, Lea and Flood 2014).
local function mixed(z)
   z = (z ~ (z >> 30)) * 0xbf58476d1ce4e5b9
   z = (z ~ (z >> 27)) * 0x94d049bb133111eb
   return z ~ (z >> 31)
end

--- What f(...) draws as number `call` (from 0) of what is drawn for one sample of an epoch.
function draw.of_sample(seed, epoch, sample, call, f, ...)
   local before = scute.rng_state()
   local own = mixed(mixed(mixed(seed + GOLDEN) + epoch * GOLDEN) + sample * GOLDEN)
   scute.rng_state { own, purposes.augment << 48 | call }
   local drawn = f(...)
   scute.rng_state(before)
   return drawn
end

--- What a sample of an epoch is known by where numbers are drawn for it in the network (see scute.row_keys), a whole number.
function draw.key(epoch, sample)
   return mixed(mixed(purposes.key + epoch * GOLDEN) + sample * GOLDEN)
end

--- The state of the generator (see scute.rng_state) for what is drawn while a part of a step is computed.
function draw.of_part(seed, epoch, step, part)
   local own = mixed(mixed(mixed(purposes.part + epoch * GOLDEN) + step * GOLDEN) + part * GOLDEN)
   return { seed, own & ~0xffffff }
end

--- The same for what one of several processes draws in a step, before which the generator stood at (seed, stream).
function draw.of_rank(seed, stream, rank)
   return { seed, mixed(mixed(purposes.rank + stream * GOLDEN) + rank * GOLDEN) & ~0xffffff }
end

--- A function(n) that gives one whole number from 1 to n after the other, without a call into C: for what is drawn anew from
-- its beginning each time. purpose: "deal" (index: the deck).
function draw.wholes(seed, purpose, index)
   local at = mixed(mixed(mixed(seed + GOLDEN) + purposes[purpose] * GOLDEN) + index * GOLDEN)
   return function(n)
      at = at + GOLDEN
      return (mixed(at) >> 11) % n + 1 -- n is far below 2^53
   end
end

--- A function that gives one uniform number in [0, 1) after the other. purpose: "mix" (index: step and batch) or "sample"
-- (index: the epoch, in its upper bits: a stream of an index has room for 4096 numbers before the next one begins).
function draw.uniforms(seed, purpose, index)
   local list, at, block = {}, 0, 0
   return function()
      if at == #list then
         local before = scute.rng_state()
         scute.rng_state { seed, purposes[purpose] << 48 | index << 8 | block }
         local numbers <close> = scute.rand(BLOCK)
         scute.rng_state(before)
         list, at, block = numbers:values(), 0, block + 1
      end
      at = at + 1
      return list[at]
   end
end

return draw
