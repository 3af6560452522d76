-- Sums of parts in several pieces, for tests/world/ordered.lua: three processes have 2, 0 and 1 of 3 parts, and each knows what
-- comes of them.
local scute = require "scute"
local world = scute.world

local SHAPES = { { 100003 }, { 1, 7, 3, 5 }, { 150001 }, { 11 } }
local OF = 60 -- parts that there might be: of so many, some 70,000 numbers are added at a time
local OWN = { [0] = { 1, 2 }, [1] = {}, [2] = { 3 } } -- by rank

-- One part has nothing for the second tensor.
local function part_of(number)
   scute.manual_seed(number)
   local part = {}
   for i, shape in ipairs(SHAPES) do
      local values = scute.randn(shape) * 10 ^ number
      part[i] = i == #SHAPES and values:to "f64" or values
   end
   if number == 2 then part[2] = false end
   return part
end

local function zeros()
   local list = {}
   for i, shape in ipairs(SHAPES) do list[i] = scute.zeros(shape, { dtype = i == #SHAPES and "f64" or "f32" }) end
   return list
end

local totals, expected, mine = zeros(), zeros(), {}
for i, number in ipairs(OWN[world.rank]) do mine[i] = part_of(number) end
for _ = 1, 2 do world.add_parts(totals, mine, OF) end
world.share_totals(totals, OF)
for _ = 1, 2 do
   for number = 1, 3 do
      for i, tensor in ipairs(part_of(number)) do expected[i] = tensor and expected[i] + tensor or expected[i] end
   end
end
local same = true
for i, total in ipairs(totals) do same = same and scute.checksum { total } == scute.checksum { expected[i] } end
print(same and "the same" or "others")
