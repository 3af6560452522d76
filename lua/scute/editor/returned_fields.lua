-- The fields of a table that a function returns, as its comment tells them: "Returns { history = rows, best = row, seconds }".

-- The parts of a list between commas, those within brackets left whole.
local function parts_of(inside)
   local parts, depth, from = {}, 0, 1
   for at, c in inside:gmatch "()(.)" do
      if c:find "[{(]" then depth = depth + 1 elseif c:find "[})]" then depth = depth - 1 end
      if c == "," and depth == 0 then
         parts[#parts + 1], from = inside:sub(from, at - 1), at + 1
      end
   end
   parts[#parts + 1] = inside:sub(from)
   return parts
end

--- A list of { name, what it is }; nil where the comment tells of no such table.
return function(text)
   local inside = text:gsub("%s+", " "):match "%f[%w][Rr]eturns (%b{})"
   if not inside then return nil end
   local fields = {}
   for i, part in ipairs(parts_of(inside:sub(2, -2))) do
      local name, about = part:match "^ *([%a_][%w_]*) *=? *(.-) *$"
      if not name or about ~= "" and not part:find "[=(]" then return nil end
      fields[i] = { name, about }
   end
   return fields
end
