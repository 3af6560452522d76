-- How a confusion matrix prints: whole for few classes, else by its most frequent mistakes.
local columns = require "scute.base.columns"
local console = require "scute.base.console"

local WHOLE, NAME = 12, 10 -- classes; letters of a name above a column
local MISTAKES = 10

local function name_of(confusion, class)
   return confusion.names and tostring(confusion.names[class]) or "class " .. class
end

-- A row for each class that photos are of, a column for each that was said to be theirs.
local function matrix(confusion)
   local heading = { "is \\ said" }
   for class = 1, confusion.n do heading[class + 1] = console.cut(name_of(confusion, class), NAME) end
   local rows = { heading }
   for i = 1, confusion.n do
      local row = { name_of(confusion, i) }
      for j = 1, confusion.n do
         local count = confusion.counts[i][j]
         row[j + 1] = count == 0 and "." or tostring(count)
      end
      rows[#rows + 1] = row
   end
   return columns.text(rows, { 1 })
end

local function mistakes(confusion)
   local list, lines = confusion:most_confused(), {}
   for i = 1, math.min(MISTAKES, #list) do
      local actual, said, count = table.unpack(list[i])
      lines[i] = ("%6d  %s, taken for %s"):format(count, name_of(confusion, actual), name_of(confusion, said))
   end
   if #list > MISTAKES then lines[#lines + 1] = ("        … %d more kinds of mistakes"):format(#list - MISTAKES) end
   return table.concat(lines, "\n")
end

--- The text of a confusion matrix (see scute.metrics).
return function(confusion)
   local first = ("confusion of %s in %s"):format(console.count(confusion.total, "photo"),
      console.count(confusion.n, "class", "classes"))
   if confusion.total == 0 then return first end
   first = ("%s: accuracy %.3f, %.3f averaged over classes"):format(first, confusion:accuracy(), confusion:balanced_accuracy())
   if confusion.n <= WHOLE then return first .. "\n" .. matrix(confusion) end
   local rest = mistakes(confusion)
   return rest == "" and first or first .. "\n" .. rest
end
