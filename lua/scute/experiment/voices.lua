-- What the variants of a trial said of each photo: on which ones they disagree, and which most of them got wrong.
local voices = {}

local function name_of(class, classes)
   return tostring(classes[class] or class)
end

-- The rows whose answers count: those with a rank, where two or more have one, else all that ran.
local function rows_of(trial)
   return #trial.ranked > 1 and trial.ranked or trial.rows
end

--- The names of the classes, a list; empty where no run has answered for photos.
function voices.classes(trial)
   for _, row in ipairs(trial.rows) do
      for _, record in ipairs(row.results) do
         if record.classes then return record.classes end
      end
   end
   return trial.plan.class_names or {}
end

-- Adds what one run said of a photo.
local function add(photo, row, predicted)
   local said = photo.by_row[row] or {}
   photo.by_row[row], said[predicted] = said, (said[predicted] or 0) + 1
   photo.answers = photo.answers + 1
   if predicted == photo.label then photo.right = photo.right + 1 end
end

--- Every photo that validated, in the order of the first run that answered: a list of { path, label = its class, answers = how
-- many, right = how many of them, by_row = { [row] = { [class] = how often its runs said so } } }.
function voices.photos(trial)
   local list, by_path = {}, {}
   for _, row in ipairs(rows_of(trial)) do
      for _, record in ipairs(row.results) do
         for i, path in ipairs(record.photos or {}) do
            if not by_path[path] then
               by_path[path] = { path = path, label = record.labels[i], answers = 0, right = 0, by_row = {} }
               list[#list + 1] = by_path[path]
            end
            add(by_path[path], row, record.predicted[i])
         end
      end
   end
   return list
end

-- What most runs of a variant said; of several that were said as often the truth last, then the lowest class.
local function most_said(said, label)
   local best
   for class, n in pairs(said) do
      local before = best and said[best]
      local is_more = not best or n > before
      local is_first = best and n == before and (best == label or class ~= label and class < best)
      if is_more or is_first then best = class end
   end
   return best
end

-- What a photo was taken for most often.
local function mistaken_for(photo)
   local all = {}
   for _, said in pairs(photo.by_row) do
      for class, n in pairs(said) do all[class] = (all[class] or 0) + n end
   end
   all[photo.label] = nil
   return most_said(all, photo.label)
end

--- The photos that were most often wrong, at most `most`: list of { photo, truth, said = for what they were taken }.
function voices.hardest(photos, classes, most)
   local sorted, found = table.move(photos, 1, #photos, 1, {}), {}
   table.sort(sorted, function(a, b)
      local first, second = a.right * b.answers, b.right * a.answers
      if first ~= second then return first < second end
      return a.path < b.path
   end)
   for i = 1, math.min(most, #sorted) do
      local photo = sorted[i]
      if photo.right == photo.answers then break end
      found[i] = { photo = photo, truth = name_of(photo.label, classes), said = name_of(mistaken_for(photo), classes) }
   end
   return found
end

-- Class -> names of the variants that said it, in the order of the rows.
local function groups_of(photo, rows)
   local order, names = {}, {}
   for _, row in ipairs(rows) do
      local class = photo.by_row[row] and most_said(photo.by_row[row], photo.label)
      if class then
         if not names[class] then
            names[class] = {}
            order[#order + 1] = class
         end
         table.insert(names[class], row.name)
      end
   end
   return order, names
end

-- How many variants are in the minority, of those that had a photo right and those that had not: where both are many they
-- disagree most.
local function split_of(order, names, label)
   local right = #(names[label] or {})
   local all = 0
   for _, class in ipairs(order) do all = all + #names[class] end
   return math.min(right, all - right), #order
end

--- The photos on which the variants disagree, at most `most`, those first on which they are most divided: list of { photo,
-- truth, groups = list of { class = name, right = whether it is the truth, variants = names } }; and how many such there are.
function voices.disputed(trial, photos, classes, most)
   local rows, list = rows_of(trial), {}
   for _, photo in ipairs(photos) do
      local order, names = groups_of(photo, rows)
      if #order > 1 then
         local entry = { photo = photo, truth = name_of(photo.label, classes), groups = {} }
         entry.split, entry.kinds = split_of(order, names, photo.label)
         for i, class in ipairs(order) do
            entry.groups[i] = { class = name_of(class, classes), right = class == photo.label, variants = names[class] }
         end
         list[#list + 1] = entry
      end
   end
   table.sort(list, function(a, b)
      if a.split ~= b.split then return a.split > b.split end
      if a.kinds ~= b.kinds then return a.kinds > b.kinds end
      return a.photo.path < b.photo.path
   end)
   return table.move(list, 1, math.min(most, #list), 1, {}), #list
end

return voices
