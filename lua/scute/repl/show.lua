-- How the session shows a value: tables with their entries, functions as they are called, all else as it prints itself. What is
-- long is cut, and says so; show(value) prints all of it. The parts are in show/.
local brief = require "scute.repl.show.brief"
local columns = require "scute.base.columns"
local console = require "scute.base.console"
local entries = require "scute.repl.show.entries"
local paint = require "scute.repl.show.paint"
local scute = require "scute"
local signature = require "scute.repl.show.signature"
local tensor_text = require "scute.base.tensor_text"

local show = { at_terminal = false } -- where long texts are cut, and lines as wide as the window

local width = 100               -- of a line; that of the window, at a terminal
local HEAD, TAIL = 80, 12       -- lines of an object's text at a terminal, where it has more
local LETTERS = 4000            -- of a text at a terminal

local function fit_window()
   if not show.at_terminal then return end
   width = math.max((scute.terminal_size()), 30) - 1
   tensor_text.width = math.min(width, 96)
end

local function table_text(t)
   local parts = {}
   local cut = entries.write(t, { width = width, most = 40, inner = 10, depth = 4, lines = 60, text = 60 },
      function(text) parts[#parts + 1] = text end)
   return table.concat(parts), cut
end

-- The text of an object without its middle, where it is long and would scroll away what stands above.
local function cut_lines(text)
   local _, count = text:gsub("\n", "")
   if not show.at_terminal or count < HEAD + TAIL + 2 then return text, false end
   local lines = {}
   for line in (text .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
   local gap = paint.mark("note", ("… %s more lines"):format(columns.thousands(#lines - HEAD - TAIL)))
   return table.concat(lines, "\n", 1, HEAD) .. "\n" .. gap .. "\n" .. table.concat(lines, "\n", #lines - TAIL + 1), true
end

-- A line as it is; in quotes what has several, so that it is seen where it ends, and what is no UTF-8.
local function string_text(text)
   local short = show.at_terminal and console.cut(text, LETTERS) or text
   local quoted = short:find "\n" or not utf8.len(short)
   local shown = paint.mark("string", quoted and brief.quoted(short) or short)
   if #short == #text then return shown, false end
   return shown .. paint.mark("note", ("… %s more bytes"):format(columns.thousands(#text - #short))), true
end

-- The marked text of a value, and whether something of it was left out.
local function text_of(value)
   if type(value) == "string" then return string_text(value) end
   if type(value) == "function" then return console.visible(signature.text(value)) end
   if brief.has_own_text(value) then return cut_lines(console.visible(tostring(value))) end
   if type(value) == "table" then return table_text(value) end
   return brief.of(value)
end

--- The text of a value, without colours.
function show.text(value)
   return paint.plain((text_of(value)))
end

-- An object that its own method returned, for chaining, is told in a line.
local function result_text(value, chained)
   if not chained or not brief.has_own_text(value) then return text_of(value) end
   local short = brief.of(value)
   local more = short ~= tostring(value) and paint.mark("note", "   (_ shows all of it)") or ""
   return short .. more, false
end

--- The text of several results { n = , ... } on a line, or one below the other where one of them needs several lines; with
-- marks for colours (see show/paint.lua). chained: the first is an object whose own method returned it.
function show.results(results, chained)
   fit_window()
   local texts, several, any_cut = {}, false, false
   for i = 1, results.n do
      local cut
      texts[i], cut = result_text(results[i], chained and i == 1)
      several = several or texts[i]:find("\n", 1, true) ~= nil
      any_cut = any_cut or cut
   end
   if any_cut then
      texts[#texts + 1] = paint.mark("note", results.n == 1 and "show(_) prints all of it" or "show(value) prints all of one")
      several = true
   end
   return table.concat(texts, several and "\n" or "\t")
end

-- A function that writes marked text, in colours where standard output has them.
local function writer()
   local finish = show.at_terminal and paint.wanted(1) and paint.colored or paint.plain
   return function(text) io.stdout:write(finish(text)) end
end

--- Prints marked text.
function show.print(text)
   writer()(text .. "\n")
end

-- ---- all of a value ----

local ALL = { most = math.huge, inner = math.huge, depth = 100, lines = math.huge, through = true }

local function whole_text(value)
   if type(value) == "function" then return signature.text(value) end
   local meta = debug.getmetatable(value)
   local own = type(value) ~= "string" and type(meta) == "table" and rawget(meta, "__all")
   return console.visible((own or tostring)(value))
end

local function write_table(t, write)
   entries.write(t, setmetatable({ width = width }, { __index = ALL }), write)
   write "\n"
end

--- show(value, ...) prints all of a value, of which the session shows the beginning only where it is long: every entry of a
-- table and of the tables in it, every field of a result, every number of a tensor, every line of a text or a model.
function show.all(...)
   fit_window()
   local write = writer()
   for i = 1, select("#", ...) do
      local value = (select(i, ...))
      if brief.is_open(value, true) then write_table(value, write) else write(whole_text(value) .. "\n") end
   end
end

return show
