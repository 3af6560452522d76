-- Answers put together: by individual, and by encounter.
local folder = require "scute.data.folder"

local groups = {}

-- ---- individuals ----

local function entry_of(list, by_name, name)
   local entry = by_name[name]
   if not entry then
      entry = { identity = name, photos = 0, gallery = 0, right = 0, top5 = 0, map = 0.0, new = 0, encounters = 0, taken = {},
         days = {} }
      by_name[name], list[#list + 1] = entry, name
   end
   return entry
end

local function add(entry, answer)
   entry.photos, entry.known = entry.photos + 1, entry.known or answer.is_known
   entry.right = entry.right + (answer.is_right and 1 or 0)
   entry.top5 = entry.top5 + (answer.rank and answer.rank <= 5 and 1 or 0)
   entry.map, entry.new = entry.map + (answer.precision or 0), entry.new + (answer.new and 1 or 0)
   local encounter = answer.row.encounter
   if encounter and not entry.days[encounter] then entry.days[encounter], entry.encounters = true, entry.encounters + 1 end
   local said = not answer.is_right and answer.said
   if said then entry.taken[said] = (entry.taken[said] or 0) + 1 end
end

-- The name that occurs most, of equal ones the first in byte order; nil of none.
local function most_frequent(counts)
   local names, best = {}, nil
   for name in pairs(counts) do names[#names + 1] = name end
   for _, name in ipairs(folder.sort_bytes(names)) do
      if not best or counts[name] > counts[best] then best = name end
   end
   return best
end

--- Those of whom there are queries, by name in byte order. gallery: its rows.
function groups.individuals(answers, gallery)
   local names, by_name, list = {}, {}, {}
   for _, answer in ipairs(answers) do add(entry_of(names, by_name, answer.truth), answer) end
   for _, row in ipairs(gallery) do
      local entry = by_name[row.identity]
      if entry then entry.gallery = entry.gallery + 1 end
   end
   for i, name in ipairs(folder.sort_bytes(names)) do
      local entry = by_name[name]
      local n = entry.photos
      list[i] = { identity = name, photos = n, gallery = entry.gallery, encounters = entry.encounters, known = entry.known,
         right = entry.right / n, top5 = entry.top5 / n, map = entry.known and entry.map / n or nil, new = entry.new / n,
         taken_for = most_frequent(entry.taken) }
   end
   return list
end

--- The share of right first candidates, averaged over the individuals that are in the gallery; NaN of none.
function groups.balanced(individuals)
   local sum, n = 0.0, 0
   for _, entry in ipairs(individuals) do
      if entry.known then sum, n = sum + entry.right, n + 1 end
   end
   return n > 0 and sum / n or 0 / 0
end

-- ---- encounters ----

-- Whom the photos of an encounter name together: most photos, of as many those whose similarities add up to more.
local function voted(answers)
   local votes, sums, best = {}, {}, nil
   for _, answer in ipairs(answers) do
      votes[answer.said] = (votes[answer.said] or 0) + 1
      sums[answer.said] = (sums[answer.said] or 0) + answer.similarity
   end
   for name, n in pairs(votes) do
      local is_better = not best or n > votes[best] or n == votes[best] and (sums[name] > sums[best]
         or sums[name] == sums[best] and name < best)
      if is_better then best = name end
   end
   return best
end

--- Encounters of individuals in the gallery: { count, mean, vote }; nil where none is known.
function groups.encounters(answers)
   local keys, of = {}, {}
   for _, answer in ipairs(answers) do
      local encounter = answer.row.encounter
      if encounter and answer.is_known then
         local key = answer.truth .. "\0" .. encounter
         if not of[key] then keys[#keys + 1], of[key] = key, {} end
         table.insert(of[key], answer)
      end
   end
   if #keys == 0 then return nil end
   local mean, right_votes = 0.0, 0
   for _, key in ipairs(keys) do
      local right = 0
      for _, answer in ipairs(of[key]) do right = right + (answer.is_right and 1 or 0) end
      mean = mean + right / #of[key]
      right_votes = right_votes + (voted(of[key]) == of[key][1].truth and 1 or 0)
   end
   return { count = #keys, mean = mean / #keys, vote = right_votes / #keys }
end

return groups
