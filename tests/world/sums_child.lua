-- What each process does in tests/world/reducer.lua: gradients that are added up in backward and after it. Every process says
-- how many cases were right, or fails.
-- Usage, several times at once: scute tests/world/sums_child.lua [failing|leaving]
local scute = require "scute"
local world = require("scute.core").world
local nn = scute.nn

local rank, size = world.rank, world.size
local BUCKET = 120 -- bytes, so that there are many

scute.manual_seed(3)
local model = nn.Sequential { nn.Linear { 6, 40000 }, nn.ReLU(), nn.Linear { 40000, 8 }, nn.ReLU(), nn.Linear { 8, 8 },
   nn.ReLU(), nn.Linear { 8, 3 } }

local function parameters()
   local list = {}
   for _, tensor in model:named_parameters() do
      if tensor.requires_grad then list[#list + 1] = tensor end
   end
   return list
end

-- Photos of a process in a step.
local function photos(step)
   scute.manual_seed(100 * step + rank)
   return scute.randn(4, 6)
end

local function zero_grad()
   for _, tensor in model:named_parameters() do tensor:zero_grad() end
end

local function backward(x)
   local y = model(x)
   local loss = (y * y):sum()
   loss:backward()
end

-- The gradients as they are, in one text.
local function bits(list)
   local parts = {}
   for i, tensor in ipairs(list) do parts[i] = tensor.grad and scute.checksum { tensor.grad } or "none" end
   return table.concat(parts, " ")
end

local function ok(condition, why)
   if not condition then error(why, 0) end
end

-- What the gradients of the processes sum up to, by the sums that scripts call; in f64.
local function plain_sums(list)
   local sums = {}
   for i, tensor in ipairs(list) do
      local gradient = tensor.grad or scute.zeros(tensor.shape)
      sums[i] = world.all_reduce(gradient:to "f64")
   end
   return sums
end

local function near(list, sums)
   for i, tensor in ipairs(list) do
      local sum = sums[i]
      local largest = sum:abs():max():item()
      if tensor.grad then
         local off = (tensor.grad:to "f64" - sum):abs():max():item()
         ok(off <= 1e-6 * math.max(largest, 1), ("gradient %d is off by %g of %g"):format(i, off, largest))
      else
         ok(largest == 0, ("gradient %d is missing"):format(i))
      end
   end
end

-- compute(last): one update's backwards, of which `last(f)` is to be called around the last one. The sums that begin in it have
-- to be the bits of those that begin afterwards. least: how many sums begin in it, of a process that has photos.
local function same(compute, least)
   local list = parameters()
   local reducer <close> = world.reducer(list, BUCKET)
   zero_grad()
   compute(function(f) f() end)
   local sums = plain_sums(list)
   ok(reducer:begun() == 0, "a sum began too early")
   reducer:finish()
   near(list, sums)
   local after = bits(list)
   for _ = 1, 2 do
      zero_grad()
      compute(function(f)
         reducer:watch()
         local fine, why = pcall(f)
         reducer:unwatch()
         if not fine then error(why, 0) end
      end)
      local begun, all = reducer:begun()
      ok(begun >= least(all), ("%d of %d sums began in backward"):format(begun, all))
      reducer:finish()
      ok(bits(list) == after, "other bits: " .. bits(list) .. " instead of " .. after)
      ok(#world.differing(after) == 0, "processes differ")
   end
end

local function all(n) return n end
local function none() return 0 end

local cases = {}

function cases.one_backward()
   same(function(last) last(function() backward(photos(1)) end) end, all)
end

-- Gradients of a window add up; sums begin in its last backward alone.
function cases.accumulated()
   same(function(last)
      backward(photos(2))
      backward(photos(3))
      last(function() backward(photos(4)) end)
   end, all)
end

function cases.no_photos_in_the_last()
   same(function(last)
      if rank < size - 1 then last(function() backward(photos(5)) end) end
   end, rank < size - 1 and all or none)
end

function cases.photos_in_one_alone()
   same(function(last)
      if rank == 1 then last(function() backward(photos(6)) end) end
   end, rank == 1 and all or none)
end

-- What is frozen is not sent; what thaws is, in new buckets.
function cases.frozen_prefix()
   for _, tensor in model[1]:named_parameters() do tensor:requires_grad_(false) end
   local list = parameters()
   ok(#list == 6, "two of eight are frozen")
   cases.one_backward()
   for _, tensor in model[1]:named_parameters() do
      ok(tensor.grad == nil, "a gradient of what is frozen")
      tensor:requires_grad_(true)
   end
   cases.one_backward()
end

-- Some parameters have no gradient in one process: they count as zeros there.
function cases.a_part_of_the_network()
   same(function(last)
      last(function()
         if rank ~= 0 then return backward(photos(7)) end
         local y = model[7](scute.ones(4, 8))
         y:sum():backward()
      end)
   end, rank == 0 and function() return 1 end or all)
end

-- Memory runs out in one process after sums were begun: the photos are taken in two pieces instead.
function cases.out_of_memory()
   local ran_out = 0
   same(function(last)
      local x = photos(8)
      if rank ~= 1 then return last(function() backward(x) end) end
      local y = model(x)
      local loss = (y * y):sum()
      scute.flush()
      scute.memory_limit(scute.memory().live + 100000) -- the gradients of the large layers are larger
      local fine, why = pcall(last, function() loss:backward() end)
      scute.memory_limit(0)
      ok(not fine and scute.error_kind(why) == "out of memory", "there was memory: " .. tostring(why))
      ran_out = ran_out + 1
      zero_grad()
      backward(scute.slice(x, 1, 1, 2))
      last(function() backward(scute.slice(x, 1, 3, 4)) end)
   end, function() return 1 end)
   ok(rank ~= 1 or ran_out == 3, "memory ran out " .. ran_out .. " times")
end

-- Other parameters in one of them are refused in all.
function cases.other_parameters()
   local list = parameters()
   if rank == 1 then table.remove(list) end
   local fine, why = pcall(world.reducer, list)
   ok(not fine and tostring(why):find("rank 0 calls sums of the gradients of 8 parameters", 1, true)
      and tostring(why):find("rank 1 calls sums of the gradients of 7 parameters", 1, true), tostring(why))
end

-- One of them fails after its sums have begun, or ends as if nothing were the matter, while another one waits for it.
local function break_off(how)
   local reducer = world.reducer(parameters(), BUCKET)
   reducer:watch()
   backward(photos(9))
   reducer:unwatch()
   if rank == 1 and how == "failing" then error("this process is broken", 0) end
   if rank == 1 then return end
   reducer:finish()
end

if arg[1] then return break_off(arg[1]) end

local names = {}
for name in pairs(cases) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
   local fine, why = pcall(cases[name])
   if not fine then error(("%s: %s"):format(name, why), 0) end -- the others are not to wait
end
print(("%d cases"):format(#names))
