-- Comparing lists of numbers: a NaN, an infinity, an empty list or another length is a difference.
local M = {}

local function largest(list)
   local top = 0
   for _, value in ipairs(list) do top = math.max(top, math.abs(value)) end
   return top
end

-- difference(found, expected, tolerance[, each]) -> nil if each entry is within tolerance times the largest expected
-- magnitude (or with `each` times its own), else a text
function M.difference(found, expected, tolerance, each)
   if #expected == 0 then return "nothing to compare" end
   if #found ~= #expected then return ("%d values instead of %d"):format(#found, #expected) end
   local scale, worst, where = largest(expected), -1, nil
   for i = 1, #expected do
      local distance = math.abs(found[i] - expected[i])
      local within = distance <= tolerance * (each and math.abs(expected[i]) or scale) -- false for a NaN
      if not within then
         if distance ~= distance then distance = math.huge end
         if distance > worst then worst, where = distance, i end
      end
   end
   if not where then return nil end
   return ("at %d of %d: found %.9g, expected %.9g, off by %.2g (tolerance %.2g of %s)"):format(where, #expected,
      found[where], expected[where], worst, tolerance, each and "it" or ("the largest, %.3g"):format(scale))
end

-- results(found, expected, tolerance[, each]): lists of {name, values, float} as execute.run gives them -> nil, or what
-- differs; numbers that are no floats must be equal
function M.results(found, expected, tolerance, each)
   if #found ~= #expected then return ("%d results instead of %d"):format(#found, #expected) end
   local texts = {}
   for i, result in ipairs(expected) do
      local name = found[i].name
      local text = name ~= result.name and "expected " .. result.name
         or M.difference(found[i].values, result.values, result.float and tolerance or 0, each)
      if text then texts[#texts + 1] = name .. " " .. text end
   end
   if #expected == 0 then return "no results" end
   return texts[1] and table.concat(texts, "; ")
end

return M
