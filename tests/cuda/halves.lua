-- Under autocast a GPU keeps a copy of each parameter in half width, converts all that are out of date at once, and converts
-- their gradients at the end of backward, or in pieces where somebody waits for them. None of that may be seen in a number: a
-- weight that changes between forward and backward, one that is used twice, one whose graph is used twice.
-- Usage: scute tests/cuda/halves.lua [DEVICE]
local scute = require "scute"

local device = arg[1] or "cuda"
local tally = dofile "tests/tally.lua"
local DTYPES = { "f16", "bf16" }

local function drawn(...)
   return scute.randn(...):to(device)
end

local function text(t)
   return table.concat(t:to("cpu"):values(), " ")
end

local function change(w, factor)
   scute.no_grad(function() w:copy_(w * factor) end)
end

local function forward(dtype, x, w)
   return scute.autocast(dtype, function() return x:linear(w) end)
end

-- What a parameter's copy is compared with: the product of a weight that is in half width itself, and so has no copy.
local function exactly(dtype, x, w)
   return x:to(dtype):linear(w:detach():to(dtype))
end

-- f(dtype, x, w, expected) with a weight that trains, and its gradient for x of one forward and backward.
local function with_weight(what, f)
   for _, dtype in ipairs(DTYPES) do
      scute.manual_seed(1)
      local x, w = drawn(4, 3), drawn(5, 3):requires_grad_()
      forward(dtype, x, w):sum():backward()
      local gradient = w.grad
      w:zero_grad()
      local found, expected = f(dtype, x, w, gradient)
      tally.check(text(found) == text(expected), what .. ", " .. dtype, text(found) .. "\n instead of\n" .. text(expected))
   end
end

with_weight("the product of a copy", function(dtype, x, w) return forward(dtype, x, w), exactly(dtype, x, w) end)
with_weight("a weight that has changed", function(dtype, x, w)
   change(w, 3)
   return forward(dtype, x, w), exactly(dtype, x, w)
end)
with_weight("another dtype", function(dtype, x, w)
   local other = dtype == "f16" and "bf16" or "f16"
   return forward(other, x, w), exactly(other, x, w)
end)
with_weight("a weight that has changed and one that has not", function(dtype, x, w)
   local still = drawn(3, 3):requires_grad_()
   forward(dtype, x, still)
   change(w, 3)
   return forward(dtype, forward(dtype, x, still):to "f32", w), exactly(dtype, exactly(dtype, x, still), w)
end)
with_weight("a gradient in the parameter's dtype", function(dtype, x, w)
   forward(dtype, x, w):sum():backward()
   return w.grad, scute.ones({ 4, 5 }, { device = device }):to(dtype):permute(2, 1):matmul(x:to(dtype)):to "f32"
end)
with_weight("a weight that is used twice", function(dtype, x, w, gradient)
   (forward(dtype, x, w) + forward(dtype, x, w)):sum():backward()
   return w.grad, gradient + gradient
end)
with_weight("gradients that add up", function(dtype, x, w, gradient)
   for _ = 1, 2 do forward(dtype, x, w):sum():backward() end
   return w.grad, gradient + gradient
end)
with_weight("a graph that is used twice", function(dtype, x, w, gradient)
   local sum = forward(dtype, x, w):sum()
   sum:backward { retain = true }
   sum:backward()
   return w.grad, gradient + gradient
end)
with_weight("a weight that changes before backward", function(dtype, x, w)
   local input = x:detach():requires_grad_()
   local y = forward(dtype, input, w)
   local before = w:detach():to(dtype)
   change(w, 3)
   forward(dtype, x, w) -- its copy is made anew
   y:sum():backward()
   return input.grad, scute.ones({ 4, 5 }, { device = device }):to(dtype):matmul(before):to "f32"
end)
with_weight("a result that is written into", function(dtype, x, w)
   forward(dtype, x, w)
   local own = w:detach():requires_grad_(false):to(dtype)
   own:fill_(0)
   scute.no_grad(function() w:to(dtype):fill_(0) end)
   return forward(dtype, x, w), exactly(dtype, x, w)
end)

-- Gradients that are added up over processes while backward goes on are converted in pieces: of those that are told final, each
-- is whole, also that of a weight that is used twice.
for _, dtype in ipairs(DTYPES) do
   scute.manual_seed(1)
   local weights, x = {}, drawn(2, 512)
   for i = 1, 5 do weights[i] = (drawn(512, 512) * 0.05):requires_grad_() end
   local reducer <close> = require("scute.core").world.reducer(weights, 1 << 20)
   local function gradients(watch)
      for _, w in ipairs(weights) do w:zero_grad() end
      local y = x
      for i, w in ipairs { weights[1], weights[2], weights[3], weights[2], weights[4], weights[5] } do
         y = forward(dtype, y, w):to "f32" * (1 + i)
      end
      local sum = y:sum()
      if watch then reducer:watch() end
      sum:backward()
      reducer:unwatch()
      tally.check(reducer:begun() == (watch and 5 or 0), "sums that have begun, " .. dtype, reducer:begun())
      if watch then reducer:finish() end
      local list = {}
      for i, w in ipairs(weights) do list[i] = w.grad end
      return scute.checksum(list)
   end
   tally.check(gradients(false) == gradients(true), "gradients that are converted in pieces, " .. dtype)
end

-- The copy goes with its parameter, and when memory is wanted.
collectgarbage()
local before = scute.memory(device).live
for _, dtype in ipairs(DTYPES) do
   local x, w = drawn(4, 3), drawn(5, 3):requires_grad_()
   scute.no_grad(function() forward(dtype, x, w):free() end)
   x:free()
   w:free()
end
collectgarbage()
tally.check(scute.memory(device).live == before, "a copy goes with its parameter", scute.memory(device).live - before)

-- And when its parameter is frozen: it is none any more.
for _, dtype in ipairs(DTYPES) do
   local x, trains, w = drawn(4, 3), drawn(5, 3):requires_grad_(), drawn(2000, 3):requires_grad_()
   local function both()
      for _, weight in ipairs { trains, w } do scute.no_grad(function() forward(dtype, x, weight):free() end) end
   end
   both()
   collectgarbage()
   local with = scute.memory(device).live
   w:requires_grad_(false)
   change(trains, 3)
   both()
   collectgarbage()
   local less = with - scute.memory(device).live
   tally.check(less >= 12000 and less < 14000, "a copy goes when its parameter is frozen, " .. dtype, less)
end
tally.finish()
