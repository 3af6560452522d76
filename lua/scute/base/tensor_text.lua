-- How tensors print: one header line with dtype, device and shape, then the values on a common format, the large ones
-- summarised by their edges. PyTorch's rules for the format: whole numbers without a fraction, else four decimals, else
-- (where the largest is more than 1000 times the smallest, or all are very large or small) an exponent each.
-- Loaded by `require "scute"`; afterwards print(t), tostring(t) and the REPL use it.
local scute = require "scute.core"

local SUMMARISE = 1000 -- elements beyond which only the edges are read
local LINES = 60       -- the same of tensors that would take more lines, of some ten numbers each
local EDGE = 3         -- entries shown at either end of a summarised dimension
local SCREEN = 40      -- lines beyond which a summarised tensor shows fewer slices than that at either end

local tensor_text = { width = 96 } -- characters in a line; a session makes it less where the terminal is narrow

-- The indices shown of a dimension of n entries, `edge` at either end; false stands for the gap.
local function shown(n, edge)
   local list = {}
   if n <= 2 * edge then
      for i = 1, n do list[i] = i end
      return list
   end
   for i = 1, edge do list[i] = i end
   list[edge + 1] = false
   for i = n - edge + 1, n do list[#list + 1] = i end
   return list
end

-- How many slices are shown at either end of the dimensions before the last two.
local function slices_shown(t)
   for edge = EDGE, 2, -1 do
      local lines = 1 + #shown(t:size(-2), EDGE) -- a title and the rows
      for d = 1, t.rank - 2 do lines = lines * math.min(t:size(d), 2 * edge) end
      if lines <= SCREEN then return edge end
   end
   return 1
end

-- Rows of numbers along the last dimension, in order: { {index = {2, 1}, 0.5, false, 0.25}, ... }.
local function read_all(t)
   local values, rows, index = t:values(), {}, {}
   local shape, n = t.shape, t:size(-1)
   for d = 1, t.rank - 1 do index[d] = 1 end
   for start = 1, #values, n do
      local row = table.move(values, start, start + n - 1, 1, {})
      row.index = table.move(index, 1, #index, 1, {})
      rows[#rows + 1] = row
      local d = t.rank - 1
      while d >= 1 and index[d] == shape[d] do
         index[d] = 1
         d = d - 1
      end
      if d >= 1 then index[d] = index[d] + 1 end
   end
   return rows
end

local function append(list, entry)
   local copy = table.move(list, 1, #list, 1, {})
   copy[#copy + 1] = entry
   return copy
end

-- The same, reading the edges only; `gap_after` names the dimension of which entries are left out after a row. slices: of
-- those before the last two.
local function read_edges(t, index, rows, slices)
   local list = shown(t:size(1), t.rank > 2 and slices or EDGE)
   if t.rank == 1 then
      local row = { index = index }
      for position, i in ipairs(list) do row[position] = i and t[i] end
      rows[#rows + 1] = row
      return rows
   end
   for _, i in ipairs(list) do
      if i then
         local part <close> = t[i]
         read_edges(part, append(index, i), rows, slices)
      else
         rows[#rows].gap_after = #index + 1
      end
   end
   return rows
end

local function is_finite(v)
   return v == v and v ~= math.huge and v ~= -math.huge
end

-- The format for one number, from all that are shown.
local function number_format(rows)
   local smallest, largest, whole = math.huge, 0, true
   for _, row in ipairs(rows) do
      for _, v in ipairs(row) do
         if v and is_finite(v) and v ~= 0 then
            local size = math.abs(v)
            smallest, largest = math.min(smallest, size), math.max(largest, size)
            whole = whole and v == math.floor(v)
         end
      end
   end
   if largest == 0 then return "%.0f" end
   local spread = largest / smallest > 1000
   if whole then return largest > 1e8 and "%.4e" or "%.0f" end
   if spread or largest > 1e8 or smallest < 1e-4 then return "%.4e" end
   return "%.4f"
end

local function formatter(dtype, rows)
   if dtype == "i64" or dtype == "u8" then return tostring end
   local pattern = number_format(rows)
   return function(v)
      if v ~= v then return "nan" end
      if not is_finite(v) then return v > 0 and "inf" or "-inf" end
      local text = pattern:format(v)
      return pattern == "%.0f" and text .. "." or text
   end
end

-- One row of the last dimension, wrapped; continuation lines are indented further.
local function row_lines(row, format, width, out)
   local line, used = {}, 2
   local indent = "  "
   for _, v in ipairs(row) do
      local text = v == false and "..." or format(v)
      text = (" "):rep((v == false and 3 or width) - #text) .. text
      if used + #text + 2 > tensor_text.width and line[1] then
         out[#out + 1] = indent .. table.concat(line, "  ")
         line, used, indent = {}, 4, "    "
      end
      line[#line + 1] = text
      used = used + #text + 2
   end
   out[#out + 1] = indent .. table.concat(line, "  ")
end

-- Above each slice of the last two dimensions stands where it is: "(2, 1, :, :)".
local function slice_title(row, rank)
   local names = {}
   for d = 1, rank do names[d] = d <= rank - 2 and tostring(row.index[d]) or ":" end
   return "(" .. table.concat(names, ", ") .. ")"
end

local function is_long(t)
   local n, columns = t:numel(), t:size(-1)
   if n == 0 or n > SUMMARISE then return n > 0 end
   local titles = t.rank > 2 and n // columns // t:size(-2) or 0
   return n // columns * ((columns + 9) // 10) + titles > LINES
end

local function body(t, all)
   local detached <close> = t:detach()
   local rows = not all and is_long(t) and read_edges(detached, {}, {}, t.rank > 2 and slices_shown(t)) or read_all(t)
   local format, width = formatter(t.dtype, rows), 0
   for _, row in ipairs(rows) do
      for _, v in ipairs(row) do width = math.max(width, v and #format(v) or 0) end
   end
   local out, last_title = {}, nil
   for _, row in ipairs(rows) do
      local title = t.rank > 2 and slice_title(row, t.rank)
      if title and title ~= last_title then out[#out + 1] = title end
      last_title = title
      row_lines(row, format, width, out)
      if row.gap_after then out[#out + 1] = row.gap_after < t.rank - 1 and "..." or "  ..." end
   end
   return out
end

local function shape_text(t)
   return "(" .. table.concat(t.shape, ", ") .. ")"
end

local function to_text(t, all)
   local freed = not pcall(t.numel, t)
   if freed then return "tensor (freed)" end
   local header = ("tensor %s %s %s%s"):format(t.dtype, t.device, shape_text(t),
      t.requires_grad and " requires_grad" or "")
   if t.device == "shape" then return header end
   if t.rank == 0 then
      local value = t:item()
      return header .. ": " .. formatter(t.dtype, { { value } })(value)
   end
   local lines = body(t, all)
   table.insert(lines, 1, header)
   return table.concat(lines, "\n")
end

local metatable = getmetatable(scute.zeros(1))
function tensor_text.tostring(t) return to_text(t) end
metatable.__tostring = tensor_text.tostring
metatable.__all = function(t) return to_text(t, true) end -- what show(t) prints in a session
metatable.__name = "scute.tensor"

return tensor_text
