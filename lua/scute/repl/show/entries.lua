-- A table entry by entry: on one line where it has room, else a line for each entry, of which values without entries of their
-- own share lines. How much of it is shown is said by limits:
--    width              of a line, in letters
--    most, inner        entries of the table, and of each one inside it
--    depth              tables inside tables
--    lines              at most so many, about
--    text               letters of a text; nil: all
--    through            true: also into tables that say themselves how they are printed, but for objects of a class
local brief = require "scute.repl.show.brief"
local columns = require "scute.base.columns"
local console = require "scute.base.console"
local paint = require "scute.repl.show.paint"

local entries = {}

local SORTED = 2000 -- keys of which the first are shown
local LOOK = 200000 -- keys that are counted

local STEP = "   " -- by which each level stands further in

local function before(a, b)
   if type(a) ~= type(b) then return type(a) < type(b) end
   if type(a) == "number" or type(a) == "string" then return a < b end
   return ("%p"):format(a) < ("%p"):format(b)
end

-- Keys beyond 1..n, sorted, how many there are, and whether that is all of them. Of a long list only what is stored behind it
-- is walked through.
local function other_keys(t, n, all)
   local keys, count, looked = {}, 0, 0
   for key in next, t, n > LOOK and n or nil do
      looked = looked + 1
      if looked > LOOK and not all then break end
      if not (math.type(key) == "integer" and key >= 1 and key <= n) then
         count = count + 1
         if all or count <= SORTED then keys[count] = key end
      end
   end
   table.sort(keys, before)
   return keys, count, looked <= LOOK or all
end

local function contents(w, t, depth)
   local n = rawlen(t)
   local keys, count, complete = other_keys(t, n, w.limits.most == math.huge)
   local most = math.min(depth == 1 and w.limits.most or w.limits.inner, n + count)
   return { n = n, keys = keys, shown = most, total = n + count, complete = complete }
end

-- The key and the value of the i-th entry; no key where it stands in the list.
local function entry(t, found, i)
   if i <= found.n then return nil, rawget(t, i) end
   local key = found.keys[i - found.n]
   return key, rawget(t, key)
end

local function left_text(found, shown)
   return paint.mark("note", ("… %s%s more"):format(found.complete and "" or "at least ",
      columns.thousands(found.total - shown)))
end

local inline

-- The table on one line; nil, and what is in it, where it needs more than `room`.
local function table_inline(w, t, room, depth)
   if w.inside[t] then return paint.mark("note", "<a table around this one>") end
   if next(t) == nil then return "{}" end
   if depth > w.limits.depth then
      w.cut = true
      return "{…}"
   end
   w.inside[t] = true
   local found, parts, used = contents(w, t, depth), {}, 4
   for i = 1, found.shown do
      local key, value = entry(t, found, i)
      local label = key == nil and "" or brief.key(key) .. " = "
      local text = inline(w, value, room - used - #label, depth + 1)
      used = text and used + paint.width(label .. text) + 2 or math.huge
      if used - 2 > room then break end
      parts[i] = label .. text
   end
   w.inside[t] = nil
   if used - 2 > room then return nil, found end
   if found.total > found.shown then parts[#parts + 1] = left_text(found, found.shown) end
   local line = "{ " .. table.concat(parts, ", ") .. " }"
   if paint.width(line) > room then return nil, found end
   w.cut = w.cut or found.total > found.shown
   return line
end

function inline(w, value, room, depth)
   if brief.is_open(value, w.limits.through) then return table_inline(w, value, room, depth) end
   local text, cut = brief.of(value, w.limits.text)
   w.cut = w.cut or cut or false
   return text
end

-- Where the next entry of a table begins: behind the one before it where both may share a line, else on a line of its own.
local function next_place(w, row, width, shares)
   if not row.empty then w.write "," end
   if shares and row.shares and row.column + 2 + width < w.limits.width then
      w.write " "
      row.column = row.column + 2 + width
   else
      w.write("\n" .. row.indent)
      w.lines = w.lines + 1
      row.column = #row.indent + width
   end
   row.empty, row.shares = false, shares
end

-- What may share a line with its neighbours: values of a list, and functions of which nothing is told.
local function shares(key, value, text)
   return key == nil and type(value) ~= "table" or text ~= nil and paint.plain(text) == "function"
end

local emit

local function emit_entry(w, row, key, value, depth)
   local label = key == nil and "" or brief.key(key) .. " = "
   local room = w.limits.width - #row.indent - paint.width(label) - 1
   local text, found = inline(w, value, room, depth + 1)
   if text and w.limits.text and brief.has_own_text(value) and paint.width(text) > room then
      text = console.cut(text, math.max(room, 10) - 1) .. "…"
   end
   local width = text and paint.width(label .. text) or 0
   next_place(w, row, width, shares(key, value, text))
   w.write(label)
   if text then w.write(text) else emit(w, value, found, row.indent, depth + 1) end
end

-- The table (see contents) in several lines, the first of which begins where the writing is.
function emit(w, t, found, indent, depth)
   local row, shown = { indent = indent .. STEP, empty = true }, 0
   w.inside[t] = true
   w.write "{"
   while shown < found.shown and (shown == 0 or w.lines < w.limits.lines) do
      shown = shown + 1
      local key, value = entry(t, found, shown)
      emit_entry(w, row, key, value, depth)
   end
   if shown < found.total then
      w.cut = true
      next_place(w, row, 12, row.shares)
      w.write(left_text(found, shown))
   end
   w.inside[t] = nil
   w.write("\n" .. indent .. "}")
   w.lines = w.lines + 1
end

--- Writes the table through write(text). Returns whether something was left out.
function entries.write(t, limits, write)
   local w = { limits = limits, write = write, lines = 1, inside = {}, cut = false }
   local line, found = table_inline(w, t, limits.width, 1)
   if line then write(line) else emit(w, t, found, "", 1) end
   return w.cut
end

return entries
