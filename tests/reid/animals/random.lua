-- Random numbers that follow from names alone: random("eye", 7) gives the same row of numbers in every process and in every
-- order of drawing, and disturbs nobody else's.
local GOLDEN = 0x9e3779b97f4a7c15

-- The finaliser of splitmix64 (Steele, Lea and Flood 2014).
local function mix(z)
   z = (z ~ (z >> 30)) * 0xbf58476d1ce4e5b9
   z = (z ~ (z >> 27)) * 0x94d049bb133111eb
   return z ~ (z >> 31)
end

local Random = {}
Random.__index = Random

--- From 0 to 1, without 1.
function Random:unit()
   self.state = self.state + GOLDEN
   return (mix(self.state) >> 11) * 0x1p-53
end

function Random:uniform(from, to)
   return from + (to - from) * self:unit()
end

--- A whole number, both ends included.
function Random:whole(from, to)
   return from + math.floor((to - from + 1) * self:unit())
end

function Random:chance(share)
   return self:unit() < share
end

function Random:pick(list)
   return list[self:whole(1, #list)]
end

--- Normally distributed around 0 (Box and Muller).
function Random:normal(deviation)
   local radius = math.sqrt(-2 * math.log(1 - self:unit()))
   return deviation * radius * math.cos(2 * math.pi * self:unit())
end

--- n numbers of uniform(from, to).
function Random:list(n, from, to)
   local list = {}
   for i = 1, n do list[i] = self:uniform(from, to) end
   return list
end

--- A source of its own for each row of names (texts or whole numbers).
return function(...)
   local state = 0
   for _, name in ipairs { ... } do
      if type(name) == "string" then
         for i = 1, #name do state = mix(state + GOLDEN + name:byte(i)) end
      else
         state = mix(state + GOLDEN + name)
      end
   end
   return setmetatable({ state = state }, Random)
end
