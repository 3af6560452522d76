-- Histories as pictures take them: a list of rows { epoch, train_loss, ..., rates = {group = rate} }, from a list of such
-- rows, from what train.fit returns, or from a history.csv.
local scute_history = {}

local function read_csv(path)
   local file, why = io.open(path)
   if not file then error(("history: cannot open '%s'; expected a history.csv: %s"):format(path, why), 0) end
   local text, problem = file:read "a"
   file:close()
   if not text then error(("history: cannot read '%s': %s"):format(path, problem), 0) end
   local columns, rows = nil, {}
   for line in text:gmatch "[^\n]+\n?" do
      local cells, whole = {}, line:sub(-1) == "\n" -- a line that was cut does not count, whose last number may lack digits
      for cell in (line:gsub("\r?\n$", "") .. ","):gmatch "([^,]*)," do cells[#cells + 1] = cell end
      if not columns then
         columns = cells
      elseif whole and #cells == #columns then
         local row = { rates = {} }
         for i, name in ipairs(columns) do
            local group = name:match "^lr_(.+)$"
            if group then row.rates[group] = tonumber(cells[i]) else row[name] = tonumber(cells[i]) or cells[i] end
         end
         rows[#rows + 1] = row
      end
   end
   rows.columns = columns
   return rows
end

local function check(rows, what)
   if #rows == 0 then error(("%s: the history has no epoch yet"):format(what), 0) end
   for i, row in ipairs(rows) do
      if type(row) ~= "table" or type(row.epoch) ~= "number" then
         error(("%s: row %d of the history has no epoch; expected rows as train.fit or history.csv gives them"):format(
            what, i), 0)
      end
   end
   return rows
end

--- Rows from a path of a history.csv, a table with a field `history`, or a list of rows. Errors name `what`.
function scute_history.rows(source, what)
   if type(source) == "string" then return check(read_csv(source), source) end
   local rows = type(source) == "table" and source.history or source
   if type(rows) ~= "table" then
      error(("%s: expected a history (rows, or the path of a history.csv), found %s"):format(what, tostring(rows)), 0)
   end
   return check(rows, what)
end

--- The rows of a history.csv.
function scute_history.read_history(path)
   return scute_history.rows(path, "read_history")
end

-- "features.2" before "features.10".
local function by_number(a, b)
   local function key(name) return (name:gsub("%d+", function(digits) return ("%09d"):format(tonumber(digits)) end)) end
   return key(a) < key(b)
end

--- The names of all groups that have a rate, in the order of the file's columns, else sorted.
function scute_history.groups(rows)
   local names, seen = {}, {}
   for _, column in ipairs(rows.columns or {}) do
      local group = column:match "^lr_(.+)$"
      if group then
         names[#names + 1] = group
         seen[group] = true
      end
   end
   local more = {}
   for _, row in ipairs(rows) do
      for group in pairs(row.rates or {}) do
         if not seen[group] then more[#more + 1] = group end
         seen[group] = true
      end
   end
   table.sort(more, by_number)
   return table.move(more, 1, #more, #names + 1, names)
end

--- One column as two lists: epochs and values; nil for values that are absent.
function scute_history.column(rows, name)
   local xs, ys = {}, {}
   for i, row in ipairs(rows) do
      xs[i] = row.epoch
      ys[i] = type(row[name]) == "number" and row[name] or 0 / 0
   end
   return xs, ys
end

return scute_history
