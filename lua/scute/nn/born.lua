-- Which models were made before others: an experiment's runs make one each.
local born = {}

local count, number_of = 0, setmetatable({}, { __mode = "k" })

--- Hears that a model is made.
function born.note(model)
   count = count + 1
   number_of[model] = count
end

--- How many models were made so far.
function born.count()
   return count
end

--- Whether a model was made after the first so many of them.
function born.is_after(model, before)
   return (number_of[model] or math.huge) > before
end

return born
