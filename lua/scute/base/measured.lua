-- Which columns of a history are metrics that a run was given, beside what each run has. No metric's name begins with lr_ or
-- ema_ (see scute.train.measures).
local OF_EACH_RUN = { epoch = true, step = true, balanced = true, train_loss = true, train_accuracy = true, val_loss = true,
   val_accuracy = true }

local function is_metric(name)
   return not OF_EACH_RUN[name] and not name:find "^lr_" and not name:find "^ema_"
end

--- Their names, sorted. rows: rows of a history, with `columns` where they were read from a file.
return function(rows)
   local names, seen = {}, {}
   local function add(name, value)
      if type(value) ~= "number" or seen[name] or not is_metric(name) then return end
      seen[name], names[#names + 1] = true, name
   end
   for _, row in ipairs(rows) do
      for name, value in pairs(row) do add(name, value) end
   end
   for _, name in ipairs(rows.columns or {}) do
      if name == "balanced" then names[#names + 1] = name end -- every row has it, a file where it was asked for
   end
   table.sort(names)
   return names
end
