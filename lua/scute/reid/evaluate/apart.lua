-- What shares light and background with a photo: the photos of its encounter, or else its own file.
local apart = {}

local function key_of(row)
   if row.encounter then return (row.identity or "") .. "\0" .. row.encounter end
   return row.path or row.file
end

--- function(q) -> the numbers of the rows that row q is not to be compared with, itself among them.
function apart.exclude(rows)
   local by_key = {}
   for i, row in ipairs(rows) do
      local key = key_of(row) or row
      by_key[key] = by_key[key] or {}
      table.insert(by_key[key], i)
   end
   return function(q) return by_key[key_of(rows[q]) or rows[q]] end
end

--- The share of the queries whose encounter is in the gallery, of those whose encounter is known; nil of none.
function apart.leak(queries, gallery)
   local there, n, shared = {}, 0, 0
   for _, row in ipairs(gallery) do
      if row.encounter then there[key_of(row)] = true end
   end
   for _, row in ipairs(queries) do
      if row.encounter then n, shared = n + 1, shared + (there[key_of(row)] and 1 or 0) end
   end
   return n > 0 and next(there) and shared / n or nil
end

return apart
