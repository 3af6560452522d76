-- Where an axis is marked, and how the numbers read.
local ticks = {}

local function round(x)
   return math.floor(x + 0.5)
end

-- The smallest of 1, 2, 2.5, 5, 10 times a power of ten that is at least `step`.
local function nice_step(step, whole)
   local power = 10.0 ^ math.floor(math.log(step, 10) + 1e-9)
   for _, factor in ipairs { 1, 2, 2.5, 5, 10 } do
      local candidate = factor * power
      if candidate >= step * (1 - 1e-9) and (not whole or candidate == math.floor(candidate)) then return candidate end
   end
   return whole and math.max(1, math.ceil(step)) or 10 * power
end

--- "2e-5", "2.5e-5".
function ticks.exponential(value)
   return (("%.1e"):format(value):gsub("%.0e", "e"):gsub("e([+-])0+", "e%1"):gsub("e%+", "e"))
end

--- A number as it stands at a mark: no more digits than the steps need; thousands as k, millions as M. plain: never 2e-5.
function ticks.text(value, step, plain)
   local size = math.abs(value)
   for _, unit in ipairs { { 1e9, "G" }, { 1e6, "M" }, { 1e4, "k", 1e3 } } do
      local divisor = unit[3] or unit[1]
      if size >= unit[1] * (1 - 1e-12) then return ticks.text(value / divisor, step and step / divisor) .. unit[2] end
   end
   if size > 0 and size < 1e-3 * (1 - 1e-9) and not plain then return ticks.exponential(value) end
   if value == 0 and step and not plain then return "0" end
   local decimals = 0
   if step then
      while decimals < 6 and math.abs(step * 10 ^ decimals - round(step * 10 ^ decimals)) > 1e-6 do decimals = decimals + 1 end
   else
      while decimals < 6 and math.abs(value * 10 ^ decimals - round(value * 10 ^ decimals)) > 1e-9 do
         decimals = decimals + 1
      end
   end
   local text = ("%." .. decimals .. "f"):format(value)
   return text:find "^%-0%.?0*$" and text:sub(2) or text
end

--- Marks of a linear axis from `low` to `high`, about `count` of them: list of {value, text}; a single one where the
-- two are equal. whole: no fractions.
function ticks.linear(low, high, count, whole)
   if high <= low then return { { low, ticks.text(low) } } end
   local step = nice_step((high - low) / count, whole)
   local list, first, last = {}, math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
   local plain = math.max(math.abs(first), math.abs(last)) * step >= 1e-3 * (1 - 1e-9) -- 0.0008 beside 0.0010, 8e-4 beside 2e-4
   for i = first, last do list[#list + 1] = { i * step, ticks.text(i * step, step, plain) } end
   return list
end

local function log_text(value)
   return value < 0.01 * (1 - 1e-9) and ticks.exponential(value) or ticks.text(value)
end

-- Within one decade, or a little more, the decades alone are too few.
local function within_decades(low, high, factors)
   local list = {}
   for power = math.floor(math.log(low, 10) + 1e-9), math.ceil(math.log(high, 10) - 1e-9) do
      for _, factor in ipairs(factors) do
         local value = factor * 10.0 ^ power
         if value >= low * (1 - 1e-9) and value <= high * (1 + 1e-9) then
            list[#list + 1] = { value, log_text(value) }
         end
      end
   end
   return list
end

--- Marks of a logarithmic axis, low > 0.
function ticks.log(low, high, count)
   local decades = math.log(high / low, 10)
   if decades > count then
      local every, list = math.ceil(decades / count), {}
      for _, entry in ipairs(within_decades(low, high, { 1 })) do
         if round(math.log(entry[1], 10)) % every == 0 then list[#list + 1] = entry end
      end
      return list
   end
   for _, factors in ipairs { { 1 }, { 1, 3 }, { 1, 2, 5 } } do
      local list = within_decades(low, high, factors)
      if #list >= math.min(3, count) then return list end
   end
   local list
   for more = 0, 3 do
      list = ticks.linear(low, high, count + more)
      if #list >= 3 then break end -- one or two marks say little about a scale that is not even
   end
   for _, entry in ipairs(list) do entry[2] = log_text(entry[1]) end
   return list
end

--- The limits of an axis for values from `low` to `high`, with some room around; equal values get room too.
function ticks.limits(low, high, log)
   if log then
      if high / low < 1.5 then return low / 1.5, high * 1.5 end
      local margin = (high / low) ^ 0.05
      return low / margin, high * margin
   end
   if high - low < 1e-12 * math.max(1, math.abs(high)) then
      local room = high == 0 and 1 or 0.1 * math.abs(high)
      return low - room, high + room
   end
   local margin = 0.05 * (high - low)
   return low - margin, high + margin
end

return ticks
